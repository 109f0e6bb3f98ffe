//===- CastAttention.cpp - Attention inside of clusters -------------------===//
// weir.attention softmax q, k, v  ==>  the ops of Clustered.cpp
// Another function than the model's: legal where somebody trained it, or asked for it
// with surrogate tokens from calibration. Declines attentions that Site.cpp tells.

#include "weir/Transforms/CastAttention.h"
#include "Clustered.h"
#include "weir/Support/NodeDiagnostics.h"
#include "weir/Support/Remarks.h"
#include "weir/Transforms/PassOptions.h"
#include "weir/Transforms/Passes.h"
#include "weir/Transforms/RaiseAttention.h"

namespace weir {
#define GEN_PASS_DEF_CASTATTENTIONPASS
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;
using namespace weir::cast_attention;

static std::string describeForm(const CastOptions &options) {
  std::string form = "cast ";
  switch (options.clustering) {
  case Clustering::TopK:
    return form + "topk";
  case Clustering::SaGreedy:
    return form + "sa-greedy";
  case Clustering::SaRounds:
    return form + "sa-rounds";
  }
  llvm_unreachable("all ways are named");
}

static LogicalResult checkOptions(const CastOptions &options, Location location) {
  if (options.clusters < 0 || options.size < 0)
    return emitError(location) << "clusters and their size are positive, not "
                               << options.clusters << " and " << options.size;
  for (double tau : {options.tau, options.tauQ, options.tauK})
    if (!(tau >= 0) || std::isinf(tau))
      return emitError(location) << "a temperature is positive, not " << tau;
  return success();
}

static void remarkClusters(AttentionOp op, const CompressedAttention &entry) {
  namespace remark = mlir::remark;
  auto opts = remark::RemarkOpts::name("cast").category("weir");
  remark::passed(op.getLoc(), opts)
      << "attention inside of clusters" << remark::metric("clusters", entry.clusters)
      << remark::metric("size", entry.kept) << remark::metric("macs", entry.macsAfter)
      << remark::metric("before", entry.macsBefore)
      << remark::metric("note", castDisclaimer);
}

/// Replaces one attention. Fails where parameters are missing or do not fit.
static LogicalResult compress(AttentionOp op, const SurrogateSet &set,
                              const CastOptions &options, CompressedAttention &entry) {
  entry.tokens = op.numKeys();
  FailureOr<Site> site = findSite(op, entry.reason);
  if (failed(site)) {
    (void)missed(op, "{0}", entry.reason);
    return success();
  }
  FailureOr<Surrogates> surrogates =
      set.get(op, entry.layer, site->width(), site->inputWidth());
  if (failed(surrogates))
    return failure();
  entry.clusters = surrogates->clusters;
  entry.kept =
      options.size ? options.size : llvm::divideCeil(entry.tokens, entry.clusters);
  if (entry.kept > entry.tokens) {
    InFlightDiagnostic error = emitNodeError(op)
                               << "clusters of " << entry.kept
                               << " tokens are larger than a window of " << entry.tokens;
    attachHelp(error, "give size=K of " + Twine(entry.tokens) + " tokens at most");
    return error;
  }
  if (!surrogates->phiWeight.empty() && !site->input) {
    entry.reason = "its queries, keys and values are projected from different tokens, "
                   "which have no common phi";
    (void)missed(op, "{0}", entry.reason);
    return success();
  }
  entry.form = describeForm(options);
  entry.macsBefore = countMacs(*site, 0, 0, options);
  entry.macsAfter = countMacs(*site, entry.clusters, entry.kept, options);
  remarkClusters(op, entry);
  op.replaceAllUsesWith(makeClustered(*site, *surrogates, entry.kept, options));
  op.erase();
  return success();
}

FailureOr<SmallVector<CompressedAttention>>
weir::compressWithCast(func::FuncOp window, const ArgumentAxes &axes,
                       const CastOptions &options) {
  if (failed(checkOptions(options, window.getLoc())))
    return failure();
  FailureOr<LayerSet> layers = LayerSet::parse(options.layers, window.getLoc());
  if (failed(layers))
    return failure();
  FailureOr<SurrogateSet> set = SurrogateSet::load(options, window.getLoc());
  if (failed(set))
    return failure();
  TokenFlowAnalysis flows(window, axes, {});
  SmallVector<Operation *> found = findAttentions(window, flows);
  if (failed(layers->check(window, found.size())))
    return failure();
  SmallVector<CompressedAttention> entries;
  SmallVector<AttentionOp> raised;
  for (auto [layer, op] : llvm::enumerate(found)) {
    CompressedAttention &entry = entries.emplace_back();
    entry.layer = layer;
    entry.node = getNodeName(op);
    raised.emplace_back();
    if (!layers->contains(layer)) {
      entry.reason = "it is not among layers=" + options.layers;
      continue;
    }
    FailureOr<AttentionOp> attention = raiseAttention(op, flows, &entry.reason);
    if (succeeded(attention))
      raised.back() = *attention;
  }
  for (auto [entry, op] : llvm::zip_equal(entries, raised))
    if (op && failed(compress(op, *set, options, entry)))
      return failure();
  if (failed(checkCompressed(window, entries, options.layers)))
    return failure();
  return entries;
}

namespace {
struct CastAttentionPass : weir::impl::CastAttentionPassBase<CastAttentionPass> {
  using CastAttentionPassBase::CastAttentionPassBase;

  CastOptions getCastOptions() {
    CastOptions options;
    options.clusters = clusters;
    options.size = size;
    options.clustering = clustering;
    options.function = function;
    options.heads = heads;
    options.gates = gates;
    options.ownMask = ownMask;
    options.intraWeight = intraWeight;
    options.summaries = summaries;
    options.tau = tau;
    options.tauQ = tauQ;
    options.tauK = tauK;
    options.surrogates = surrogates;
    options.from = from;
    options.layers = layers;
    return options;
  }

  void runOnOperation() override {
    ContinualOptions options;
    options.tokenAxes.assign(tokenAxes.begin(), tokenAxes.end());
    FailureOr<ArgumentAxes> axes = findTokenAxes(getOperation(), options);
    if (failed(axes) || failed(compressWithCast(getOperation(), *axes, getCastOptions())))
      signalPassFailure();
  }
};
} // namespace

llvm::Expected<CastOptions> weir::parseCastOptions(StringRef text) {
  CastAttentionPass pass;
  if (llvm::Error error = readPassOptions(pass, text))
    return error;
  return pass.getCastOptions();
}
