//===- Warmup.cpp - Can a model run on fewer tokens than a window? --------===//

#include "weir/Analysis/Warmup.h"
#include "weir/Support/HostTensor.h"

using namespace mlir;
using namespace weir;

/// Are all picked rows fixed ones, or tokens that are there from the first step on?
static bool picksWhatIsThere(const AxisUse &use) {
  const TokenAxis &axis = use.axis;
  Rows rows = use.map.operandRows(axis, {}, {});
  return llvm::all_of(rows.getPositions(),
                      [&](int64_t row) { return axis.isThereFirst(row); });
}

/// Can tokens be masked in a tensor of this type?
static bool holdsNumbers(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  Type element = tensor ? tensor.getElementType() : Type();
  return element && (isa<FloatType>(element) ||
                     (element.isSignlessInteger() && !element.isInteger(1)));
}

/// Why the use of a constant says something of the window's length; "" if it does not.
static StringRef checkStill(OpOperand &operand, ArrayRef<AxisUse> uses,
                            const TokenFlowAnalysis &flows) {
  if (llvm::any_of(uses, [](const AxisUse &use) {
        return use.map.getKind() == RowMap::Kind::All;
      }))
    return "its weight has an entry for each token of the window";
  SmallVector<TokenAxis, 2> axes;
  for (const AxisUse &use : uses)
    axes.push_back(use.axis);
  ElementsAttr constant = getConstantElements(operand.get());
  if (axes.empty() || flows.isRecycled(operand) ||
      (constant && slidesBitwise(constant, axes)))
    return "";
  return "a constant varies along the token axis";
}

static StringRef checkMoving(OpOperand &operand, ArrayRef<AxisUse> uses,
                             const FlowTransfer &transfer) {
  bool readsOthers = llvm::any_of(
      uses, [](const AxisUse &use) { return use.map.getKind() != RowMap::Kind::Same; });
  if (readsOthers && !holdsNumbers(operand.get().getType()))
    return "reads other tokens as neither floats nor signed integers";
  for (const AxisUse &use : uses) {
    switch (use.map.getKind()) {
    case RowMap::Kind::Same:
      break;
    case RowMap::Kind::Offset:
      if (transfer.axes[use.map.getResultAxis()].tokens != use.axis.tokens)
        return "keeps only some of the window's tokens";
      break;
    case RowMap::Kind::Group:
      return "groups tokens";
    case RowMap::Kind::Window:
      if (transfer.axes[use.map.getResultAxis()].tokens != use.axis.tokens)
        return "makes another number of tokens";
      [[fallthrough]];
    case RowMap::Kind::All:
    case RowMap::Kind::Normalize:
      if (transfer.absent == AbsentToken::Unknown)
        return "reads tokens that have not come";
      break;
    case RowMap::Kind::Pick:
      if (!picksWhatIsThere(use))
        return "takes a token that has not come";
      break;
    }
  }
  return "";
}

std::optional<WarmupObstacle> weir::findWarmupObstacle(func::FuncOp function,
                                                       const TokenFlowAnalysis &flows) {
  for (Operation &op : function.getBody().front().without_terminator()) {
    const FlowTransfer *transfer = flows.getTransfer(&op);
    if (!transfer)
      continue;
    bool readsTokens = llvm::any_of(op.getOperands(), [&](Value operand) {
      return !flows.getFlow(operand).axes.empty();
    });
    if (transfer->isWhole && !readsTokens)
      continue;
    if (transfer->isWhole)
      return WarmupObstacle{&op, transfer->reason};
    for (OpOperand &operand : op.getOpOperands()) {
      ArrayRef<AxisUse> uses = transfer->uses[operand.getOperandNumber()];
      StringRef reason = flows.getFlow(operand.get()).isStill
                             ? checkStill(operand, uses, flows)
                             : checkMoving(operand, uses, *transfer);
      if (!reason.empty())
        return WarmupObstacle{&op, reason.str()};
    }
  }
  return std::nullopt;
}
