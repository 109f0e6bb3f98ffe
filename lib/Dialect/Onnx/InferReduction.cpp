//===- InferReduction.cpp - Result types of reductions, norms, pools ------===//

#include "Infer.h"
#include "weir/Support/HostTensor.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;
using namespace weir::onnx::detail;

static LogicalResult checkAxisOf(const Subject &op, int64_t axis, Value value) {
  std::optional<ArrayRef<int64_t>> shape = getStaticShape(value);
  return shape ? checkAxis(op, axis, shape->size()) : success();
}
LogicalResult onnx::detail::check(const Subject &op, SoftmaxOp::Adaptor adaptor) {
  return checkAxisOf(op, adaptor.getAxis(), adaptor.getInput());
}
LogicalResult onnx::detail::check(const Subject &op, LogSoftmaxOp::Adaptor adaptor) {
  return checkAxisOf(op, adaptor.getAxis(), adaptor.getInput());
}
LogicalResult onnx::detail::check(const Subject &op, CumSumOp::Adaptor adaptor) {
  std::optional<SmallVector<int64_t>> axis = getConstantInts(adaptor.getAxis());
  if (axis && axis->size() == 1)
    return checkAxisOf(op, axis->front(), adaptor.getX());
  return success();
}

/// Fails unless `scale` and the others broadcast into the dimensions that are normalised.
static LogicalResult checkNorm(const Subject &op, Value x, ValueRange scales,
                               int64_t axis) {
  std::optional<ArrayRef<int64_t>> shape = getStaticShape(x);
  if (!shape)
    return success();
  if (failed(checkAxis(op, axis, shape->size())))
    return failure();
  for (Value scale : scales)
    if (!isNone(scale))
      if (std::optional<ArrayRef<int64_t>> factor = getStaticShape(scale))
        if (broadcastShapes(*shape, *factor) != Shape(*shape))
          return failf(op, "a scale of shape {0} does not broadcast to {1}", str(*factor),
                       str(*shape));
  return success();
}

LogicalResult onnx::detail::check(const Subject &op,
                                  RMSNormalizationOp::Adaptor adaptor) {
  return checkNorm(op, adaptor.getX(), adaptor.getScale(), adaptor.getAxis());
}

/// Fails unless every one of `scales` holds one value a channel of `x`.
static LogicalResult checkChannels(const Subject &op, Value x, ValueRange scales) {
  std::optional<ArrayRef<int64_t>> shape = getStaticShape(x);
  if (!shape)
    return success();
  if (shape->size() < 2)
    return failf(op, "wants channels in dimension 1, got shape {0}", str(*shape));
  for (Value scale : scales)
    if (std::optional<ArrayRef<int64_t>> factor = getStaticShape(scale))
      if (*factor != shape->slice(1, 1))
        return failf(op, "a scale of shape {0} does not fit {1} channels", str(*factor),
                     (*shape)[1]);
  return success();
}
LogicalResult onnx::detail::check(const Subject &op,
                                  BatchNormalizationOp::Adaptor adaptor) {
  return checkChannels(op, adaptor.getX(),
                       {adaptor.getScale(), adaptor.getB(), adaptor.getInputMean(),
                        adaptor.getInputVar()});
}
LogicalResult onnx::detail::check(const Subject &op,
                                  InstanceNormalizationOp::Adaptor adaptor) {
  return checkChannels(op, adaptor.getInput(), {adaptor.getScale(), adaptor.getB()});
}

LogicalResult onnx::detail::infer(const Subject &op,
                                  LayerNormalizationOp::Adaptor adaptor, Types &types) {
  if (failed(checkNorm(op, adaptor.getX(), {adaptor.getScale(), adaptor.getB()},
                       adaptor.getAxis())))
    return failure();
  (void)inferLike(adaptor.getX(), getElementType(adaptor.getX()), types);
  types.append(2, NoneType::get(adaptor.getX().getContext()));
  return success();
}

