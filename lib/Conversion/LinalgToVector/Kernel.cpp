//===- Kernel.cpp - Emit the loops of a planned nest ----------------------===//
// outer loops
//   column tiles, blocks of vectors, row tiles      at most two sizes of each
//     reduction loops, one register a point of the tile
// Sums along the vectors' own loop are split over lanes and joined in a fixed tree.

#include "Nest.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace weir;

namespace {
using Indices = SmallVector<Value>;
using Offsets = SmallVector<int64_t>;
using Inside = function_ref<void(const Indices &)>;

class KernelEmitter {
public:
  KernelEmitter(const Nest &nest, const Plan &plan)
      : nest(nest), plan(plan), b(nest.op), loc(nest.op->getLoc()) {}
  void emit();

private:
  // Loops around the tile. Indices are one position an operand.
  Indices advance(const Indices &from, int loop, Value by);
  Indices advance(const Indices &from, int loop, int64_t by);
  void emitLoop(const Indices &from, int loop, int64_t first, int64_t count, int64_t step,
                Inside inside);
  void emitOuter(size_t level, const Indices &at);
  void emitTiles(const Indices &at, size_t tile, Inside inside);
  void emitVectorBlocks(const Indices &at, Inside inside);

  // The tile itself: `points` holds the offsets of each point, one an operand.
  void emitTile(const Indices &at);
  void emitElementwise(const Indices &at);
  void emitSumsAlongOutput(const Indices &at);
  void emitSumsAcrossLanes(const Indices &at);
  using Step = function_ref<SmallVector<Value>(const Indices &, ValueRange)>;
  SmallVector<Value> emitReduction(size_t level, const Indices &at, ValueRange sums,
                                   Step step);
  /// Folds every point once into `sums`, reading `width` elements from `shift` on.
  SmallVector<Value> foldPoints(const Indices &at, ValueRange sums, int64_t shift,
                                int64_t width);

  // Values of one element or of `width` neighbours along the vector loop.
  Value evaluate(ArrayRef<Value> inputs, Value sum, int64_t width);
  Value clone(Operation *op, IRMapping &mapping, int64_t width);
  Value combine(Value sum, Value value);
  Value joinLanes(Value sum);
  Value load(unsigned operand, const Indices &at, int64_t offset, int64_t width);
  void store(Value value, const Indices &at, int64_t offset, int64_t width);
  Value flatten(Value memref);
  Value index(int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }
  int64_t stride(unsigned operand) const {
    return plan.vectorLoop < 0 ? 0 : nest.loops[plan.vectorLoop].strides[operand];
  }

  const Nest &nest;
  const Plan &plan;
  OpBuilder b;
  Location loc;
  SmallVector<Value> buffers;
  int64_t width = 1;                 // of the vectors at hand
  SmallVector<int64_t> vectorStarts; // along the vector loop
  SmallVector<int64_t> tileSizes;    // parallel to plan.tiled
  SmallVector<Offsets> points;
};
} // namespace

//===----------------------------------------------------------------------===//
// Loops around the tile
//===----------------------------------------------------------------------===//

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
  // Columns, vectors, rows: a panel of the matrix serves all rows.
  tileSizes.assign(plan.tiled.size(), 1);
  auto innermost = [&](const Indices &inner) { emitTile(inner); };
  auto rows = [&](const Indices &inner) {
    if (plan.tiled.empty())
      return innermost(inner);
    emitTiles(inner, plan.tiled.size() - 1, innermost);
  };
  auto vectors = [&](const Indices &inner) { emitVectorBlocks(inner, rows); };
  if (plan.tiled.size() < 2)
    return vectors(at);
  emitTiles(at, 0, vectors);
}

