//===- AdviseStep.cpp - What would make a step cheaper --------------------===//
// No estimates: of every alternative a step is made, on a copy of the window function,
// and counted like the one that was chosen.

#include "AdviseStep.h"
#include "mlir/IR/OwningOpRef.h"
#include "weir/Analysis/Warmup.h"
#include "weir/Transforms/CastAttention.h"
#include "weir/Transforms/CountStep.h"
#include "weir/Transforms/DctAttention.h"
#include "weir/Transforms/RaiseAttention.h"

using namespace mlir;
using namespace weir;

namespace {
class Adviser {
public:
  Adviser(func::FuncOp window, const ArgumentAxes &axes, const ContinualOptions &options,
          const StepReport &report)
      : window(window), axes(axes), options(options), report(report) {}

  std::vector<Advice> run();

private:
  int64_t tokens();
  bool returnsTokens();
  bool hasTable();
  void consider(Advice advice);
  void adviseRows();
  void adviseOptions();
  void adviseChunk();
  void adviseBand();
  void adviseDeep();
  void adviseDct();
  void adviseCast();

  func::FuncOp window;
  const ArgumentAxes &axes;
  const ContinualOptions &options;
  const StepReport &report;
  std::vector<Advice> found;
};
} // namespace

int64_t Adviser::tokens() {
  std::optional<TokenAxis> axis = getStreamedAxis(axes);
  return axis ? axis->tokens : 0;
}

bool Adviser::returnsTokens() {
  TokenFlowAnalysis flows(window, axes, {});
  return llvm::any_of(window.getBody().front().getTerminator()->getOperands(),
                      [&](Value result) { return !flows.getFlow(result).axes.empty(); });
}

bool Adviser::hasTable() {
  return !TokenFlowAnalysis(window, axes, {}).getPositionTables().empty();
}

/// Keeps what saves a tenth for each token.
void Adviser::consider(Advice advice) {
  double perToken = static_cast<double>(advice.macsStep) / advice.tokens;
  if (perToken <= 0.9 * report.macsStep / options.chunk)
    found.push_back(std::move(advice));
}

void Adviser::adviseRows() {
  if (options.rows != "all" || !returnsTokens())
    return;
  OwningOpRef<func::FuncOp> copy(window.clone());
  if (succeeded(selectOutputRows(*copy, axes, "last")))
    consider({"--rows=last", "if the newest row is all that is read",
              countStepMacs(*copy, axes, options), options.chunk,
              /*changesNumbers=*/false});
}

void Adviser::adviseOptions() {
  if (options.positions == Positions::Exact && hasTable()) {
    ContinualOptions other = options;
    other.positions = Positions::Recycle;
    consider({"--positions=recycle", "positions follow their tokens",
              countStepMacs(window, axes, other), options.chunk,
              /*changesNumbers=*/true});
  }
  if (options.retroactive != Retroactive::Auto) {
    ContinualOptions other = options;
    other.retroactive = Retroactive::Auto;
    consider({"--retroactive=auto", "attentions are updated where that is cheaper",
              countStepMacs(window, axes, other), options.chunk,
              /*changesNumbers=*/false});
  }
}

/// What is computed again anyway is so for several tokens at once.
void Adviser::adviseChunk() {
  int64_t chunk = options.chunk * 4;
  if (2 * chunk > tokens())
    return;
  ArgumentAxes wider = axes;
  for (std::optional<TokenAxis> &axis : wider)
    if (axis)
      axis->chunk = chunk;
  consider({"--chunk=" + std::to_string(chunk),
            "a prediction for every " + std::to_string(chunk) + " tokens",
            countStepMacs(window, wider, options), chunk, /*changesNumbers=*/false});
}

/// A quarter of the window or, where that many blocks would reach all over it, less.
void Adviser::adviseBand() {
  int64_t numBlocks = report.attentions.size();
  if (numBlocks == 0)
    return;
  int64_t width = std::min(tokens() / 4, (tokens() - options.chunk - 1) / numBlocks + 1);
  if (width < 2)
    return;
  OwningOpRef<func::FuncOp> copy(window.clone());
  bandAttentions(*copy, axes, width - 1, /*after=*/0);
  consider({"attention to " + std::to_string(width) + " tokens",
            "each token sees the latest, if trained so",
            countStepMacs(*copy, axes, options), options.chunk, /*changesNumbers=*/true});
}

