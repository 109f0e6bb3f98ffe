//===- InferElementwise.cpp - Result types of elementwise ops -------------===//

#include "Infer.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;
using namespace weir::onnx::detail;

static LogicalResult checkBooleans(const Subject &op, ValueRange operands) {
  for (Value operand : operands)
    if (!getElementType(operand).isInteger(1))
      return failf(op, "wants booleans, got elements of type {0}",
                   getElementType(operand));
  return success();
}
LogicalResult onnx::detail::check(const Subject &op, NotOp::Adaptor adaptor) {
  return checkBooleans(op, adaptor.getOperands());
}
LogicalResult onnx::detail::check(const Subject &op, AndOp::Adaptor adaptor) {
  return checkBooleans(op, adaptor.getOperands());
}
LogicalResult onnx::detail::check(const Subject &op, OrOp::Adaptor adaptor) {
  return checkBooleans(op, adaptor.getOperands());
}
LogicalResult onnx::detail::check(const Subject &op, XorOp::Adaptor adaptor) {
  return checkBooleans(op, adaptor.getOperands());
}

LogicalResult onnx::detail::check(const Subject &op, GeluOp::Adaptor adaptor) {
  StringRef form = adaptor.getApproximate();
  if (form == "none" || form == "tanh")
    return success();
  return failf(op, "approximate is 'none' or 'tanh', not '{0}'", form);
}

LogicalResult onnx::detail::check(const Subject &op, ClipOp::Adaptor adaptor) {
  for (Value bound : {adaptor.getMin(), adaptor.getMax()})
    if (!isNone(bound))
      if (std::optional<ArrayRef<int64_t>> shape = getStaticShape(bound))
        if (countElements(*shape) != 1)
          return failf(op, "wants scalar bounds, got shape {0}", str(*shape));
  return sameElements(op, adaptor.getOperands());
}

LogicalResult onnx::detail::infer(const Subject &, CastOp::Adaptor adaptor,
                                  Types &types) {
  return inferLike(adaptor.getInput(), adaptor.getTo(), types);
}

LogicalResult onnx::detail::infer(const Subject &op, WhereOp::Adaptor adaptor,
                                  Types &types) {
  if (failed(checkBooleans(op, adaptor.getCondition())) ||
      failed(sameElements(op, {adaptor.getX(), adaptor.getY()})))
    return failure();
  return broadcast(op, adaptor.getOperands(), getElementType(adaptor.getX()), types);
}

LogicalResult onnx::detail::infer(const Subject &, DropoutOp::Adaptor adaptor,
                                  Types &types) {
  (void)inferLike(adaptor.getData(), getElementType(adaptor.getData()), types);
  types.push_back(NoneType::get(adaptor.getData().getContext()));
  return success();
}