/// Cuts a loop into blocks of nearly equal size: 16 by at most 6 is 6 + 5 + 5.
void KernelEmitter::emitTiles(const Indices &at, size_t tile, Inside inside) {
  int loop = plan.tiled[tile];
  int64_t extent = nest.loops[loop].extent;
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

//===----------------------------------------------------------------------===//
// The tile
//===----------------------------------------------------------------------===//

void KernelEmitter::emitTile(const Indices &at) {
  unsigned numOperands = nest.numInputs + 1;
  points.assign(1, Offsets(numOperands, 0));
  auto spread = [&](int loop, ArrayRef<int64_t> positions) {
    SmallVector<Offsets> all;
    for (const Offsets &point : points)
      for (int64_t position : positions) {
        Offsets moved = point;
        for (unsigned i = 0; i < numOperands; ++i)
          moved[i] += position * nest.loops[loop].strides[i];
        all.push_back(moved);
      }
    points = all;
  };
  for (auto [loop, size] : llvm::zip(plan.tiled, tileSizes))
    spread(loop, llvm::to_vector(llvm::seq<int64_t>(0, size)));
  if (plan.vectorLoop >= 0 && !nest.loops[plan.vectorLoop].reduces)
    spread(plan.vectorLoop, vectorStarts);
  if (!nest.reduces())
    return emitElementwise(at);
  if (plan.vectorLoop >= 0 && nest.loops[plan.vectorLoop].reduces)
    return emitSumsAcrossLanes(at);
  emitSumsAlongOutput(at);
}

void KernelEmitter::emitElementwise(const Indices &at) {
  for (const Offsets &point : points) {
    SmallVector<Value> inputs;
    for (unsigned i = 0; i < nest.numInputs; ++i)
      inputs.push_back(load(i, at, point[i], width));
    Value before;
    if (nest.readsOutput())
      before = load(nest.output(), at, point.back(), width);
    store(evaluate(inputs, before, width), at, point.back(), width);
  }
}

SmallVector<Value> KernelEmitter::emitReduction(size_t level, const Indices &at,
                                                ValueRange sums, Step step) {
  if (level == plan.reduced.size())
    return step(at, sums);
  int loop = plan.reduced[level];
  auto each = scf::ForOp::create(b, loc, index(0), index(nest.loops[loop].extent),
                                 index(1), sums);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(each.getBody());
  SmallVector<Value> next =
      emitReduction(level + 1, advance(at, loop, each.getInductionVar()),
                    each.getRegionIterArgs(), step);
  scf::YieldOp::create(b, loc, next);
  return SmallVector<Value>(each.getResults());
}

SmallVector<Value> KernelEmitter::foldPoints(const Indices &at, ValueRange sums,
                                             int64_t shift, int64_t width) {
  // Points share rows and columns: each element is loaded once.
  llvm::DenseMap<std::pair<unsigned, int64_t>, Value> loaded;
  SmallVector<Value> next;
  for (auto [point, sum] : llvm::zip(points, sums)) {
    SmallVector<Value> inputs;
    for (unsigned i = 0; i < nest.numInputs; ++i) {
      Value &value = loaded[{i, point[i]}];
      if (!value)
        value = load(i, at, point[i] + shift * stride(i), width);
      inputs.push_back(value);
    }
    next.push_back(evaluate(inputs, sum, width));
  }
  return next;
}

void KernelEmitter::emitSumsAlongOutput(const Indices &at) {
  SmallVector<Value> sums;
  for (const Offsets &point : points)
    sums.push_back(load(nest.output(), at, point.back(), width));
  sums = emitReduction(0, at, sums, [&](const Indices &inner, ValueRange sums) {
    return foldPoints(inner, sums, 0, width);
  });
  for (auto [point, sum] : llvm::zip(points, sums))
    store(sum, at, point.back(), width);
}

void KernelEmitter::emitSumsAcrossLanes(const Indices &at) {
  int loop = plan.vectorLoop;
  int64_t extent = nest.loops[loop].extent, lanes = plan.lanes;
  int64_t numVectors = plan.numVectors, numPoints = points.size();
  int64_t block = lanes * numVectors, numBlocks = extent / block;
  int64_t numSingle = (extent - numBlocks * block) / lanes;
  int64_t rest = extent - numBlocks * block - numSingle * lanes;
  Type element = nest.body->getArguments().back().getType();
  auto vectorType = VectorType::get({lanes}, element);
  Value neutral =
      arith::ConstantOp::create(b, loc, *arith::getNeutralElement(nest.combiner));
  Value neutrals = vector::BroadcastOp::create(b, loc, vectorType, neutral);

  // First `numVectors` vectors for each point, then one scalar for each.
  SmallVector<Value> sums(numPoints * numVectors, neutrals);
  sums.append(numPoints, neutral);
  auto foldAt = [&](const Indices &inner, SmallVectorImpl<Value> &sums, int64_t part,
                    int64_t shift) {
    auto slice = MutableArrayRef<Value>(sums).slice(part * numPoints, numPoints);
    SmallVector<Value> next =
        foldPoints(inner, slice, shift, part < numVectors ? lanes : 1);
    llvm::copy(next, slice.begin());
  };
  auto step = [&](const Indices &inner, ValueRange start) {
    SmallVector<Value> sums(start);
    if (numBlocks > 0) {
      auto each = scf::ForOp::create(b, loc, index(0), index(numBlocks * block),
                                     index(block), sums);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(each.getBody());
      SmallVector<Value> next(each.getRegionIterArgs());
      Indices here = advance(inner, loop, each.getInductionVar());
      for (int64_t part = 0; part < numVectors; ++part)
        foldAt(here, next, part, part * lanes);
      scf::YieldOp::create(b, loc, next);
      sums.assign(each.result_begin(), each.result_end());
    }
    int64_t done = numBlocks * block;
    for (int64_t i = 0; i < numSingle; ++i, done += lanes)
      foldAt(inner, sums, i, done);
    for (int64_t i = 0; i < rest; ++i)
      foldAt(inner, sums, numVectors, done + i);
    return sums;
  };
  sums = emitReduction(0, at, sums, step);

  for (int64_t i = 0; i < numPoints; ++i) {
    Value sum = sums[i];
    for (int64_t part = 1; part < numVectors; ++part)
      sum = combine(sum, sums[part * numPoints + i]);
    sum = joinLanes(sum);
    if (rest > 0)
      sum = combine(sum, sums[numVectors * numPoints + i]);
    Value init = load(nest.output(), at, points[i].back(), 1);
    store(combine(init, sum), at, points[i].back(), 1);
  }
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

static Type widen(Type type, int64_t width) {
  return width == 1 ? type : VectorType::get({width}, type);
}

Value KernelEmitter::clone(Operation *op, IRMapping &mapping, int64_t width) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    Value scalar = b.clone(*op)->getResult(0);
    return width == 1 ? scalar
                      : vector::BroadcastOp::create(
                            b, loc, widen(constant.getType(), width), scalar);
  }
  if (width > 1) // constants from outside the body
    for (Value operand : op->getOperands())
      if (!mapping.contains(operand))
        mapping.map(operand, vector::BroadcastOp::create(
                                 b, loc, widen(operand.getType(), width), operand));
  Operation *copy = b.clone(*op, mapping);
  for (Value result : copy->getResults())
    result.setType(widen(result.getType(), width));
  return copy->getResult(0);
}

