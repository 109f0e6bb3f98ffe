//===- Cut.cpp - Cut an op into pieces for threads -------------------------===//
// y[i, j] = x[i, j] + b[j], i < 120, for two threads
//   ==>  y[0 .. 60, j] = x[0 .. 60, j] + b[j]    y[60 .. 120, j] = ...
// Pieces are of one size but the last, which is shorter: all sizes are static, and code
// that runs a piece knows nothing of threads. Sums are never cut, so each element is the
// same chain of operations as without threads.

#include "Cut.h"
#include "../Products.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "weir/Support/BufferBytes.h"

using namespace mlir;
using namespace weir;

static constexpr int64_t cacheLine = 64; // bytes
/// Rows of each thread from which on a product is bound by arithmetic, not by its
/// weights.
static constexpr int64_t manyRows = 16;
static constexpr int64_t mathWork = 8;

int64_t weir::getWork(linalg::LinalgOp op) {
  if (op.hasDynamicShape())
    return std::numeric_limits<int32_t>::max(); // no little
  int64_t each = 1, count = 1;
  op->getRegion(0).walk([&](Operation *inner) {
    if (isa<math::MathDialect>(inner->getDialect()))
      each += mathWork;
  });
  for (int64_t extent : op.getStaticLoopRanges())
    count *= extent;
  return each * count;
}

/// Bytes that an operand moves by along a loop; 0 where it stays.
static int64_t getStride(linalg::LinalgOp op, OpOperand &operand, unsigned loop) {
  auto type = dyn_cast<MemRefType>(operand.get().getType());
  AffineMap map = op.getMatchingIndexingMap(&operand);
  std::optional<unsigned> dim =
      map.getResultPosition(getAffineDimExpr(loop, op.getContext()));
  SmallVector<int64_t> strides;
  int64_t offset;
  if (!type || !dim || failed(type.getStridesAndOffset(strides, offset)))
    return 0;
  return strides[*dim] * getElementBytes(type);
}

/// Does each piece of the loop write an own part of all results, and do all operands
/// move with it as a whole or stay?
static bool isCuttable(linalg::LinalgOp op, unsigned loop) {
  if (op.getIteratorTypesArray()[loop] != utils::IteratorType::parallel ||
      op.getStaticLoopRanges()[loop] < 2)
    return false;
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    auto dim = map.getResultPosition(getAffineDimExpr(loop, op.getContext()));
    if (!dim && (op.isDpsInit(&operand) || map.isFunctionOfDim(loop)))
      return false;
    for (auto [i, expr] : llvm::enumerate(map.getResults()))
      if (dim && i != *dim && expr.isFunctionOfDim(loop))
        return false;
    if (dim && getStride(op, operand, loop) <= 0)
      return false;
  }
  return true;
}

static Cut makeCut(linalg::LinalgOp op, unsigned loop, int64_t size) {
  int64_t extent = op.getStaticLoopRanges()[loop];
  return {loop, size, extent / size, extent % size};
}

/// Of the busiest of `count` threads.
static int64_t getLongestShare(const Cut &cut, int64_t count) {
  int64_t longest = 0;
  for (int64_t id = 0; id < count; ++id) {
    auto [first, last] = getShare(cut.numPieces, id, count);
    longest =
        std::max(longest, (last - first) * cut.size + (id == count - 1 ? cut.rest : 0));
  }
  return longest;
}

/// The largest pieces with which no team has much more to wait for than it must.
static Cut chooseSize(linalg::LinalgOp op, unsigned loop, int64_t threads) {
  int64_t extent = op.getStaticLoopRanges()[loop], moved = 0;
  for (OpOperand &operand : op->getOpOperands())
    moved = std::max(moved, getStride(op, operand, loop));
  // Pieces begin with a line of the cache where that leaves enough of them.
  int64_t unit = std::max<int64_t>(1, cacheLine / std::max<int64_t>(moved, 1));
  if (extent < 2 * unit)
    unit = 1;
  int64_t numUnits = llvm::divideCeil(extent, unit);
  auto isFair = [&](const Cut &cut) {
    for (int64_t count = 2; count <= threads; ++count) {
      int64_t least = llvm::divideCeil(numUnits, count) * unit;
      if (8 * getLongestShare(cut, count) > 9 * least)
        return false;
    }
    return true;
  };
  for (int64_t size = llvm::divideCeil(numUnits, int64_t(2)); size > 1; --size)
    if (Cut cut = makeCut(op, loop, size * unit); isFair(cut))
      return cut;
  return makeCut(op, loop, unit);
}

