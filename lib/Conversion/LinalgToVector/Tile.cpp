//===- Tile.cpp - What runs between loads and stores of sums --------------===//

#include "Kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace weir;

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
  bool isCut = plan.blockExtent > 0 && level == plan.blockLevel;
  int64_t extent = isCut ? blockExtent : nest.loops[loop].extent;
  auto each = scf::ForOp::create(b, loc, index(0), index(extent), index(1), sums);
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

/// What sums begin at. Of floats that are added it is -0; zeros are made in no time.
Value KernelEmitter::neutral(int64_t width) {
  TypedAttr element = *arith::getNeutralElement(nest.combiner);
  if (isa<arith::AddFOp>(nest.combiner))
    element = b.getZeroAttr(element.getType());
  Value one = arith::ConstantOp::create(b, loc, element);
  return width == 1
             ? one
             : vector::BroadcastOp::create(b, loc, widen(one.getType(), width), one);
}

void KernelEmitter::emitSumsAlongOutput(const Indices &at) {
  SmallVector<Value> sums(points.size(), neutral(width));
  auto fold = [&](const Indices &inner, ValueRange sums) {
    return foldPoints(inner, sums, 0, width);
  };
  sums = emitReduction(plan.blockLevel, at, sums, fold);
  for (auto [point, sum] : llvm::zip(points, sums)) {
    Value total = loadStart(at, point.back(), width);
    store(combine(total, sum), at, point.back(), width);
  }
}

/// The vectors that a point is summed in: whole ones, then narrower ones for the rest.
static SmallVector<int64_t> widthsOfSums(int64_t extent, int64_t lanes,
                                         int64_t numVectors) {
  SmallVector<int64_t> widths(extent < lanes ? 0 : numVectors, lanes);
  for (int64_t width = lanes / 2; width > 0; width /= 2)
    if (extent % lanes & width)
      widths.push_back(width);
  return widths;
}

void KernelEmitter::emitSumsAcrossLanes(const Indices &at) {
  int loop = plan.vectorLoop;
  int64_t extent = nest.loops[loop].extent, lanes = plan.lanes;
  int64_t numVectors = plan.numVectors, numPoints = points.size();
  int64_t block = lanes * numVectors, numBlocks = extent / block;
  int64_t numSingle = (extent - numBlocks * block) / lanes;
  SmallVector<int64_t> widths = widthsOfSums(extent, lanes, numVectors);
  int64_t numWhole = extent < lanes ? 0 : numVectors, numSums = widths.size();
  SmallVector<Value> sums; // part by part, point by point
  for (int64_t width : widths)
    sums.append(numPoints, neutral(width));
  auto foldAt = [&](const Indices &inner, SmallVectorImpl<Value> &sums, int64_t part,
                    int64_t shift) {
    auto slice = MutableArrayRef<Value>(sums).slice(part * numPoints, numPoints);
    SmallVector<Value> next = foldPoints(inner, slice, shift, widths[part]);
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
    for (int64_t part = numWhole; part < numSums; done += widths[part++])
      foldAt(inner, sums, part, done);
    return sums;
  };
  sums = emitReduction(0, at, sums, step);

  for (int64_t i = 0; i < numPoints; ++i) {
    SmallVector<Value> parts;
    for (int64_t part = 0; part < numSums; ++part)
      parts.push_back(sums[part * numPoints + i]);
    Value init = loadStart(at, points[i].back(), 1);
    store(combine(init, joinLanes(parts)), at, points[i].back(), 1);
  }
}
