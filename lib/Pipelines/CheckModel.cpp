//===- CheckModel.cpp - What can be said against a model -------------------===//

#include "CheckModel.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Onnx/Refusal.h"
#include "weir/Support/NodeDiagnostics.h"
#include "weir/Transforms/Specialize.h"

using namespace mlir;
using namespace weir;

LogicalResult weir::refuseUnknownOperators(func::FuncOp window) {
  bool refused = false;
  for (Operation &op : window.getBody().front())
    if (op.getName().getDialectNamespace() == "onnx")
      refused |= failed(onnx::refuseUnknown(&op));
  return failure(refused);
}

LogicalResult weir::refuseUnknownShapes(func::FuncOp window) {
  SmallVector<UnknownShape> unknown = findUnknownShapes(window);
  if (unknown.empty())
    return success();
  InFlightDiagnostic error = emitNodeError(unknown.front().op)
                             << "the shape of its result depends on data: "
                             << unknown.front().reason;
  attachHelp(error, "give the sizes of all inputs (--dim NAME=SIZE); where a size is "
                    "computed from values, keep all tokens and mask those that are not "
                    "wanted");
  return error;
}

static Value skipIdentities(Value value) {
  while (auto identity = value.getDefiningOp<onnx::IdentityOp>())
    value = identity->getOperand(0);
  return value;
}

/// An input of the model, or some rows of one.
static bool isInput(Value value) {
  if (auto slice = value.getDefiningOp<onnx::SliceOp>())
    value = slice->getOperand(0);
  return isa<BlockArgument>(value);
}

/// Does any input reach `value`?
static bool dependsOnInput(Value value) {
  llvm::SmallPtrSet<Value, 16> seen;
  SmallVector<Value> worklist = {value};
  while (!worklist.empty()) {
    Value next = worklist.pop_back_val();
    if (isa<BlockArgument>(next))
      return true;
    if (seen.insert(next).second)
      llvm::append_range(worklist, next.getDefiningOp()->getOperands());
  }
  return false;
}

/// past, new  ->  Concat  ->  an output: what the next call shall be given
static Operation *findGrowingState(func::FuncOp window) {
  for (Value result : window.getBody().front().getTerminator()->getOperands()) {
    auto concat = skipIdentities(result).getDefiningOp<onnx::ConcatOp>();
    if (!concat)
      continue;
    bool brings = llvm::any_of(concat->getOperands(), isInput);
    bool adds = llvm::any_of(concat->getOperands(), [](Value operand) {
      return !isInput(operand) && dependsOnInput(operand);
    });
    if (brings && adds)
      return concat;
  }
  return nullptr;
}

LogicalResult weir::refusePast(func::FuncOp window) {
  Operation *op = findGrowingState(window);
  for (auto attention : window.getOps<onnx::AttentionOp>())
    if (!op && !isa<NoneType>(attention.getPastKey().getType()))
      op = attention;
  if (!op)
    return success();
  InFlightDiagnostic error =
      emitNodeError(op) << "joins the past, which an input brings, to what is new: the "
                           "model is the step of a decoder already, without a window";
  attachHelp(error, "export the model without its past (use_cache=False, no past_* "
                    "inputs), so that it takes in a whole window");
  return error;
}

/// Does the op read groups or neighbourhoods of tokens?
static bool strides(const FlowTransfer &transfer) {
  for (ArrayRef<AxisUse> uses : transfer.uses)
    for (const AxisUse &use : uses)
      if (use.map.getKind() == RowMap::Kind::Window ||
          use.map.getKind() == RowMap::Kind::Group)
        return true;
  return false;
}

Operation *weir::findStride(func::FuncOp window, const ArgumentAxes &axes,
                            const ArgumentAxes &wider) {
  TokenFlowAnalysis narrow(window, axes, {}), wide(window, wider, {});
  for (Operation &op : window.getBody().front()) {
    const FlowTransfer *transfer = narrow.getTransfer(&op);
    if (!transfer || !transfer->isWhole)
      continue;
    const FlowTransfer *other = wide.getTransfer(&op);
    return other && !other->isWhole && strides(*other) ? &op : nullptr;
  }
  return nullptr;
}

void weir::noteLostTokens(InFlightDiagnostic &error, func::FuncOp window,
                          const ArgumentAxes &axes, StringRef input) {
  TokenFlowAnalysis flows(window, axes, {});
  for (Operation &op : window.getBody().front()) {
    const FlowTransfer *transfer = flows.getTransfer(&op);
    if (!transfer || !transfer->axes.empty() || op.getNumResults() == 0)
      continue;
    bool hadAxes = llvm::any_of(op.getOperands(), [&](Value operand) {
      return !flows.getFlow(operand).axes.empty();
    });
    if (!hadAxes)
      continue;
    const TokenFlow &flow = flows.getFlow(op.getResult(0));
    error.attachNote() << "along '" << input << "' " << describeNode(&op)
                       << " leaves no token axis: " << flow.reason;
    return;
  }
}
