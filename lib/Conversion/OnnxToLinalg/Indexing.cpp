//===- Indexing.cpp - onnx ops that read by computed index ----------------===//
// Negative indices count from the end. Other indices outside the dimension are an error
// in ONNX; here they read its first or last entry, never other memory.

#include "Emit.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/TensorTypes.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// An index into a dimension of `size`, from an element of an index tensor.
static Value toIndex(Scalars &s, Value raw, int64_t size) {
  Value index = s.convert(raw, s.b.getI64Type(), false);
  Value zero = s.constant(index, 0);
  index = s.select(s.less(index, zero), s.add(index, s.constant(index, size)), index);
  index = s.max(s.min(index, s.constant(index, size - 1)), zero);
  return arith::IndexCastOp::create(s.b, s.loc, s.b.getIndexType(), index);
}

/// A tensor's elements as they are stored, which is how reads by index see them.
static Tensor raw(Tensor x) {
  return {x.value, cast<RankedTensorType>(x.value.getType()).getElementType()};
}
static Value read(Scalars &s, Tensor x, ArrayRef<Value> indices) {
  return tensor::ExtractOp::create(s.b, s.loc, x.value, indices);
}

/// One constant index: a slice.
static std::optional<Tensor> gatherOne(GatherOp op, Emit &emit, int64_t axis) {
  auto indices = getConstantInts(op.getIndices());
  if (!indices || indices->size() != 1)
    return std::nullopt;
  Tensor x = emit.tensor(op.getData());
  int64_t size = x.shape()[axis], index = indices->front();
  SmallVector<int64_t> offsets(x.rank(), 0), sizes(x.shape()), ones(x.rank(), 1);
  offsets[axis] = std::clamp<int64_t>(index < 0 ? index + size : index, 0, size - 1);
  sizes[axis] = 1;
  return emit.reshape(emit.slice(x, offsets, sizes, ones), shapeOf(op.getOutput()));
}

static Results lowerGather(GatherOp op, Emit &emit) {
  Tensor x = emit.tensor(op.getData()), indices = emit.tensor(op.getIndices());
  int64_t axis = op.getAxis() < 0 ? op.getAxis() + x.rank() : op.getAxis();
  if (std::optional<Tensor> slice = gatherOne(op, emit, axis))
    return SmallVector<Value>{slice->value};
  ArrayRef<int64_t> shape = shapeOf(op.getOutput());
  auto indexLoops = llvm::to_vector(llvm::seq<int64_t>(axis, axis + indices.rank()));
  Tensor source = raw(x);
  Tensor y = emit.map(shape, source.element, {indices},
                      {keepLoops(op.getContext(), shape.size(), indexLoops)},
                      [&](Scalars &s, ValueRange v) {
                        SmallVector<Value> at;
                        for (int64_t i = 0; i < x.rank(); ++i)
                          at.push_back(
                              i == axis ? toIndex(s, v[0], x.shape()[axis])
                                        : s.index(i < axis ? i : i + indices.rank() - 1));
                        return read(s, source, at);
                      });
  return SmallVector<Value>{y.value};
}

static Results lowerGatherElements(GatherElementsOp op, Emit &emit) {
  Tensor x = emit.tensor(op.getData()), indices = emit.tensor(op.getIndices());
  int64_t axis = op.getAxis() < 0 ? op.getAxis() + x.rank() : op.getAxis();
  Tensor source = raw(x);
  Tensor y = emit.map(
      shapeOf(op.getOutput()), source.element, {indices}, [&](Scalars &s, ValueRange v) {
        SmallVector<Value> at;
        for (int64_t i = 0; i < x.rank(); ++i)
          at.push_back(i == axis ? toIndex(s, v[0], x.shape()[axis]) : s.index(i));
        return read(s, source, at);
      });
  return SmallVector<Value>{y.value};
}

static Results lowerGatherND(GatherNDOp op, Emit &emit) {
  Tensor x = emit.tensor(op.getData()), indices = emit.tensor(op.getIndices());
  int64_t batch = op.getBatchDims(), depth = indices.shape().back();
  int64_t indexRank = indices.rank() - 1; // loops over index vectors
  Tensor source = raw(x), table = raw(indices);
  Tensor y =
      emit.map(shapeOf(op.getOutput()), source.element, {}, [&](Scalars &s, ValueRange) {
        SmallVector<Value> vector, at;
        for (int64_t i = 0; i < indexRank; ++i)
          vector.push_back(s.index(i));
        vector.push_back(Value());
        for (int64_t i = 0; i < x.rank(); ++i) {
          if (i < batch) {
            at.push_back(s.index(i));
          } else if (i < batch + depth) {
            vector.back() = s.constant(s.b.getIndexType(), i - batch);
            at.push_back(toIndex(s, read(s, table, vector), x.shape()[i]));
          } else {
            at.push_back(s.index(indexRank + i - batch - depth));
          }
        }
        return read(s, source, at);
      });
  return SmallVector<Value>{y.value};
}

