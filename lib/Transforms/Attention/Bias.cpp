//===- Bias.cpp - Is what is added to scores a mask of keys? --------------===//

#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Support/HostTensor.h"
#include "weir/Transforms/RaiseAttention.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// Does the constant hold nothing but zeros and numbers that mask?
static bool masksOnly(ElementsAttr constant) {
  FailureOr<HostTensor> tensor = HostTensor::get(constant);
  return succeeded(tensor) && llvm::all_of(tensor->getFloats(), [](double value) {
           return value == 0 || value < maskedBelow;
         });
}

/// A number that, times 0 or 1 (or -1), is a mask.
static bool isMaskingFactor(Value value) {
  ElementsAttr constant = getConstantElements(value);
  if (!constant)
    return false;
  FailureOr<HostTensor> tensor = HostTensor::get(constant);
  return succeeded(tensor) && tensor->getNumElements() == 1 &&
         std::abs(tensor->getFloat(0)) > -maskedBelow;
}

/// Is `value` zero where keys are there and very low where they are not, as far as the
/// way in which it is made shows?
static bool isMask(Value value) {
  if (ElementsAttr constant = getConstantElements(value))
    return masksOnly(constant);
  Operation *op = value.getDefiningOp();
  if (!op)
    return false;
  if (isa<MulOp>(op))
    return isMaskingFactor(op->getOperand(0)) || isMaskingFactor(op->getOperand(1));
  if (isa<WhereOp>(op))
    return isMask(op->getOperand(1)) && isMask(op->getOperand(2));
  if (isa<AddOp, MinOp>(op))
    return llvm::all_of(op->getOperands(), isMask);
  return isa<ExpandOp, ReshapeOp, TransposeOp, CastOp, IdentityOp, SliceOp, GatherOp,
             ConcatOp>(op) &&
         isMask(op->getOperand(0));
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