/// What the body yields; with a reduction, for the accumulated value `sum`.
Value KernelEmitter::evaluate(ArrayRef<Value> inputs, Value sum, int64_t width) {
  Block &body = *nest.body;
  IRMapping mapping;
  for (auto [argument, value] : llvm::zip(body.getArguments(), inputs))
    mapping.map(argument, value);
  if (sum)
    mapping.map(body.getArguments().back(), sum);
  // acc + x * y is one instruction, rounded once.
  arith::MulFOp product;
  if (nest.isContraction())
    for (Value operand : nest.combiner->getOperands())
      if (auto mul = operand.getDefiningOp<arith::MulFOp>(); mul && mul->hasOneUse())
        product = mul;
  for (Operation &op : body.without_terminator()) {
    if (product && &op == product)
      continue;
    Value result;
    if (product && &op == nest.combiner)
      result = math::FmaOp::create(b, loc, mapping.lookup(product.getLhs()),
                                   mapping.lookup(product.getRhs()), sum);
    else
      result = clone(&op, mapping, width);
    mapping.map(op.getResult(0), result);
  }
  Value yielded = body.getTerminator()->getOperand(0);
  Value result = mapping.lookupOrDefault(yielded);
  if (width > 1 && !isa<VectorType>(result.getType())) // a value from outside
    result = vector::BroadcastOp::create(b, loc, widen(result.getType(), width), result);
  return result;
}

Value KernelEmitter::combine(Value sum, Value value) {
  IRMapping mapping;
  Value acc = nest.body->getArguments().back();
  for (Value operand : nest.combiner->getOperands())
    mapping.map(operand, operand == acc ? sum : value);
  Operation *copy = b.clone(*nest.combiner, mapping);
  copy->getResult(0).setType(sum.getType());
  return copy->getResult(0);
}