/// How updates join what is there; null where they replace it.
using Fold = Value (Scalars::*)(Value, Value);
static FailureOr<Fold> scatterFold(StringRef reduction, Type element, Emit &emit) {
  auto fold = llvm::StringSwitch<FailureOr<Fold>>(reduction)
                  .Case("none", Fold(nullptr))
                  .Case("add", Fold(&Scalars::add))
                  .Case("mul", Fold(&Scalars::mul))
                  .Case("max", Fold(&Scalars::max))
                  .Case("min", Fold(&Scalars::min))
                  .Default(failure());
  if (failed(fold))
    return emit.refuse("its reduction '" + reduction + "' is unknown");
  if (*fold && element.isInteger(1))
    return emit.refuse("its reduction '" + reduction + "' joins booleans");
  return fold;
}

// A loop over index vectors; each replaces one slice of the copy that the last one left.
static Results lowerScatterND(ScatterNDOp op, Emit &emit) {
  Tensor x = emit.tensor(op.getData());
  FailureOr<Fold> fold = scatterFold(op.getReduction(), x.element, emit);
  if (failed(fold))
    return failure();
  Tensor indices = raw(emit.tensor(op.getIndices()));
  Tensor updates = emit.tensor(op.getUpdates());
  int64_t depth = indices.shape().back(), count = 1;
  for (int64_t size : indices.shape().drop_back())
    count *= size;
  indices = emit.reshape(indices, {count, depth});
  SmallVector<int64_t> sizes(x.shape()), rows = {count};
  std::fill_n(sizes.begin(), depth, 1);
  llvm::append_range(rows, x.shape().drop_front(depth));
  updates = emit.reshape(updates, rows);
  SmallVector<int64_t> row = rows;
  row[0] = 1;

  OpBuilder &b = emit.rw;
  Location loc = emit.loc;
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, loc, value);
  };
  auto loop =
      scf::ForOp::create(b, loc, constant(0), constant(count), constant(1), x.value);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value which = loop.getInductionVar(), into = loop.getRegionIterArg(0);
  Scalars scalars(b, loc);
  SmallVector<OpFoldResult> offsets(x.rank(), b.getIndexAttr(0)),
      from(rows.size(), b.getIndexAttr(0));
  for (int64_t i = 0; i < depth; ++i)
    offsets[i] =
        toIndex(scalars, read(scalars, indices, {which, constant(i)}), x.shape()[i]);
  from[0] = which;
  SmallVector<OpFoldResult> ones(x.rank(), b.getIndexAttr(1)),
      rowOnes(rows.size(), b.getIndexAttr(1));
  auto fixed = [&](ArrayRef<int64_t> values) {
    return getAsIndexOpFoldResult(b.getContext(), values);
  };
  Tensor update = {
      tensor::ExtractSliceOp::create(b, loc, updates.value, from, fixed(row), rowOnes),
      x.element};
  update = emit.reshape(update, sizes);
  if (*fold) {
    Tensor old = {
        tensor::ExtractSliceOp::create(b, loc, into, offsets, fixed(sizes), ones),
        x.element};
    update = emit.map(sizes, x.element, {old, update},
                      [&](Scalars &s, ValueRange v) { return (s.**fold)(v[0], v[1]); });
  }
  Value next = tensor::InsertSliceOp::create(b, loc, update.value, into, offsets,
                                             fixed(sizes), ones);
  scf::YieldOp::create(b, loc, next);
  return SmallVector<Value>{loop.getResult(0)};
}

// Loops over all updates; each changes one element of the copy that the last one left.
static Results lowerScatterElements(ScatterElementsOp op, Emit &emit) {
  Tensor x = emit.tensor(op.getData());
  FailureOr<Fold> fold = scatterFold(op.getReduction(), x.element, emit);
  if (failed(fold))
    return failure();
  Tensor indices = raw(emit.tensor(op.getIndices()));
  Tensor updates = emit.tensor(op.getUpdates());
  int64_t axis = op.getAxis() < 0 ? op.getAxis() + x.rank() : op.getAxis();
  OpBuilder &b = emit.rw;
  Location loc = emit.loc;
  SmallVector<Value> lower, upper, steps;
  for (int64_t size : indices.shape()) {
    lower.push_back(arith::ConstantIndexOp::create(b, loc, 0));
    upper.push_back(arith::ConstantIndexOp::create(b, loc, size));
    steps.push_back(arith::ConstantIndexOp::create(b, loc, 1));
  }
  auto update = [&](OpBuilder &inner, Location, ValueRange from, ValueRange state) {
    Scalars s(inner, loc, x.element.isUnsignedInteger());
    SmallVector<Value> at(from);
    at[axis] = toIndex(s, read(s, indices, at), x.shape()[axis]);
    Value value = read(s, updates, llvm::to_vector(from));
    if (*fold) {
      Type wide = computedType(x.element), stored = value.getType();
      Value old = tensor::ExtractOp::create(inner, loc, state[0], at);
      value = (s.**fold)(s.convert(old, wide, false), s.convert(value, wide, false));
      value = s.convert(value, stored, false);
    }
    return SmallVector<Value>{tensor::InsertOp::create(inner, loc, value, state[0], at)};
  };
  auto loops = scf::buildLoopNest(b, loc, lower, upper, steps, x.value, update);
  return SmallVector<Value>{loops.results.front()};
}

void weir::onnx::addIndexingLowerings(Lowerings &lowerings) {
  lowerings.add<GatherOp>(lowerGather);
  lowerings.add<GatherElementsOp>(lowerGatherElements);
  lowerings.add<GatherNDOp>(lowerGatherND);
  lowerings.add<ScatterNDOp>(lowerScatterND);
  lowerings.add<ScatterElementsOp>(lowerScatterElements);
}
