//===- Normalization.cpp - Softmax and the normalizations -----------------===//
// Each reduction is computed once a row. Means and variances take two passes: the mean
// first, then the squares of what differs from it.

#include "Emit.h"
#include "weir/Dialect/Onnx/Geometry.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/TensorTypes.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

static Value addTo(Scalars &s, ValueRange v) { return s.add(v[1], v[0]); }

/// Combines `x` with values that lack its dimension `axis`.
static Tensor mapRows(Emit &emit, Tensor x, ArrayRef<Tensor> perRow, int64_t axis,
                      Type element, Body body) {
  SmallVector<int64_t> kept;
  for (int64_t i = 0; i < x.rank(); ++i)
    if (i != axis)
      kept.push_back(i);
  MLIRContext *context = emit.rw.getContext();
  SmallVector<AffineMap> maps = {emit.rw.getMultiDimIdentityMap(x.rank())};
  maps.append(perRow.size(), keepLoops(context, x.rank(), kept));
  SmallVector<Tensor> operands = {x};
  operands.append(perRow.begin(), perRow.end());
  return emit.map(x.shape(), element, operands, maps, body);
}

Tensor weir::onnx::softmax(Emit &emit, Tensor x, int64_t axis, bool logarithm) {
  Type element = x.element, wide = computedType(element);
  double lowest = -std::numeric_limits<double>::infinity();
  Tensor largest = emit.reduce(x, {axis}, wide, lowest, [](Scalars &s, ValueRange v) {
    return s.max(v[1], v[0]);
  });
  if (logarithm) {
    Tensor shifted = mapRows(emit, x, {largest}, axis, wide,
                             [](Scalars &s, ValueRange v) { return s.sub(v[0], v[1]); });
    Tensor exps = emit.map(shifted.shape(), wide, {shifted},
                           [](Scalars &s, ValueRange v) { return s.exp(v[0]); });
    Tensor sum = emit.reduce(exps, {axis}, wide, 0, addTo);
    return mapRows(emit, shifted, {sum}, axis, element,
                   [](Scalars &s, ValueRange v) { return s.sub(v[0], s.log(v[1])); });
  }
  Tensor exps = mapRows(emit, x, {largest}, axis, wide, [](Scalars &s, ValueRange v) {
    return s.exp(s.sub(v[0], v[1]));
  });
  Tensor sum = emit.reduce(exps, {axis}, wide, 0, addTo);
  return mapRows(emit, exps, {sum}, axis, element,
                 [](Scalars &s, ValueRange v) { return s.div(v[0], v[1]); });
}

template <typename OpT, bool logarithm>
static Results lowerSoftmax(OpT op, Emit &emit) {
  Tensor x = emit.tensor(op.getInput());
  int64_t axis = *normalizeAxis(op.getAxis(), x.rank());
  return SmallVector<Value>{softmax(emit, x, axis, logarithm).value};
}

namespace {
/// Rows of `width` elements with their mean (absent for RMS) and 1 / sqrt(var + epsilon).
struct Moments {
  Tensor rows, mean, inverse;
};
} // namespace

static Moments getMoments(Emit &emit, Tensor rows, double epsilon, bool centers) {
  Type wide = computedType(rows.element);
  int64_t width = rows.shape()[1], count = rows.shape()[0];
  auto average = [&](Scalars &s, Value sum) {
    return s.div(sum, s.constant(sum, width));
  };
  Moments moments;
  moments.rows = rows;
  if (centers) {
    Tensor sum = emit.reduce(rows, {1}, wide, 0, addTo);
    moments.mean = emit.map({count}, wide, {sum},
                            [&](Scalars &s, ValueRange v) { return average(s, v[0]); });
  }
  SmallVector<Tensor> perRow;
  if (centers)
    perRow.push_back(moments.mean);
  Tensor squares = mapRows(emit, rows, perRow, 1, wide, [&](Scalars &s, ValueRange v) {
    Value difference = centers ? s.sub(v[0], v[1]) : v[0];
    return s.mul(difference, difference);
  });
  Tensor sum = emit.reduce(squares, {1}, wide, 0, addTo);
  moments.inverse = emit.map({count}, wide, {sum}, [&](Scalars &s, ValueRange v) {
    Value variance = s.add(average(s, v[0]), s.constant(v[0], epsilon));
    return s.div(s.constant(v[0], 1), s.sqrt(variance));
  });
  return moments;
}

/// The normalized rows, scaled and shifted by operands that broadcast to `shape`.
static Tensor normalize(Emit &emit, const Moments &moments, bool centers, Tensor scale,
                        std::optional<Tensor> shift, ArrayRef<int64_t> shape,
                        Type element) {
  Type wide = moments.inverse.element;
  SmallVector<Tensor> perRow;
  if (centers)
    perRow.push_back(moments.mean);
  perRow.push_back(moments.inverse);
  Tensor unit =
      mapRows(emit, moments.rows, perRow, 1, wide, [&](Scalars &s, ValueRange v) {
        Value x = centers ? s.sub(v[0], v[1]) : v[0];
        return s.mul(x, v.back());
      });
  unit = emit.reshape(unit, shape);
  SmallVector<Tensor> operands = {unit, scale};
  if (shift)
    operands.push_back(*shift);
  return emit.map(shape, element, operands, [&](Scalars &s, ValueRange v) {
    Value y = s.mul(v[0], s.convert(v[1], v[0].getType(), false));
    return shift ? s.add(y, s.convert(v[2], v[0].getType(), false)) : y;
  });
}

