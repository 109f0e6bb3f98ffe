//===- ContinualChecks.cpp - What no step function is made of -------------===//

#include "ContinualChecks.h"
#include "weir/Analysis/Warmup.h"
#include "weir/Dialect/Onnx/Refusal.h"

using namespace mlir;
using namespace weir;

LogicalResult weir::checkShapes(func::FuncOp window) {
  for (Operation &op : window.getBody().front())
    for (Type type : op.getResultTypes()) {
      auto tensor = dyn_cast<ShapedType>(type);
      if (!tensor || (isa<RankedTensorType>(type) && tensor.hasStaticShape()))
        continue;
      if (failed(onnx::refuseUnknown(&op)))
        return failure();
      InFlightDiagnostic error =
          op.emitOpError("has a result whose shape the window does not fix");
      error.attachNote()
          << "help: give the sizes of all inputs; where data decides, keep "
             "all tokens and mask those that are not wanted";
      return error;
    }
  return success();
}

LogicalResult weir::checkOutputs(func::FuncOp window, const TokenFlowAnalysis &flows) {
  Operation *terminator = window.getBody().front().getTerminator();
  if (!llvm::all_of(terminator->getOperands(),
                    [&](Value value) { return flows.getFlow(value).isStill; }))
    return success();
  InFlightDiagnostic error = window.emitError("no output depends on a streamed input");
  error.attachNote() << "help: name the input that is streamed with --token-axis "
                        "INPUT=AXIS, or run the model as it stands";
  return error;
}

LogicalResult weir::checkLayout(func::FuncOp window, const ContinualOptions &options) {
  if (options.layout != StateOrder::Shift || options.retroactive != Retroactive::Always)
    return success();
  InFlightDiagnostic error = window.emitError(
      "retroactive=always updates rows in slot order, but state-layout=shift keeps "
      "window order");
  error.attachNote() << "help: use state-layout=ring, or retroactive=auto";
  return error;
}

LogicalResult weir::checkChunk(func::FuncOp window, const ArgumentAxes &axes,
                               Semantics semantics) {
  std::optional<TokenAxis> first;
  for (const std::optional<TokenAxis> &axis : axes) {
    if (!axis)
      continue;
    if (first && first->tokens != axis->tokens) {
      InFlightDiagnostic error = window.emitError();
      error << "the inputs have windows of " << first->tokens << " and " << axis->tokens
            << " tokens: Weir streams inputs of one rate";
      error.attachNote() << "help: sample them alike in front of the model, or leave the "
                            "--token-axis of one out: it is then the same at each step";
      return error;
    }
    first = axis;
  }
  if (!first)
    return window.emitError("no input is streamed");
  if (semantics == Semantics::Window || first->skippedTokens() == 0)
    return success();
  // Otherwise the stream would begin inside of the first step.
  InFlightDiagnostic error = window.emitError()
                             << "a window of " << first->tokens
                             << " tokens is no multiple of the " << first->chunk
                             << " tokens of a step, as it must be where a step equals "
                                "the model on the whole stream";
  error.attachNote() << "help: give --window="
                     << llvm::alignTo(first->tokens, first->chunk)
                     << ", or a --chunk that divides " << first->tokens;
  return error;
}

LogicalResult weir::checkPeriod(func::FuncOp window, const ArgumentAxes &axes,
                                int64_t period) {
  for (const std::optional<TokenAxis> &axis : axes)
    if (axis && period && period < axis->tokens)
      return window.emitError()
             << "positions that recycle after " << period
             << " tokens would repeat inside of a window of " << axis->tokens;
  return success();
}

LogicalResult weir::rejectPositions(const PositionTable &table) {
  InFlightDiagnostic error = table.use->getOwner()->emitOpError(
      "adds a table that varies along the token axis: absolute positions");
  error.attachNote() << "help: choose what they mean on a stream: positions=recycle lets "
                        "row t mod "
                     << table.axis.tokens
                     << " follow the token of stream time t, positions=exact keeps the "
                        "table tied to window slots and recomputes what it touches";
  return error;
}

static InFlightDiagnostic reportObstacle(const LengthObstacle &obstacle,
                                         StringRef option) {
  InFlightDiagnostic error = obstacle.op->emitOpError("stands in the way of ");
  error << option << ": " << obstacle.reason;
  error.attachNote() << "help: " << obstacle.help;
  return error;
}

LogicalResult weir::checkLength(func::FuncOp window, const TokenFlowAnalysis &flows,
                                const ContinualOptions &options) {
  bool isWindow = options.semantics == Semantics::Window;
  bool isDeep = options.semantics == Semantics::Deep;
  if (isWindow && options.warmup == Warmup::Wait)
    return success();
  std::optional<LengthObstacle> obstacle =
      isWindow ? findWarmupObstacle(window, flows)
               : findStreamObstacle(window, flows, /*knowsBands=*/isDeep);
  if (!obstacle)
    return success();
  return reportObstacle(*obstacle, isWindow ? "warmup=partial"
                                   : isDeep ? "semantics=deep"
                                            : "semantics=stream");
}
