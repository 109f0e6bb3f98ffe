//===- InferQuantization.cpp - Result types of quantization ops -----------===//

#include "Infer.h"
#include "weir/Dialect/Onnx/Quantization.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;
using namespace weir::onnx::detail;

/// Do scale and zero point fit the tensor?
static LogicalResult checkScale(const Subject &op, Value x, Value scale, Value zero,
                                int64_t axis, int64_t blockSize) {
  std::optional<ArrayRef<int64_t>> shape = getStaticShape(x);
  std::optional<ArrayRef<int64_t>> scales = getStaticShape(scale);
  if (shape && scales && !resolveScale(*shape, *scales, axis, blockSize)) // C1
    return failf(op, "a scale of shape {0} does not fit {1} along axis {2}", str(*scales),
                 str(*shape), axis);
  if (isNone(zero) || !scales || !getStaticShape(zero))
    return success();
  if (countElements(*getStaticShape(zero)) != countElements(*scales)) // C1
    return failf(op, "has a scale of shape {0}, but a zero point of shape {1}",
                 str(*scales), str(*getStaticShape(zero)));
  return success();
}

static bool isGrid(Type element) {
  if (isa<FloatType>(element))
    return element.getIntOrFloatBitWidth() <= 8;
  return element.isInteger() && element.getIntOrFloatBitWidth() <= 16 &&
         !element.isInteger(1);
}

LogicalResult onnx::detail::infer(const Subject &op, QuantizeLinearOp::Adaptor adaptor,
                                  Types &types) {
  Type element = IntegerType::get(adaptor.getX().getContext(), 8, IntegerType::Unsigned);
  if (!isNone(adaptor.getYZeroPoint()))
    element = getElementType(adaptor.getYZeroPoint());
  else if (std::optional<Type> stated = adaptor.getOutputDtype())
    element = *stated;
  if (!isGrid(element)) // C2
    return failf(op, "quantizes to {0}, which is no grid", element);
  if (failed(checkScale(op, adaptor.getX(), adaptor.getYScale(), adaptor.getYZeroPoint(),
                        adaptor.getAxis(), adaptor.getBlockSize())))
    return failure();
  return inferLike(adaptor.getX(), element, types);
}

LogicalResult onnx::detail::infer(const Subject &op, DequantizeLinearOp::Adaptor adaptor,
                                  Types &types) {
  if (failed(checkScale(op, adaptor.getX(), adaptor.getXScale(), adaptor.getXZeroPoint(),
                        adaptor.getAxis(), adaptor.getBlockSize())))
    return failure();
  Type element = adaptor.getOutputDtype().value_or(getElementType(adaptor.getXScale()));
  return inferLike(adaptor.getX(), element, types);
}

LogicalResult onnx::detail::infer(const Subject &op,
                                  DynamicQuantizeLinearOp::Adaptor adaptor,
                                  Types &types) {
  Type f32 = Float32Type::get(adaptor.getX().getContext());
  Type byte = IntegerType::get(adaptor.getX().getContext(), 8, IntegerType::Unsigned);
  if (getElementType(adaptor.getX()) != f32) // C1
    return failf(op, "wants f32, got elements of type {0}",
                 getElementType(adaptor.getX()));
  (void)inferLike(adaptor.getX(), byte, types);
  (void)give(types, f32, ArrayRef<int64_t>());
  return give(types, byte, ArrayRef<int64_t>());
}

/// A zero point for all elements, for one dimension, or of a shape that spreads.
static LogicalResult checkZeroPoint(const Subject &op, Value matrix, Value zero,
                                    int64_t dimFromBack) {
  std::optional<ArrayRef<int64_t>> shape = getStaticShape(matrix);
  std::optional<ArrayRef<int64_t>> zeros =
      isNone(zero) ? std::nullopt : getStaticShape(zero);
  if (!shape || !zeros || countElements(*zeros) == 1)
    return success();
  int64_t rank = shape->size(), dim = rank - dimFromBack;
  bool fits = zeros->size() == 1 ? dim >= 0 && (*zeros)[0] == (*shape)[dim]
                                 : broadcastShapes(*shape, *zeros) == Shape(*shape);
  if (!fits) // C2
    return failf(op, "a zero point of shape {0} does not fit {1}", str(*zeros),
                 str(*shape));
  return success();
}

LogicalResult onnx::detail::infer(const Subject &op, MatMulIntegerOp::Adaptor adaptor,
                                  Types &types) {
  Type i32 = IntegerType::get(adaptor.getA().getContext(), 32);
  Value a = adaptor.getA(), b = adaptor.getB();
  for (Value matrix : {a, b})
    if (Type element = getElementType(matrix);
        !element.isInteger() || element.getIntOrFloatBitWidth() != 8) // C1
      return failf(op, "multiplies bytes, got elements of type {0}", element);
  if (failed(checkZeroPoint(op, a, adaptor.getAZeroPoint(), 2)) ||
      failed(checkZeroPoint(op, b, adaptor.getBZeroPoint(), 1)))
    return failure();
  return matMul(op, a, b, i32, types);
}
