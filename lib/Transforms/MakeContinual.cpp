//===- MakeContinual.cpp - One token in, one prediction out ---------------===//
// @window  ==>  @window, @init, @step (and @push, @predict, @prime)
// Always legal: what is not known to slide is recomputed from rings of what does. Facts
// come from TokenFlowAnalysis, rows and rings from StepPlan.

#include "weir/Transforms/MakeContinual.h"
#include "EmitStep.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "weir/Analysis/Warmup.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/Remarks.h"
#include "weir/Transforms/IsolateRegions.h"
#include "weir/Transforms/Passes.h"
#include "llvm/Support/ProgramStack.h"

namespace weir {
#define GEN_PASS_DEF_MAKECONTINUALPASS
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

/// Room for chains of some hundred thousand ops.
static constexpr unsigned stackBytes = 512u << 20;

static LogicalResult checkChunk(func::FuncOp window, const ArgumentAxes &axes) {
  std::optional<TokenAxis> first;
  for (const std::optional<TokenAxis> &axis : axes) {
    if (!axis)
      continue;
    if (axis->chunk < 1 || axis->chunk > axis->tokens)
      return window.emitError() << "a step of " << axis->chunk
                                << " tokens does not fit a window of " << axis->tokens;
    if (first && first->tokens != axis->tokens)
      return window.emitError() << "the inputs have windows of " << first->tokens
                                << " and " << axis->tokens << " tokens";
    first = axis;
  }
  if (!first)
    return window.emitError("no input is streamed");
  return success();
}

static LogicalResult rejectPositions(const PositionTable &table) {
  InFlightDiagnostic error = table.use->getOwner()->emitOpError(
      "adds a table that varies along the token axis: absolute positions");
  error.attachNote() << "help: choose what they mean on a stream: positions=recycle lets "
                        "row t mod "
                     << table.axis.tokens
                     << " follow the token of stream time t, positions=exact keeps the "
                        "table tied to window slots and recomputes what it touches";
  return error;
}

/// Tells, in remarks, what every softmax over tokens became and who made the rest dear.
static void remarkReport(func::FuncOp window, const StepReport &report) {
  namespace remark = mlir::remark;
  auto opts = remark::RemarkOpts::name("continual").category("weir");
  for (const AttentionReport &attention : report.attentions)
    remark::passed(window.getLoc(), opts)
        << "attention" << remark::metric("node", attention.node)
        << remark::metric("rows", attention.rows)
        << remark::metric("form", attention.form);
  for (const BlameReport &blame : report.blame)
    remark::missed(window.getLoc(), opts)
        << remark::reason("node '{0}' ({1}): {2}", blame.node, blame.op, blame.reason);
}

/// A step that costs what the window costs, is an error or a warning by choice.
static LogicalResult checkSaving(func::FuncOp window, const StepReport &report,
                                 bool requireIncremental) {
  if (report.macsStep < report.macsWindowPruned || report.macsWindow == 0)
    return success();
  InFlightDiagnostic diagnostic =
      requireIncremental ? window.emitError() : window.emitWarning();
  diagnostic << "a step saves nothing over the window: both take " << report.macsStep
             << " multiply-accumulates";
  if (!report.blame.empty()) {
    const BlameReport &blame = report.blame.front();
    diagnostic.attachNote() << "node '" << blame.node << "' (" << blame.op
                            << "): " << blame.reason;
  }
  return success(!requireIncremental);
}

/// Everything later counts on static shapes.
static LogicalResult checkShapes(func::FuncOp window) {
  for (Operation &op : window.getBody().front())
    for (Type type : op.getResultTypes()) {
      auto tensor = dyn_cast<ShapedType>(type);
      if (tensor && (!isa<RankedTensorType>(type) || !tensor.hasStaticShape()))
        return op.emitOpError("has a result whose shape the window does not fix");
    }
  return success();
}

/// Updated rows are slots, which window order does not have.
static LogicalResult checkLayout(func::FuncOp window, const ContinualOptions &options) {
  if (options.layout != StateOrder::Shift || options.retroactive != Retroactive::Always)
    return success();
  InFlightDiagnostic error = window.emitError(
      "retroactive=always updates rows in slot order, but state-layout=shift keeps "
      "window order");
  error.attachNote() << "help: use state-layout=ring, or retroactive=auto";
  return error;
}

/// Before the window is full the model must mean something on fewer tokens.
static LogicalResult checkWarmup(func::FuncOp window, const TokenFlowAnalysis &flows) {
  std::optional<WarmupObstacle> obstacle = findWarmupObstacle(window, flows);
  if (!obstacle)
    return success();
  InFlightDiagnostic error =
      obstacle->op->emitOpError("stands in the way of warmup=partial: ");
  error << obstacle->reason;
  error.attachNote() << "help: use warmup=wait; the first output then comes with the "
                        "first full window";
  return error;
}

/// The plan with the fewest multiply-accumulates among those that the options allow.
static std::unique_ptr<StepPlan> planStep(func::FuncOp window,
                                          const TokenFlowAnalysis &flows,
                                          const ContinualOptions &options) {
  StepPlan::Options planOptions;
  planOptions.masksAbsent = options.warmup == Warmup::Partial;
  auto recomputing = std::make_unique<StepPlan>(window, flows, planOptions);
  if (options.retroactive == Retroactive::Never || options.layout == StateOrder::Shift)
    return recomputing;
  planOptions.retroactive = options.form;
  auto updating = std::make_unique<StepPlan>(window, flows, planOptions);
  if (!updating->updatesAttentions() ||
      (options.retroactive == Retroactive::Auto &&
       updating->countMacs() >= recomputing->countMacs()))
    return recomputing;
  return updating;
}

static FailureOr<StepReport> makeStep(ModuleOp module, const ContinualOptions &options) {
  auto window = module.lookupSymbol<func::FuncOp>("window");
  if (!window)
    return module.emitError("there is no function 'window' to rewrite");
  if (failed(checkShapes(window)) || failed(isolateRegions(window)) ||
      failed(checkLayout(window, options)))
    return failure();
  FailureOr<ArgumentAxes> axes = findTokenAxes(window, options);
  if (failed(axes) || failed(checkChunk(window, *axes)) ||
      failed(selectOutputRows(window, *axes, options.rows)))
    return failure();
  TokenFlowAnalysis flows(
      window, *axes,
      {options.positions == Positions::Recycle, options.rotary == Rotary::Recompute});
  if (options.positions == Positions::Reject && !flows.getPositionTables().empty())
    return rejectPositions(flows.getPositionTables().front());
  if (options.warmup == Warmup::Partial && failed(checkWarmup(window, flows)))
    return failure();
  std::unique_ptr<StepPlan> plan = planStep(window, flows, options);
  StepReport report = makeStepReport(window, flows, *plan);
  remarkReport(window, report);
  if (failed(checkSaving(window, report, options.requireIncremental)) ||
      failed(emitStep(window, flows, *plan, options)))
    return failure();
  if (options.positions == Positions::Recycle && !flows.getPositionTables().empty() &&
      failed(emitRecycledWindow(window, flows)))
    return failure();
  return report;
}

FailureOr<StepReport> weir::makeContinual(ModuleOp module,
                                          const ContinualOptions &options) {
  FailureOr<StepReport> report = failure();
  // Demand is recursive: as deep as the longest chain of ops.
  llvm::runOnNewStack(stackBytes, [&] { report = makeStep(module, options); });
  return report;
}

namespace {
struct MakeContinualPass : weir::impl::MakeContinualPassBase<MakeContinualPass> {
  using MakeContinualPassBase::MakeContinualPassBase;
  void runOnOperation() override {
    ContinualOptions options;
    options.tokenAxes.assign(tokenAxes.begin(), tokenAxes.end());
    options.chunk = chunk;
    options.positions = positions;
    options.rotary = rotary;
    options.rows = rows;
    options.requireIncremental = requireIncremental;
    options.warmup = warmup;
    options.retroactive = retroactive;
    options.form = form;
    options.entries = entries;
    options.layout = layout;
    if (failed(makeContinual(getOperation(), options)))
      signalPassFailure();
  }
};
} // namespace