static Tensor toRows(Emit &emit, Tensor x, int64_t axis) {
  int64_t count = 1, width = 1;
  for (auto [dim, size] : llvm::enumerate(x.shape()))
    (static_cast<int64_t>(dim) < axis ? count : width) *= size;
  return emit.reshape(x, {count, width});
}

static Results lowerLayerNorm(LayerNormalizationOp op, Emit &emit) {
  Tensor x = emit.tensor(op.getX());
  SmallVector<int64_t> shape(x.shape());
  int64_t axis = *normalizeAxis(op.getAxis(), x.rank());
  Moments moments = getMoments(emit, toRows(emit, x, axis),
                               op.getEpsilon().convertToFloat(), /*centers=*/true);
  std::optional<Tensor> shift;
  if (!isa<NoneType>(op.getB().getType()))
    shift = emit.tensor(op.getB());
  Tensor y =
      normalize(emit, moments, true, emit.tensor(op.getScale()), shift, shape, x.element);
  SmallVector<Value> results = {y.value};
  for (auto [result, value] : {std::pair(op.getMean(), moments.mean),
                               std::pair(op.getInvStdDev(), moments.inverse)}) {
    if (isa<NoneType>(result.getType())) {
      results.push_back(NoValueOp::create(emit.rw, emit.loc));
      continue;
    }
    Tensor shaped = emit.reshape(value, typeOf(result).getShape());
    results.push_back(emit.cast(shaped, typeOf(result).getElementType()).value);
  }
  return results;
}

static Results lowerRmsNorm(RMSNormalizationOp op, Emit &emit) {
  Tensor x = emit.tensor(op.getX());
  SmallVector<int64_t> shape(x.shape());
  int64_t axis = *normalizeAxis(op.getAxis(), x.rank());
  Moments moments = getMoments(emit, toRows(emit, x, axis),
                               op.getEpsilon().convertToFloat(), /*centers=*/false);
  return SmallVector<Value>{normalize(emit, moments, false, emit.tensor(op.getScale()),
                                      std::nullopt, shape, x.element)
                                .value};
}

/// A tensor of one value a channel, shaped to broadcast over [B, C, spatial...].
static Tensor perChannel(Emit &emit, Value operand, int64_t rank) {
  Tensor x = emit.tensor(operand);
  SmallVector<int64_t> shape(rank, 1);
  if (rank > 1)
    shape[1] = x.shape()[0];
  else
    shape[0] = x.shape()[0];
  return emit.reshape(x, shape);
}

static Results lowerBatchNorm(BatchNormalizationOp op, Emit &emit) {
  Tensor x = emit.tensor(op.getX());
  double epsilon = op.getEpsilon().convertToFloat();
  SmallVector<Tensor> operands = {x};
  for (Value operand : {op.getScale(), op.getB(), op.getInputMean(), op.getInputVar()})
    operands.push_back(perChannel(emit, operand, x.rank()));
  Tensor y = emit.map(x.shape(), x.element, operands, [&](Scalars &s, ValueRange v) {
    Type wide = v[0].getType();
    auto operand = [&](int i) { return s.convert(v[i], wide, false); };
    Value deviation = s.sqrt(s.add(operand(4), s.constant(wide, epsilon)));
    Value gain = s.div(operand(1), deviation);
    return s.add(s.mul(s.sub(v[0], operand(3)), gain), operand(2));
  });
  return SmallVector<Value>{y.value};
}

static Results lowerInstanceNorm(InstanceNormalizationOp op, Emit &emit) {
  Tensor x = emit.tensor(op.getInput());
  SmallVector<int64_t> shape(x.shape());
  Moments moments = getMoments(emit, toRows(emit, x, 2), op.getEpsilon().convertToFloat(),
                               /*centers=*/true);
  Tensor scale = perChannel(emit, op.getScale(), x.rank());
  Tensor shift = perChannel(emit, op.getB(), x.rank());
  return SmallVector<Value>{
      normalize(emit, moments, true, scale, shift, shape, x.element).value};
}

void weir::onnx::addNormalizationLowerings(Lowerings &lowerings) {
  lowerings.add<SoftmaxOp>(lowerSoftmax<SoftmaxOp, false>);
  lowerings.add<LogSoftmaxOp>(lowerSoftmax<LogSoftmaxOp, true>);
  lowerings.add<LayerNormalizationOp>(lowerLayerNorm);
  lowerings.add<RMSNormalizationOp>(lowerRmsNorm);
  lowerings.add<BatchNormalizationOp>(lowerBatchNorm);
  lowerings.add<InstanceNormalizationOp>(lowerInstanceNorm);
}
