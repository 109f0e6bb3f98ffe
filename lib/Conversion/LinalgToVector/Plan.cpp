//===- Plan.cpp - Choose the vectors and register tiles of a nest ---------===//
// Of the vector registers a contraction holds three quarters as sums; the rest takes
// vectors of the matrix and a broadcast element of a row. Of 16 registers these are 6
// rows of 2 vectors, of 32 registers 6 rows of 4. More rows would save loads of the
// matrix, but rows that lie a power of two apart drive each other out of the first cache.

#include "Plan.h"

using namespace mlir;
using namespace weir;

static constexpr int64_t maxRows = 6;
/// Rows that no second cache holds are read in blocks, once a block instead of once for
/// all columns.
static constexpr int64_t cachedElements = 1 << 18, rowBlock = 16 * maxRows;
/// Terms that are added up before they meet a total: half as many would take another
/// tenth or two off the error, but loads and stores of totals would cost 1 to 2 %.
static constexpr int64_t blockTerms = 256;
/// Up to 3 rows wait for memory: several streams of columns keep it busy.
static constexpr int64_t fewRowsColumns = 96;

static bool movesByAtMostOne(const Nest &nest, const Loop &loop) {
  bool moves = false;
  for (unsigned i = 0; i < nest.numInputs; ++i) {
    if (loop.strides[i] != 0 && loop.strides[i] != 1)
      return false;
    moves |= loop.strides[i] == 1;
  }
  return moves;
}

/// The loop to vectorise: along the output where the inputs follow, else along the
/// reduction.
static int chooseVectorLoop(const Nest &nest) {
  for (auto [i, loop] : llvm::enumerate(nest.loops)) {
    if (loop.reduces || loop.strides.back() != 1)
      continue;
    if (!nest.reduces() || movesByAtMostOne(nest, loop))
      return i;
  }
  if (!nest.reduces())
    return -1;
  for (int i = nest.loops.size() - 1; i >= 0; --i)
    if (nest.loops[i].reduces && movesByAtMostOne(nest, nest.loops[i]))
      return i;
  return -1;
}

static int64_t lanesFor(const Nest &nest, int64_t lanes) {
  unsigned widest = 32;
  for (Type type : nest.body->getArgumentTypes())
    widest = std::max(widest, type.getIntOrFloatBitWidth());
  return std::max<int64_t>(1, lanes * 32 / widest);
}

/// Does some input stay while the loop moves? Then its elements are worth keeping.
static bool reuses(const Nest &nest, const Loop &loop) {
  for (unsigned i = 0; i < nest.numInputs; ++i)
    if (loop.strides[i] == 0)
      return true;
  return false;
}

static int64_t depth(const Nest &nest, const Plan &plan) {
  int64_t product = 1;
  for (int loop : plan.reduced)
    product *= nest.loops[loop].extent;
  return product;
}