LogicalResult onnx::detail::reduce(const Subject &op, Value data, Value axes,
                                   bool keepDims, bool noopWhenEmpty, Types &types) {
  Type element = getElementType(data);
  std::optional<ArrayRef<int64_t>> shape = getStaticShape(data);
  std::optional<SmallVector<int64_t>> stated = Shape();
  if (!isNone(axes))
    stated = getConstantInts(axes);
  if (!shape || !stated)
    return give(types, element, std::nullopt);
  std::optional<Shape> normal = normalizeAxes(*stated, shape->size());
  if (!normal)
    return failf(op, "axes {0} are not dimensions of a tensor of rank {1}", str(*stated),
                 shape->size());
  bool all = normal->empty() && !noopWhenEmpty;
  Shape result;
  for (auto [i, size] : llvm::enumerate(*shape)) {
    bool reduced = all || llvm::is_contained(*normal, static_cast<int64_t>(i));
    if (!reduced || keepDims)
      result.push_back(reduced ? 1 : size);
  }
  return give(types, element, ArrayRef<int64_t>(result));
}

LogicalResult onnx::detail::argReduce(const Subject &op, Value data, int64_t axis,
                                      bool keepDims, Types &types) {
  Type index = IntegerType::get(data.getContext(), 64);
  std::optional<ArrayRef<int64_t>> shape = getStaticShape(data);
  if (!shape)
    return give(types, index, std::nullopt);
  if (failed(checkAxis(op, axis, shape->size())))
    return failure();
  int64_t at = *normalizeAxis(axis, shape->size());
  Shape result(*shape);
  if (keepDims)
    result[at] = 1;
  else
    result.erase(result.begin() + at);
  return give(types, index, ArrayRef<int64_t>(result));
}

LogicalResult onnx::detail::pool(const Subject &op, Value x, ArrayAttr kernel,
                                 ArrayAttr strides, ArrayAttr dilations, ArrayAttr pads,
                                 StringRef autoPad, bool ceilMode, Types &types) {
  std::optional<ArrayRef<int64_t>> shape = getStaticShape(x);
  if (!shape)
    return give(types, getElementType(x), std::nullopt);
  if (shape->size() < 3)
    return failf(op, "wants spatial dimensions after batch and channel, got shape {0}",
                 str(*shape));
  auto dims = resolveSliding(shape->drop_front(2), getInts(kernel), strides, dilations,
                             pads, autoPad, ceilMode);
  if (!dims)
    return failf(op,
                 "kernel {0} with these strides and pads does not fit an input of {1}",
                 str(getInts(kernel)), str(shape->drop_front(2)));
  Shape result(shape->take_front(2));
  for (const SlidingDim &dim : *dims)
    result.push_back(dim.outputs);
  return give(types, getElementType(x), ArrayRef<int64_t>(result));
}

LogicalResult onnx::detail::globalPool(const Subject &op, Value x, Types &types) {
  std::optional<ArrayRef<int64_t>> shape = getStaticShape(x);
  if (!shape)
    return give(types, getElementType(x), std::nullopt);
  if (shape->size() < 3)
    return failf(op, "wants spatial dimensions after batch and channel, got shape {0}",
                 str(*shape));
  Shape result(*shape);
  std::fill(result.begin() + 2, result.end(), 1);
  return give(types, getElementType(x), ArrayRef<int64_t>(result));
}

LogicalResult onnx::detail::infer(const Subject &op, TopKOp::Adaptor adaptor,
                                  Types &types) {
  Type element = getElementType(adaptor.getX());
  Type index = IntegerType::get(adaptor.getX().getContext(), 64);
  std::optional<ArrayRef<int64_t>> from = getStaticShape(adaptor.getX());
  std::optional<SmallVector<int64_t>> k = getConstantInts(adaptor.getK());
  std::optional<Shape> shape;
  if (from && k) {
    if (failed(checkAxis(op, adaptor.getAxis(), from->size())))
      return failure();
    int64_t axis = *normalizeAxis(adaptor.getAxis(), from->size());
    if (k->size() != 1 || k->front() < 0 || k->front() > (*from)[axis]) // C1
      return failf(op, "K is {0}, but axis {1} has {2} entries", str(*k), axis,
                   (*from)[axis]);
    shape = Shape(*from);
    (*shape)[axis] = k->front();
  }
  auto given = shape ? std::optional(ArrayRef<int64_t>(*shape)) : std::nullopt;
  (void)give(types, element, given);
  return give(types, index, given);
}
