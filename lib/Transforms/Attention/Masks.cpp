//===- Masks.cpp - May masks of scores be said by what is added? ----------===//

#include "Match.h"
#include "weir/Support/HostTensor.h"
#include "weir/Transforms/RaiseAttention.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// Is `value` a constant of zeros and -inf?
static bool masksByInfinity(Value value) {
  ElementsAttr constant = getConstantElements(value);
  if (!constant)
    return false;
  FailureOr<HostTensor> tensor = HostTensor::get(constant);
  return succeeded(tensor) && llvm::all_of(tensor->getFloats(), [](double x) {
           return x == 0 || x == -HUGE_VAL;
         });
}

/// May `value` be so low that it hides a key? An input may hold anything, and whatever
/// moves or changes numbers what they hold; a product of matrices is no mask.
static bool mayHide(Value value, llvm::SmallPtrSetImpl<Operation *> &seen) {
  if (ElementsAttr constant = getConstantElements(value)) {
    FailureOr<HostTensor> tensor = HostTensor::get(constant);
    return failed(tensor) || llvm::any_of(tensor->getFloats(), [](double x) {
             return std::isfinite(x) && std::abs(x) > -maskedBelow;
           });
  }
  Operation *op = value.getDefiningOp();
  if (!op)
    return true;
  if (isa<MatMulOp>(op) || !seen.insert(op).second)
    return false;
  return llvm::any_of(op->getOperands(), [&](Value operand) {
    return isa<FloatType>(getElementTypeOrSelf(operand.getType())) &&
           mayHide(operand, seen);
  });
}

/// Is all that `added`, times `factor`, adds far above `low`, or -inf?
static bool staysAbove(Value added, double factor, double low) {
  ElementsAttr constant = getConstantElements(added);
  llvm::SmallPtrSet<Operation *, 8> seen;
  if (!constant)
    return !mayHide(added, seen);
  FailureOr<HostTensor> tensor = HostTensor::get(constant);
  return succeeded(tensor) && llvm::all_of(tensor->getFloats(), [&](double x) {
           return x * factor == -HUGE_VAL || x * factor >= low / 2;
         });
}

/// The positive number by which a link multiplies; 0 where it does something else.
static double positiveFactor(const Link &link) {
  Operation *op = link.data->getOwner();
  if (!isa<MulOp, DivOp>(op))
    return 0;
  std::optional<double> number =
      getSplatNumber(op->getOperand(1 - link.data->getOperandNumber()));
  double factor = number.value_or(0);
  return factor <= 0 ? 0 : isa<DivOp>(op) ? 1 / factor : factor;
}

/// Masks that replace scores by a number to which scores may be added later are no sums.
/// Where it is the same number for all masks, and no sum before is as low, a row that is
/// all masked weighs what it has of them alike, so that a lower number does as well.
std::optional<std::string> weir::findMaskProblem(ArrayRef<Link> scores) {
  std::optional<double> number;
  double factor = 1;
  bool isExact = true;
  for (const Link &link : llvm::reverse(scores)) {
    Operation *op = link.data->getOwner();
    Value other = op->getNumOperands() == 2
                      ? op->getOperand(1 - link.data->getOperandNumber())
                      : Value();
    if (isa<WhereOp>(op)) {
      Value fill = op->getOperand(3 - link.data->getOperandNumber());
      double low = *getSplatNumber(fill) * factor;
      if (low < swampingScore)
        continue;
      if (!isExact || low != number.value_or(low))
        return "it goes on from scores that a mask has replaced by a number";
      number = low;
    } else if (double by = positiveFactor(link)) {
      factor *= by;
    } else if (isa<AddOp, SubOp, MulOp, DivOp>(op)) {
      bool adds = isa<AddOp, SubOp>(op);
      if (adds && number &&
          !staysAbove(other, isa<SubOp>(op) ? -factor : factor, *number))
        return "it masks scores by a number, and adds numbers that are as low";
      isExact &= isa<AddOp>(op) && masksByInfinity(other);
    }
  }
  return std::nullopt;
}