/// Among the parallel loops that reuse: the rows are those that leave the vectors' input
/// alone, the columns move with it.
static void planTiles(const Nest &nest, Plan &plan, bool alongOutput, int64_t registers) {
  unsigned vectorInput = 0;
  for (unsigned i = 0; i < nest.numInputs; ++i)
    if (plan.vectorLoop >= 0 && nest.loops[plan.vectorLoop].strides[i] == 1)
      vectorInput = i;
  int rows = -1, columns = -1;
  for (int i : plan.outer) {
    if (!reuses(nest, nest.loops[i]))
      continue;
    (nest.loops[i].strides[vectorInput] == 0 ? rows : columns) = i;
  }
  // A sum of rows, each scaled, is read once: in long pieces, whose many sums do not wait
  // for each other.
  bool readsOnce = alongOutput && plan.vectorLoop >= 0 && rows < 0 && columns < 0;
  int64_t rowCount = rows < 0 ? 1 : nest.loops[rows].extent;
  int64_t mostRows = alongOutput ? maxRows : 2;
  int64_t rowTile = std::min(mostRows, rowCount);
  int64_t budget = alongOutput ? registers / 4 * 3 : 8;
  int64_t across = std::min<int64_t>(4, budget / rowTile);
  if (alongOutput && plan.vectorLoop >= 0) {
    int64_t vectors = nest.loops[plan.vectorLoop].extent / plan.lanes;
    // Few rows leave registers to more columns, but for their own elements.
    if (rowCount < 4)
      budget = std::min(budget, registers - rowCount - 2);
    across = budget / rowTile;
    if (readsOnce)
      across = budget = registers / 2;
    else
      across =
          std::min(across, rowCount >= 4 ? registers / 8 : fewRowsColumns / plan.lanes);
    plan.numVectors = std::clamp<int64_t>(across, 1, std::max<int64_t>(vectors, 1));
    across /= plan.numVectors;
    budget = std::max<int64_t>(budget / plan.numVectors, 1);
  }
  auto tile = [&](int loop, int64_t most) {
    if (loop < 0 || budget < 1 || most < 1)
      return;
    llvm::erase(plan.outer, loop);
    plan.tiled.push_back(loop);
    plan.tiles.push_back(std::min({most, budget, nest.loops[loop].extent}));
    budget /= plan.tiles.back();
  };
  // Columns are the outer of the two: a panel of the matrix then serves all rows.
  tile(columns, across);
  tile(rows, mostRows);
  plan.hasRows = !plan.tiled.empty() && plan.tiled.back() == rows;
  if (readsOnce && !plan.outer.empty())
    tile(plan.outer.back(), budget);
  if (alongOutput && rowCount > rowBlock && rowCount * depth(nest, plan) > cachedElements)
    plan.rowBlock = rowBlock;
}

/// for h, for tiles of t: k[t, h]  ==>  for tiles of t, for h: memory is read in its
/// order.
static void runOuterLoopsInside(const Nest &nest, Plan &plan) {
  if (plan.tiled.size() != 1)
    return;
  const Loop &tile = nest.loops[plan.tiled[0]];
  unsigned matrix = 0;
  while (matrix < nest.numInputs && tile.strides[matrix] == 0)
    ++matrix;
  llvm::erase_if(plan.outer, [&](int loop) {
    int64_t stride = nest.loops[loop].strides[matrix];
    if (stride == 0 || stride >= tile.strides[matrix])
      return false;
    plan.inner.push_back(loop);
    return true;
  });
  llvm::stable_sort(plan.inner, [&](int a, int b) {
    return nest.loops[a].strides[matrix] > nest.loops[b].strides[matrix];
  });
}

/// Cuts the depth into blocks of as many terms as there may be, alike but for the first:
/// the innermost loops that fit run whole, the one around them in pieces.
static void planBlocks(const Nest &nest, Plan &plan) {
  if (plan.reduced.empty() || depth(nest, plan) == 0)
    return;
  auto extent = [&](size_t level) { return nest.loops[plan.reduced[level]].extent; };
  int64_t inside = 1;
  size_t level = plan.reduced.size();
  while (level > 1 && inside * extent(level - 1) <= blockTerms)
    inside *= extent(--level);
  plan.blockLevel = level - 1;
  int64_t terms = extent(plan.blockLevel) * inside;
  int64_t numBlocks = llvm::divideCeil(terms, blockTerms);
  plan.blockExtent = llvm::divideCeil(extent(plan.blockLevel), numBlocks);
}

Plan weir::planNest(const Nest &nest, VectorUnit vectors) {
  Plan plan;
  plan.vectorLoop = chooseVectorLoop(nest);
  plan.lanes = lanesFor(nest, vectors.lanes);
  bool alongOutput = plan.vectorLoop < 0 || !nest.loops[plan.vectorLoop].reduces;
  for (auto [i, loop] : llvm::enumerate(nest.loops)) {
    if (static_cast<int>(i) == plan.vectorLoop)
      continue;
    (loop.reduces ? plan.reduced : plan.outer).push_back(i);
  }
  if (alongOutput)
    planBlocks(nest, plan);
  if (nest.isContraction()) {
    planTiles(nest, plan, alongOutput, vectors.registers);
    if (!alongOutput)
      runOuterLoopsInside(nest, plan);
  } else if (!alongOutput) { // several partial sums hide the latency of adding
    plan.numVectors = nest.loops[plan.vectorLoop].extent >= 8 * plan.lanes ? 4 : 1;
  }
  return plan;
}
