//===- TokenFlow.cpp - Facts about values and how ops carry them ----------===//

#include "weir/Interfaces/TokenFlow.h"
#include "mlir/IR/TypeUtilities.h"
#include "weir/Interfaces/TokenFlowOpInterface.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace weir;

#include "weir/Interfaces/TokenFlowOpInterface.cpp.inc"

std::optional<unsigned> TokenFlow::axisInDim(int64_t dim) const {
  for (auto [index, axis] : llvm::enumerate(axes))
    if (axis.dim == dim)
      return index;
  return std::nullopt;
}

std::optional<unsigned> TokenFlow::axisReadAs(const TokenAxis &axis) const {
  for (auto [index, own] : llvm::enumerate(axes))
    if (own == axis || own.refined() == axis)
      return index;
  return std::nullopt;
}

std::string TokenFlow::str() const {
  if (isStill)
    return "still";
  std::string text;
  llvm::raw_string_ostream os(text);
  for (const TokenAxis &axis : axes)
    os << axis.str() << "; ";
  if (slides()) {
    os << "slides with margins ";
    llvm::interleaveComma(margins, os, [&](const Margins &margin) {
      os << "(" << margin.left << ", " << margin.right << ")";
    });
    os << (isRounded ? " up to rounding" : "");
  } else {
    os << (axes.empty() ? "changes every step" : "full");
    if (!reason.empty())
      os << ": " << reason;
  }
  if (band)
    os << "; band (" << band->before << ", " << band->after << ")";
  return text;
}

unsigned FlowTransfer::insertAxis(const TokenAxis &axis) {
  unsigned added = llvm::lower_bound(axes, axis) - axes.begin();
  axes.insert(axes.begin() + added, axis);
  for (auto &operand : uses)
    for (AxisUse &use : operand)
      use.map = use.map.withAxisAdded(added);
  return added;
}

std::string weir::getNodeName(Operation *op) {
  if (auto name = op->getLoc()->findInstanceOf<NameLoc>())
    return name.getName().str();
  return op->getName().getStringRef().str();
}

FailureOr<Value> weir::cloneOnRows(Operation *op, OpBuilder &builder,
                                   const RowsRequest &request) {
  if (op->getNumResults() == 0 || llvm::is_contained(request.operands, Value()))
    return failure();
  Operation *clone = builder.clone(*op);
  clone->setOperands(request.operands);
  clone->getResult(0).setType(request.resultType);
  // Results that share axes differ in their elements only.
  if (request.transfer.sharesAxes)
    for (Value result : clone->getResults().drop_front())
      result.setType(RankedTensorType::get(request.resultType.getShape(),
                                           getElementTypeOrSelf(result)));
  return clone->getResult(0);
}