/// ((0+4)+(2+6)) + ((1+5)+(3+7)): halves are added until one lane is left.
Value KernelEmitter::joinLanes(Value sum) {
  int64_t lanes = cast<VectorType>(sum.getType()).getNumElements();
  for (; lanes > 1; lanes /= 2) {
    Value low = vector::ExtractStridedSliceOp::create(b, loc, sum, {0}, {lanes / 2}, {1});
    Value high =
        vector::ExtractStridedSliceOp::create(b, loc, sum, {lanes / 2}, {lanes / 2}, {1});
    sum = combine(low, high);
  }
  return vector::ExtractOp::create(b, loc, sum, ArrayRef<int64_t>{0});
}

Value KernelEmitter::load(unsigned operand, const Indices &at, int64_t offset,
                          int64_t width) {
  Value buffer = buffers[operand];
  if (!isa<MemRefType>(buffer.getType())) {
    return width == 1 ? buffer
                      : vector::BroadcastOp::create(
                            b, loc, widen(buffer.getType(), width), buffer);
  }
  Type element = cast<MemRefType>(buffer.getType()).getElementType();
  auto position = [&](int64_t shift) {
    int64_t by = offset + shift;
    return by == 0 ? at[operand]
                   : arith::AddIOp::create(b, loc, at[operand], index(by)).getResult();
  };
  if (width == 1)
    return memref::LoadOp::create(b, loc, buffer, position(0));
  Type type = widen(element, width);
  if (stride(operand) == 0) {
    Value scalar = memref::LoadOp::create(b, loc, buffer, position(0));
    return vector::BroadcastOp::create(b, loc, type, scalar);
  }
  if (stride(operand) == 1)
    return vector::LoadOp::create(b, loc, cast<VectorType>(type), buffer, position(0));
  SmallVector<Value> elements;
  for (int64_t i = 0; i < width; ++i)
    elements.push_back(
        memref::LoadOp::create(b, loc, buffer, position(i * stride(operand))));
  return vector::FromElementsOp::create(b, loc, cast<VectorType>(type), elements);
}

void KernelEmitter::store(Value value, const Indices &at, int64_t offset, int64_t width) {
  Value position = at.back();
  if (offset != 0)
    position = arith::AddIOp::create(b, loc, position, index(offset));
  if (width == 1)
    memref::StoreOp::create(b, loc, value, buffers.back(), position);
  else
    vector::StoreOp::create(b, loc, value, buffers.back(), position);
}

/// The elements that `memref` can reach as one dimension, from its first one on.
Value KernelEmitter::flatten(Value memref) {
  auto type = dyn_cast<MemRefType>(memref.getType());
  if (!type)
    return memref;
  SmallVector<int64_t> strides;
  int64_t offset, size = 1;
  (void)type.getStridesAndOffset(strides, offset);
  for (auto [extent, stride] : llvm::zip(type.getShape(), strides))
    size += (extent - 1) * stride;
  auto layout = StridedLayoutAttr::get(b.getContext(), offset, {1});
  auto flat = MemRefType::get({size}, type.getElementType(),
                              offset == 0 ? MemRefLayoutAttrInterface() : layout,
                              type.getMemorySpace());
  if (flat == type)
    return memref;
  auto parts = memref::ExtractStridedMetadataOp::create(b, loc, memref);
  OpFoldResult start = offset == ShapedType::kDynamic ? OpFoldResult(parts.getOffset())
                                                      : b.getIndexAttr(offset);
  return memref::ReinterpretCastOp::create(b, loc, flat, parts.getBaseBuffer(), start,
                                           ArrayRef<OpFoldResult>{b.getIndexAttr(size)},
                                           ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
}

void KernelEmitter::emit() {
  Indices start;
  for (auto [operand, offset] : llvm::zip(nest.op->getOperands(), nest.offsets)) {
    buffers.push_back(flatten(operand));
    start.push_back(index(offset));
  }
  emitOuter(0, start);
  nest.op->erase();
}

void weir::emitNest(const Nest &nest, const Plan &plan) {
  KernelEmitter(nest, plan).emit();
}
