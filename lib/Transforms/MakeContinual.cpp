//===- MakeContinual.cpp - One token in, one prediction out ---------------===//
// @window  ==>  @window, @init, @step (and @push, @predict, @prime)
// Always legal: what is not known to slide is recomputed from rings of what does. Facts
// come from TokenFlowAnalysis, rows and rings from StepPlan.

#include "weir/Transforms/MakeContinual.h"
#include "AdviseStep.h"
#include "ContinualChecks.h"
#include "EmitStep.h"
#include "RecycledTable.h"
#include "ReportSaving.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/OwningOpRef.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Interfaces/FrequencyOpInterface.h"
#include "weir/Transforms/AbsorbProjections.h"
#include "weir/Transforms/CountStep.h"
#include "weir/Transforms/IsolateRegions.h"
#include "weir/Transforms/Passes.h"
#include "weir/Transforms/RaiseAttention.h"
#include "weir/Transforms/ReassociateProducts.h"
#include "llvm/Support/ProgramStack.h"

namespace weir {
#define GEN_PASS_DEF_MAKECONTINUALPASS
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

/// Room for chains of some hundred thousand ops.
static constexpr unsigned stackBytes = 512u << 20;

TokenFlowAnalysis::Options weir::getFlowOptions(const ContinualOptions &options) {
  return {options.positions == Positions::Recycle, options.rotary == Rotary::Recompute,
          options.semantics != Semantics::Window};
}

std::unique_ptr<StepPlan> weir::planStep(func::FuncOp window,
                                         const TokenFlowAnalysis &flows,
                                         const ContinualOptions &options) {
  StepPlan::Options planOptions;
  planOptions.masksAbsent = givesEarlyOutputs(options);
  auto best = std::make_unique<StepPlan>(window, flows, planOptions);
  if (options.layout == StateOrder::Shift)
    return best;
  auto consider = [&](bool isForced) {
    auto updating = std::make_unique<StepPlan>(window, flows, planOptions);
    bool isBetter = updating->updatesValues() &&
                    (isForced || updating->countMacs() < best->countMacs());
    if (isBetter)
      best = std::move(updating);
    return isBetter;
  };
  if (options.retroactive != Retroactive::Never) {
    planOptions.retroactive = options.form;
    if (!consider(options.retroactive == Retroactive::Always))
      planOptions.retroactive.reset();
  }
  planOptions.updatesFrequencies = true;
  if (options.frequencies != Frequencies::Never)
    consider(options.frequencies == Frequencies::Always);
  return best;
}

/// A copy of `window` in which every attention sees as much as a step keeps. The copy is
/// for the step alone, and is to be erased.
static func::FuncOp cloneBanded(func::FuncOp window, const ArgumentAxes &axes) {
  window.emitWarning("semantics=deep: each attention sees the keys and values of the "
                     "last tokens as they were cached: other numbers than the model's "
                     "own, for which it has to be trained or tested");
  OpBuilder builder(window.getContext());
  builder.setInsertionPointAfter(window);
  auto banded = cast<func::FuncOp>(builder.clone(*window));
  banded.setName("window_banded");
  bandAttentions(banded, axes, getDeepReach(axes), /*after=*/0);
  return banded;
}

static SmallVector<func::FuncOp> getEntries(func::FuncOp window) {
  auto module = cast<ModuleOp>(window->getParentOp());
  return llvm::filter_to_vector(module.getOps<func::FuncOp>(), [](func::FuncOp function) {
    return function->hasAttr("weir.entry");
  });
}

/// Does a value follow from frequencies of the tokens?
static bool readsFrequencies(func::FuncOp window) {
  return window.walk([](FrequencyOpInterface) { return WalkResult::interrupt(); })
      .wasInterrupted();
}

/// Emits the entries; returns how many multiply-accumulates a step takes less than
/// planned: one query does not make keys and values of tokens that are computed anew.
/// Products with the matrices of transforms are multiplied in the cheapest order.
static FailureOr<int64_t> emitEntries(func::FuncOp window, const TokenFlowAnalysis &flows,
                                      const StepPlan &plan,
                                      const ContinualOptions &options) {
  if (failed(emitStep(window, flows, plan, options)))
    return failure();
  bool hasTransforms = readsFrequencies(window);
  int64_t saved = 0;
  for (func::FuncOp entry : getEntries(window)) {
    int64_t savedHere = hasTransforms ? reassociateProducts(entry) : 0;
    savedHere += absorbProjections(entry);
    saved = entry.getName() == "step" ? savedHere : saved;
  }
  return saved;
}

/// `options` with the choice made whether frequencies are updated. What a step makes of
/// them is multiplied in the cheapest order, which no plan knows: both are emitted.
static FailureOr<ContinualOptions> chooseFrequencies(func::FuncOp window,
                                                     const TokenFlowAnalysis &flows,
                                                     ContinualOptions options) {
  if (options.frequencies != Frequencies::Auto)
    return options;
  if (!readsFrequencies(window)) {
    options.frequencies = Frequencies::Never;
    return options;
  }
  int64_t fewest = std::numeric_limits<int64_t>::max();
  ContinualOptions chosen = options;
  for (Frequencies choice : {Frequencies::Always, Frequencies::Never}) {
    options.frequencies = choice;
    std::unique_ptr<StepPlan> plan = planStep(window, flows, options);
    if (choice == Frequencies::Always && !plan->updatesFrequencies()) {
      chosen.frequencies = Frequencies::Never;
      return chosen;
    }
    FailureOr<int64_t> saved = emitEntries(window, flows, *plan, options);
    if (failed(saved))
      return failure();
    for (func::FuncOp entry : getEntries(window))
      entry.erase();
    if (plan->countMacs() - *saved < fewest)
      chosen.frequencies = choice;
    fewest = std::min(fewest, plan->countMacs() - *saved);
  }
  return chosen;
}

/// Rewrites `window`, which is the model as a step shall equal it.
static FailureOr<StepReport> stepThrough(func::FuncOp window, const ArgumentAxes &axes,
                                         const ContinualOptions &options) {
  TokenFlowAnalysis flows(window, axes, getFlowOptions(options));
  if (failed(checkOutputs(window, flows)))
    return failure();
  if (options.positions == Positions::Reject && !flows.getPositionTables().empty())
    return rejectPositions(flows.getPositionTables().front());
  if (failed(checkTables(flows, options)) || failed(checkLength(window, flows, options)))
    return failure();
  FailureOr<ContinualOptions> chosen = chooseFrequencies(window, flows, options);
  if (failed(chosen))
    return failure();
  std::unique_ptr<StepPlan> plan = planStep(window, flows, *chosen);
  FailureOr<int64_t> saved = emitEntries(window, flows, *plan, *chosen);
  if (failed(saved))
    return failure();
  StepReport report = makeStepReport(window, flows, *plan);
  report.macsStep -= *saved;
  report.macsStepWorst -= *saved;
  if (options.advise)
    report.advice = adviseStep(window, axes, options, report);
  remarkReport(window, report);
  if (failed(checkSaving(window, report, options)))
    return failure();
  return report;
}

static FailureOr<StepReport> makeStep(ModuleOp module, const ContinualOptions &options) {
  auto window = module.lookupSymbol<func::FuncOp>("window");
  if (!window)
    return module.emitError("there is no function 'window' to rewrite");
  if (failed(checkShapes(window)) || failed(isolateRegions(window)) ||
      failed(checkLayout(window, options)))
    return failure();
  expandAttentions(window); // a step computes some of their rows, or updates them
  FailureOr<ArgumentAxes> axes = findTokenAxes(window, options);
  if (failed(axes) || failed(checkChunk(window, *axes, options.semantics)) ||
      failed(checkPeriod(window, *axes, options.period)) ||
      failed(selectOutputRows(window, *axes, options.rows)))
    return failure();
  FailureOr<StepReport> report;
  if (options.semantics == Semantics::Deep) {
    func::FuncOp banded = cloneBanded(window, *axes);
    report = stepThrough(banded, *axes, options);
    banded.erase();
  } else {
    report = stepThrough(window, *axes, options);
  }
  if (failed(report) || (options.positions == Positions::Recycle &&
                         failed(emitRecycledWindow(window, *axes, options))))
    return failure();
  dropFullTables(module);
  return report;
}

FailureOr<StepReport> weir::makeContinual(ModuleOp module,
                                          const ContinualOptions &options) {
  FailureOr<StepReport> report = failure();
  // Demand is recursive: as deep as the longest chain of ops.
  llvm::runOnNewStack(stackBytes, [&] { report = makeStep(module, options); });
  return report;
}

int64_t weir::countStepMacs(func::FuncOp window, const ArgumentAxes &axes,
                            const ContinualOptions &options) {
  int64_t macs = 0;
  llvm::runOnNewStack(stackBytes, [&] {
    OwningOpRef<ModuleOp> module(ModuleOp::create(window.getLoc()));
    func::FuncOp copy = window.clone();
    module->push_back(copy);
    expandAttentions(copy);
    TokenFlowAnalysis flows(copy, axes, getFlowOptions(options));
    ContinualOptions stepOnly = options;
    stepOnly.entries = Entries::Step;
    FailureOr<ContinualOptions> chosen = chooseFrequencies(copy, flows, stepOnly);
    std::unique_ptr<StepPlan> plan =
        planStep(copy, flows, succeeded(chosen) ? *chosen : stepOnly);
    FailureOr<int64_t> saved = failure();
    if (succeeded(chosen))
      saved = emitEntries(copy, flows, *plan, *chosen);
    macs = plan->countMacs() - (succeeded(saved) ? *saved : 0);
  });
  return macs;
}

namespace {
struct MakeContinualPass : weir::impl::MakeContinualPassBase<MakeContinualPass> {
  using MakeContinualPassBase::MakeContinualPassBase;
  void runOnOperation() override {
    ContinualOptions options;
    options.tokenAxes.assign(tokenAxes.begin(), tokenAxes.end());
    options.chunk = chunk;
    options.semantics = semantics;
    options.positions = positions;
    options.period = period;
    options.rotary = rotary;
    options.rows = rows;
    options.requireIncremental = requireIncremental;
    options.warmup = warmup;
    options.retroactive = retroactive;
    options.form = form;
    options.frequencies = frequencies;
    options.entries = entries;
    options.layout = layout;
    if (failed(makeContinual(getOperation(), options)))
      signalPassFailure();
  }
};
} // namespace
