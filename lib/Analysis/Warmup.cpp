//===- Warmup.cpp - Can a model run on fewer tokens, or on all of them? ----===//

#include "weir/Analysis/Warmup.h"
#include "weir/Support/HostTensor.h"
#include "llvm/Support/FormatVariadic.h"

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

/// Does a value that a table has tied to slots reach later ones only by products that
/// slide, as rotated queries and keys do, whose angles differ by the tokens' distance?
static bool isOnlyCompared(Value value, const TokenFlowAnalysis &flows) {
  return !value.use_empty() && llvm::all_of(value.getUsers(), [&](Operation *user) {
    if (user->getNumResults() == 0)
      return false;
    Value result = user->getResult(0);
    return flows.getFlow(result).slides() || isOnlyCompared(result, flows);
  });
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
      (constant && slidesBitwise(constant, axes)) ||
      isOnlyCompared(operand.getOwner()->getResult(0), flows))
    return "";
  return "a constant varies along the token axis";
}

/// Do rows of the result, one for `factor` rows of the operand, end where steps end, at
/// whichever step the stream is?
static bool keepsPace(const TokenAxis &axis, const TokenAxis &result, int64_t factor) {
  return result.tokens * factor == axis.tokens &&
         (factor == 1 || axis.skippedTokens() == 0);
}