/// Only where the model means something on a stream without end.
void Adviser::adviseDeep() {
  ContinualOptions other = options;
  other.semantics = Semantics::Deep;
  bool isTied = options.positions == Positions::Exact && hasTable();
  if (report.attentions.empty() || isTied || tokens() % options.chunk != 0)
    return;
  OwningOpRef<func::FuncOp> copy(window.clone());
  bandAttentions(*copy, axes, getDeepReach(axes), /*after=*/0);
  TokenFlowAnalysis flows(*copy, axes, getFlowOptions(other));
  if (!findStreamObstacle(*copy, flows, /*knowsBands=*/true))
    consider({"--semantics=deep", "each token is attended from once, when it comes",
              countStepMacs(*copy, axes, other), options.chunk, /*changesNumbers=*/true});
}

/// A quarter of the rows of keys and values.
void Adviser::adviseDct() {
  int64_t kept = tokens() / 4;
  if (kept < 2 || report.attentions.empty())
    return;
  DctOptions dct;
  dct.variant = "resample";
  dct.keep = {std::to_string(kept)};
  dct.approximate = true;
  dct.fold = false; // as --rewrite=dct+continual has it
  OwningOpRef<func::FuncOp> copy(window.clone());
  if (failed(compressWithDct(*copy, axes, dct)))
    return;
  expandAttentions(*copy);
  consider({"--rewrite=dct+continual",
            "keys and values resampled to " + std::to_string(kept) + " rows",
            countStepMacs(*copy, axes, options), options.chunk, /*changesNumbers=*/true});
}

/// As many clusters as each has tokens, which costs least. They have no step.
void Adviser::adviseCast() {
  int64_t clusters = static_cast<int64_t>(std::sqrt(tokens()));
  OwningOpRef<func::FuncOp> copy(window.clone());
  if (clusters < 2 || failed(raiseAttentions(*copy, axes, LayerSet())))
    return;
  for (AttentionOp op : copy->getOps<AttentionOp>()) {
    std::string why;
    FailureOr<QueriesAndKeys> met = makeQueriesAndKeys(op, why);
    if (failed(met))
      return;
    auto type = cast<RankedTensorType>(met->queries.getType());
    auto surrogates = type.clone({clusters, type.getShape().back()});
    op->setAttr(surrogatesName,
                DenseElementsAttr::get(
                    surrogates, FloatAttr::get(type.getElementType(), 0).getValue()));
  }
  CastOptions cast;
  cast.clusters = clusters;
  cast.from = SurrogateSource::KMeans;
  if (failed(compressWithCast(*copy, axes, cast)))
    return;
  consider({"--rewrite=cast",
            "CAST-style attention in " + std::to_string(clusters) + " clusters",
            countWindowMacs(*copy), options.chunk, /*changesNumbers=*/true});
}

std::vector<Advice> Adviser::run() {
  // Alternatives are those of the model on a window.
  if (4 * report.macsStep <= report.macsWindowPruned ||
      options.semantics != Semantics::Window)
    return {};
  adviseRows();
  adviseOptions();
  adviseChunk();
  adviseBand();
  adviseDeep();
  {
    ScopedDiagnosticHandler quiet(window.getContext(),
                                  [](Diagnostic &) { return success(); });
    adviseDct();
    adviseCast();
  }
  llvm::stable_sort(found, [](const Advice &a, const Advice &b) {
    return a.macsStep * b.tokens < b.macsStep * a.tokens;
  });
  return std::move(found);
}

std::vector<Advice> weir::adviseStep(func::FuncOp window, const ArgumentAxes &axes,
                                     const ContinualOptions &options,
                                     const StepReport &report) {
  return Adviser(window, axes, options, report).run();
}
