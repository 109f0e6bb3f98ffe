//===- Loops.cpp - The loops around a register tile -----------------------===//

#include "Kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace weir;

Indices KernelEmitter::advance(const Indices &from, int loop, Value by) {
  Indices to;
  for (auto [base, step] : llvm::zip(from, nest.loops[loop].strides)) {
    if (step == 0) {
      to.push_back(base);
      continue;
    }
    Value moved = step == 1 ? by : arith::MulIOp::create(b, loc, by, index(step));
    to.push_back(arith::AddIOp::create(b, loc, base, moved));
  }
  return to;
}

Indices KernelEmitter::advance(const Indices &from, int loop, int64_t by) {
  return by == 0 ? from : advance(from, loop, index(by));
}

/// Runs `inside` at first, first + step, ..., `count` times.
void KernelEmitter::emitLoop(const Indices &from, int loop, int64_t first, int64_t count,
                             int64_t step, Inside inside) {
  if (count == 0)
    return;
  if (count == 1)
    return inside(advance(from, loop, first));
  auto each =
      scf::ForOp::create(b, loc, index(first), index(first + count * step), index(step));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(each.getBody());
  inside(advance(from, loop, each.getInductionVar()));
}

void KernelEmitter::emitOuter(size_t level, const Indices &at) {
  if (level < plan.outer.size()) {
    int loop = plan.outer[level];
    return emitLoop(at, loop, 0, nest.loops[loop].extent, 1,
                    [&](const Indices &inner) { emitOuter(level + 1, inner); });
  }
  // Columns, vectors, rows: a panel of the matrix serves all rows of a block.
  tileSizes.assign(plan.tiled.size(), 1);
  tileExtents.clear();
  for (int loop : plan.tiled)
    tileExtents.push_back(nest.loops[loop].extent);
  // A block of the matrix serves all rows; for one row it is read along its depth.
  auto innermost = [&](const Indices &inner) { emitInner(0, inner); };
  auto blocks = [&](const Indices &inner) { emitDepthBlocks(0, inner, innermost); };
  auto rows = [&](const Indices &inner) {
    if (plan.tiled.empty())
      return blocks(inner);
    int last = plan.tiled.size() - 1;
    if (!plan.hasRows)
      return emitTiles(inner, last, blocks);
    emitDepthBlocks(0, inner,
                    [&](const Indices &block) { emitTiles(block, last, innermost); });
  };
  auto vectors = [&](const Indices &inner) { emitVectorBlocks(inner, rows); };
  emitRowBlocks(at, [&](const Indices &inner) {
    if (plan.tiled.size() < 2)
      return vectors(inner);
    emitTiles(inner, 0, vectors);
  });
}

void KernelEmitter::emitInner(size_t level, const Indices &at) {
  if (level == plan.inner.size())
    return emitTile(at);
  int loop = plan.inner[level];
  emitLoop(at, loop, 0, nest.loops[loop].extent, 1,
           [&](const Indices &inner) { emitInner(level + 1, inner); });
}

void KernelEmitter::emitRowBlocks(const Indices &at, Inside inside) {
  if (plan.rowBlock == 0)
    return inside(at);
  int loop = plan.tiled.back();
  int64_t extent = nest.loops[loop].extent;
  int64_t numBlocks = extent / plan.rowBlock, rest = extent % plan.rowBlock;
  tileExtents.back() = plan.rowBlock;
  emitLoop(at, loop, 0, numBlocks, plan.rowBlock, inside);
  tileExtents.back() = rest;
  if (rest > 0)
    inside(advance(at, loop, extent - rest));
}

/// The number of rows has no part in where a block ends. The first one may be smaller: it
/// stands alone also where it adds to what is constant, not to a total.
void KernelEmitter::emitDepthBlocks(size_t level, const Indices &at, Inside inside) {
  if (plan.blockExtent == 0)
    return inside(at);
  int loop = plan.reduced[level];
  bool isCut = level == plan.blockLevel, beginsSums = beginsAtFill;
  int64_t extent = nest.loops[loop].extent, size = isCut ? plan.blockExtent : 1;
  auto run = [&](const Indices &block) {
    isCut ? inside(block) : emitDepthBlocks(level + 1, block, inside);
  };
  int64_t first = (extent - 1) % size + 1;
  if (!beginsSums && first == size)
    first = 0;
  if (first > 0) {
    blockExtent = first;
    run(at);
  }
  beginsAtFill = false;
  blockExtent = size;
  emitLoop(at, loop, first, (extent - first) / size, size, run);
  beginsAtFill = beginsSums;
}

/// Cuts a loop into blocks of nearly equal size: 16 by at most 6 is 6 + 5 + 5.
void KernelEmitter::emitTiles(const Indices &at, size_t tile, Inside inside) {
  int loop = plan.tiled[tile];
  int64_t extent = tileExtents[tile];
  int64_t numBlocks = llvm::divideCeil(extent, plan.tiles[tile]);
  int64_t size = extent / numBlocks, numLarger = extent % numBlocks;
  tileSizes[tile] = size + 1;
  emitLoop(at, loop, 0, numLarger, size + 1, inside);
  tileSizes[tile] = size;
  emitLoop(at, loop, numLarger * (size + 1), numBlocks - numLarger, size, inside);
}

void KernelEmitter::emitVectorBlocks(const Indices &at, Inside inside) {
  width = 1;
  vectorStarts.assign(1, 0);
  int loop = plan.vectorLoop;
  if (loop < 0 || nest.loops[loop].reduces)
    return inside(at);
  int64_t extent = nest.loops[loop].extent, done = 0;
  auto blocks = [&](int64_t newWidth, int64_t numVectors) {
    int64_t size = newWidth * numVectors, count = size ? (extent - done) / size : 0;
    if (count == 0)
      return;
    width = newWidth;
    vectorStarts.clear();
    for (int64_t i = 0; i < numVectors; ++i)
      vectorStarts.push_back(i * newWidth);
    emitLoop(at, loop, done, count, size, inside);
    done += count * size;
  };
  blocks(plan.lanes, plan.numVectors);
  blocks(plan.lanes, (extent - done) / plan.lanes);
  for (int64_t narrow = plan.lanes / 2; narrow >= 1; narrow /= 2)
    blocks(narrow, 1);
}

void KernelEmitter::emit() {
  Indices start;
  for (auto [operand, offset] : llvm::zip(nest.op->getOperands(), nest.offsets)) {
    buffers.push_back(flattenMemref(b, loc, operand));
    start.push_back(index(offset));
  }
  emitOuter(0, start);
  nest.op->erase();
}

void weir::emitNest(const Nest &nest, const Plan &plan) {
  KernelEmitter(nest, plan).emit();
}