static StringRef checkMoving(OpOperand &operand, ArrayRef<AxisUse> uses,
                             const FlowTransfer &transfer) {
  bool readsOthers = llvm::any_of(
      uses, [](const AxisUse &use) { return use.map.getKind() != RowMap::Kind::Same; });
  if (readsOthers && !holdsNumbers(operand.get().getType()))
    return "reads other tokens as neither floats nor signed integers";
  for (const AxisUse &use : uses) {
    auto keepsPaceBy = [&](int64_t factor) {
      return keepsPace(use.axis, transfer.axes[use.map.getResultAxis()], factor);
    };
    switch (use.map.getKind()) {
    case RowMap::Kind::Same:
      break;
    case RowMap::Kind::Offset:
      if (!keepsPaceBy(1))
        return "keeps only some of the window's tokens";
      break;
    case RowMap::Kind::Group:
      if (!keepsPaceBy(use.map.getAmount()))
        return "groups tokens across the first ones";
      break;
    case RowMap::Kind::Window:
      if (!keepsPaceBy(use.map.getWindow().stride))
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

/// Why the op has no meaning on fewer tokens than a window; "" if it has.
static StringRef checkFewer(Operation &op, const FlowTransfer &transfer,
                            const TokenFlowAnalysis &flows) {
  if (transfer.isWhole)
    return transfer.reason;
  for (OpOperand &operand : op.getOpOperands()) {
    ArrayRef<AxisUse> uses = transfer.uses[operand.getOperandNumber()];
    StringRef reason = flows.getFlow(operand.get()).isStill
                           ? checkStill(operand, uses, flows)
                           : checkMoving(operand, uses, transfer);
    if (!reason.empty())
      return reason;
  }
  return "";
}

/// Calls `check` for every op that reads tokens, until it returns something.
static std::optional<LengthObstacle> findObstacle(
    func::FuncOp function, const TokenFlowAnalysis &flows,
    function_ref<std::optional<LengthObstacle>(Operation &, const FlowTransfer &)>
        check) {
  for (Operation &op : function.getBody().front().without_terminator()) {
    const FlowTransfer *transfer = flows.getTransfer(&op);
    bool readsTokens = transfer && llvm::any_of(op.getOperands(), [&](Value operand) {
                         return !flows.getFlow(operand).axes.empty();
                       });
    if (!readsTokens)
      continue;
    if (std::optional<LengthObstacle> obstacle = check(op, *transfer))
      return obstacle;
  }
  return std::nullopt;
}

std::optional<LengthObstacle> weir::findWarmupObstacle(func::FuncOp function,
                                                       const TokenFlowAnalysis &flows) {
  auto check = [&](Operation &op,
                   const FlowTransfer &transfer) -> std::optional<LengthObstacle> {
    StringRef reason = checkFewer(op, transfer, flows);
    if (reason.empty())
      return std::nullopt;
    return LengthObstacle{&op, reason.str(),
                          "use warmup=wait; the first output then comes with the first "
                          "full window"};
  };
  return findObstacle(function, flows, check);
}

//===----------------------------------------------------------------------===//
// The whole stream
//===----------------------------------------------------------------------===//

/// Does the use read all tokens, or those of a band that no window of this length shows?
static std::optional<LengthObstacle> checkPast(Operation &op, const AxisUse &use,
                                               StringRef reason, bool knowsBands) {
  RowMap::Kind kind = use.map.getKind();
  if (kind != RowMap::Kind::All && kind != RowMap::Kind::Normalize)
    return std::nullopt;
  const TokenAxis &axis = use.axis;
  if (!use.map.getBand())
    return LengthObstacle{&op, llvm::formatv("{0}: all tokens of the stream", reason),
                          "use semantics=window; or semantics=deep, where each attention "
                          "sees a window of tokens, with other numbers"};
  const Band &band = use.map.getBand()->band;
  if (band.before + 1 >= axis.tokens && !knowsBands)
    return LengthObstacle{
        &op,
        llvm::formatv("lets a token see all {0} of the window before it, and more "
                      "where there are more",
                      axis.tokens - 1),
        "give a --window longer than what a token sees; where its mask does not "
        "end, use semantics=window or semantics=deep"};
  if (band.before + axis.chunk > axis.tokens)
    return LengthObstacle{
        &op,
        llvm::formatv("the oldest of {0} new tokens sees {1} before it, which a "
                      "window of {2} does not hold",
                      axis.chunk, band.before, axis.tokens),
        llvm::formatv("give a --window of at least {0} tokens",
                      band.before + axis.chunk)};
  return std::nullopt;
}

/// Do rows of the result change after the step that brought their token?
static std::optional<LengthObstacle> checkFuture(Operation &op, const TokenFlow &flow) {
  for (auto [axis, margins] : llvm::zip(flow.axes, flow.margins))
    if (margins.right > axis.chunk)
      return LengthObstacle{
          &op,
          llvm::formatv("reads up to {0} tokens ahead, so that the results of a step "
                        "would change later",
                        margins.right - axis.chunk),
          "use semantics=window, or a model that looks back only"};
  return std::nullopt;
}

std::optional<LengthObstacle> weir::findStreamObstacle(func::FuncOp function,
                                                       const TokenFlowAnalysis &flows,
                                                       bool knowsBands) {
  auto check = [&](Operation &op,
                   const FlowTransfer &transfer) -> std::optional<LengthObstacle> {
    for (ArrayRef<AxisUse> uses : transfer.uses)
      for (const AxisUse &use : uses)
        if (auto obstacle = checkPast(op, use, transfer.reason, knowsBands))
          return obstacle;
    StringRef reason = checkFewer(op, transfer, flows);
    const TokenFlow &flow = flows.getFlow(op.getResult(0));
    if (reason.empty() && !flow.axes.empty() && !flow.slides() &&
        !isOnlyCompared(op.getResult(0), flows))
      reason = flow.reason;
    bool isWindowed = llvm::any_of(transfer.uses, [](ArrayRef<AxisUse> uses) {
      return llvm::any_of(uses, [](const AxisUse &use) {
        return use.map.getKind() == RowMap::Kind::Window;
      });
    });
    if (!reason.empty())
      return LengthObstacle{&op, reason.str(),
                            isWindowed
                                ? "give a longer --window, or use semantics=window"
                                : "use semantics=window; absolute positions can follow "
                                  "their tokens with positions=recycle"};
    return checkFuture(op, flow);
  };
  return findObstacle(function, flows, check);
}
