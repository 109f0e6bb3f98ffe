//===- Bias.cpp - Is what is added to scores a mask of keys? --------------===//

#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Support/HostTensor.h"
#include "weir/Transforms/RaiseAttention.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// Does the constant, times `sign`, hold nothing but zeros and numbers that mask?
static bool masksOnly(ElementsAttr constant, double sign) {
  FailureOr<HostTensor> tensor = HostTensor::get(constant);
  return succeeded(tensor) && llvm::all_of(tensor->getFloats(), [&](double value) {
           return value == 0 || value * sign < maskedBelow;
         });
}

/// The number of a constant of one element; 0 for another value.
static double numberOf(Value value) {
  ElementsAttr constant = getConstantElements(value);
  if (!constant)
    return 0;
  FailureOr<HostTensor> tensor = HostTensor::get(constant);
  return succeeded(tensor) && tensor->getNumElements() == 1 ? tensor->getFloat(0) : 0;
}

/// Is `value` what a model makes of 1 for keys that are there, less one: m - 1?
static bool isLessOne(Value value) {
  auto difference = value.getDefiningOp<SubOp>();
  return difference && numberOf(difference.getB()) == 1;
}

/// Is `value`, times `sign`, zero where keys are there and very low where they are not,
/// as far as the way in which it is made shows? Products are taken to be of 0 or 1 (or,
/// of m - 1, of -1 or 0) and a number.
static bool isMask(Value value, double sign = 1) {
  if (ElementsAttr constant = getConstantElements(value))
    return masksOnly(constant, sign);
  Operation *op = value.getDefiningOp();
  if (!op)
    return false;
  auto operandMasks = [&](unsigned operand, double by = 1) {
    return isMask(op->getOperand(operand), sign * by);
  };
  if (isa<MulOp>(op))
    for (unsigned number : {0, 1}) {
      double factor = numberOf(op->getOperand(number)) * sign;
      Value other = op->getOperand(1 - number);
      if (isLessOne(other) ? -factor < maskedBelow : factor < maskedBelow)
        return true;
    }
  if (isa<WhereOp>(op))
    return operandMasks(1) && operandMasks(2);
  if (isa<AddOp, MinOp>(op))
    return operandMasks(0) && operandMasks(1);
  if (isa<SubOp>(op))
    return operandMasks(0) && operandMasks(1, -1);
  if (isa<NegOp>(op))
    return operandMasks(0, -1);
  if (isa<MaxOp>(op)) // not lower than some number that masks
    for (unsigned number : {0, 1})
      if (numberOf(op->getOperand(number)) < maskedBelow && operandMasks(1 - number))
        return true;
  return isa<ExpandOp, ReshapeOp, TransposeOp, CastOp, IdentityOp, SliceOp, GatherOp>(
             op) &&
         operandMasks(0);
}

AttentionBias weir::classifyBias(weir::AttentionOp op) {
  if (!op.getBias())
    return AttentionBias::None;
  Shape shape(*getStaticShape(op.getBias()));
  bool hasQueries = shape.size() > 1 && shape[shape.size() - 2] != 1;
  return !hasQueries && isMask(op.getBias()) ? AttentionBias::KeyMask
                                             : AttentionBias::Position;
}

Value weir::makeKeyWeights(OpBuilder &builder, weir::AttentionOp op) {
  assert(classifyBias(op) == AttentionBias::KeyMask);
  OnnxBuilder make(builder, op.getLoc());
  Value bias = op.getBias();
  Type element = getElementType(bias);
  Shape shape(*getStaticShape(bias));
  if (shape.empty())
    shape.push_back(1);
  if (shape.size() > 1)
    shape.erase(shape.end() - 2);
  shape.push_back(1);
  Value threshold = make.scalar(maskedBelow, element);
  Value isThere = make.make<GreaterOrEqualOp>(make.reshape(bias, shape), threshold);
  return make.cast(isThere, element);
}