/// Bytes that each thread reads and writes.
static int64_t getTraffic(linalg::LinalgOp op, unsigned loop, int64_t threads) {
  int64_t traffic = 0;
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    if (!type)
      continue;
    int64_t bytes = getBufferBytes(type);
    traffic += getStride(op, operand, loop) ? bytes / threads : bytes;
  }
  return traffic;
}

/// Pieces as those of `access`, which one of the operands was written in.
static std::optional<Cut> follow(linalg::LinalgOp op, unsigned loop,
                                 const Access &access) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()) ||
        findPlace(operand.get()).root != access.place.root)
      continue;
    int64_t stride = getStride(op, operand, loop);
    if (stride == 0 || access.step < stride || access.step % stride)
      continue;
    Cut cut = makeCut(op, loop, access.step / stride);
    if (cut.numPieces == access.numPieces)
      return cut;
  }
  return std::nullopt;
}

SmallVector<Cut> weir::findCuts(linalg::LinalgOp op, int64_t threads,
                                ArrayRef<Access> recent) {
  SmallVector<unsigned> loops;
  if (op.hasDynamicShape())
    return {};
  for (unsigned loop = 0; loop < op.getNumLoops(); ++loop)
    if (isCuttable(op, loop))
      loops.push_back(loop);
  OpOperand &output = *op.getDpsInitOperand(0);
  llvm::stable_sort(loops, [&](unsigned a, unsigned b) {
    return getStride(op, output, a) > getStride(op, output, b);
  });
  SmallVector<Cut> cuts;
  for (unsigned loop : loops)
    cuts.push_back(chooseSize(op, loop, threads));
  auto hasManyRows = [&](const Cut &cut) {
    return op.getStaticLoopRanges()[cut.loop] >= manyRows * threads;
  };
  if (isContraction(op))
    llvm::stable_sort(cuts, [&](const Cut &a, const Cut &b) {
      if (hasManyRows(a) || hasManyRows(b))
        return hasManyRows(a) && !hasManyRows(b);
      return getTraffic(op, a.loop, threads) < getTraffic(op, b.loop, threads);
    });
  // As many pieces as threads, else as many as there are.
  llvm::stable_sort(cuts, [&](const Cut &a, const Cut &b) {
    auto count = [&](const Cut &cut) {
      return std::min(cut.numPieces + (cut.rest != 0), threads);
    };
    return count(a) > count(b);
  });
  for (const Access &access : recent)
    if (access.who == Access::Shared && access.writes)
      for (unsigned loop : loops)
        if (std::optional<Cut> cut = follow(op, loop, access))
          cuts.push_back(*cut);
  return cuts;
}

void weir::emitPiece(OpBuilder &b, linalg::LinalgOp op, const Cut &cut,
                     OpFoldResult first, int64_t size) {
  Location loc = op->getLoc();
  SmallVector<Value> operands;
  for (OpOperand &operand : op->getOpOperands()) {
    Value memref = operand.get();
    AffineMap map = op.getMatchingIndexingMap(&operand);
    auto dim = map.getResultPosition(getAffineDimExpr(cut.loop, op.getContext()));
    if (dim) {
      auto type = cast<MemRefType>(memref.getType());
      SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0)),
          strides(type.getRank(), b.getIndexAttr(1)),
          sizes = getAsIndexOpFoldResult(b.getContext(), type.getShape());
      offsets[*dim] = first;
      sizes[*dim] = b.getIndexAttr(size);
      memref = memref::SubViewOp::create(b, loc, memref, offsets, sizes, strides);
    }
    operands.push_back(memref);
  }
  auto piece = cast<linalg::LinalgOp>(clone(b, op, /*resultTypes=*/{}, operands));
  SmallVector<OpFoldResult> starts(op.getNumLoops());
  starts[cut.loop] = first;
  linalg::offsetIndices(b, piece, starts);
}
