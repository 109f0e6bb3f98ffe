//===- AssumeNoPadding.cpp - Position ids that do not depend on data ------===//
// CumSum(Cast(Not(Equal(ids, pad)))), any Equal(ids, pad)  ==>  Equal is false
// Legal under the assumption that `ids` never holds `pad`. Some models number tokens by
// counting those that are no padding; which id is padding is read off the count.

#include "weir/Dialect/Onnx/Geometry.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/HostTensor.h"
#include "weir/Transforms/Specialize.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// The one operand of `op` that is not constant, or null.
static Value onlyVariable(Operation *op) {
  Value found;
  for (Value operand : op->getOperands()) {
    if (isNone(operand) || getConstantElements(operand))
      continue;
    if (found && found != operand)
      return nullptr;
    found = operand;
  }
  return found;
}

/// The integers that `equal` compares with one number, and that number.
static std::optional<std::pair<Value, int64_t>> comparedWith(EqualOp equal) {
  Value ids = onlyVariable(equal);
  Type element = ids ? getElementType(ids) : Type();
  if (!element || !element.isInteger() || element.isInteger(1))
    return std::nullopt;
  for (Value operand : equal->getOperands())
    if (ElementsAttr attr = getConstantElements(operand))
      if (FailureOr<HostTensor> number = HostTensor::get(attr);
          succeeded(number) && number->getNumElements() == 1)
        return std::pair(ids, number->getInt(0));
  return std::nullopt;
}

/// The comparison whose outcomes `counted` counts, behind casts, negations and the like.
static EqualOp findComparison(Value counted) {
  while (Operation *op = counted ? counted.getDefiningOp() : nullptr) {
    if (auto equal = dyn_cast<EqualOp>(op))
      return comparedWith(equal) ? equal : nullptr;
    counted = onlyVariable(op);
  }
  return nullptr;
}

SmallVector<Operation *> weir::findPaddingCounts(func::FuncOp function) {
  SmallVector<Operation *> counts;
  function.walk([&](CumSumOp sum) {
    if (findComparison(sum.getX()))
      counts.push_back(sum);
  });
  return counts;
}

void weir::assumeNoPadding(func::FuncOp function) {
  for (Operation *sum : findPaddingCounts(function)) {
    EqualOp counted = findComparison(cast<CumSumOp>(sum).getX());
    if (!counted)
      continue; // it counted the same ids as a sum before it
    auto [ids, padding] = *comparedWith(counted);
    for (Operation *user : llvm::make_early_inc_range(ids.getUsers())) {
      auto equal = dyn_cast<EqualOp>(user);
      auto type =
          equal ? dyn_cast<RankedTensorType>(equal.getType()) : RankedTensorType();
      if (!type || !type.hasStaticShape() ||
          comparedWith(equal) != std::pair(ids, padding))
        continue;
      OpBuilder builder(equal);
      auto never =
          ConstantOp::create(builder, equal.getLoc(),
                             cast<ElementsAttr>(SplatElementsAttr::get(type, false)));
      equal->replaceAllUsesWith(never);
      equal->erase();
    }
  }
}
