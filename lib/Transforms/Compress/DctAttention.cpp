//===- DctAttention.cpp - Attention between a few frequencies of tokens ---===//
// Each chosen attention becomes one op, and that what the variant makes of it
// (DctCompressor.cpp). Decided before anything changes: the options, and whether the user
// wants other numbers.

#include "../EraseDeadOps.h"
#include "DctCompressor.h"
#include "DctOptions.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "weir/Support/NodeDiagnostics.h"
#include "weir/Support/Remarks.h"
#include "weir/Transforms/PassOptions.h"
#include "weir/Transforms/Passes.h"
#include "weir/Transforms/RaiseAttention.h"

namespace weir {
#define GEN_PASS_DEF_DCTATTENTIONPASS
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

namespace {
/// What is asked for one attention.
struct Request {
  RaisedAttention attention;
  std::optional<int64_t> kept; ///< none where calibration has not told
};
} // namespace

/// The attentions of the chosen layers, and how many rows of each are kept.
static FailureOr<SmallVector<Request>>
makeRequests(func::FuncOp window, const ArgumentAxes &axes, const DctOptions &options) {
  FailureOr<LayerSet> layers = LayerSet::parse(options.layers, window.getLoc());
  FailureOr<SmallVector<int64_t>> keep = parseKeep(window, options);
  if (failed(layers) || failed(keep))
    return failure();
  FailureOr<SmallVector<RaisedAttention>> raised = raiseAttentions(window, axes, *layers);
  if (failed(raised))
    return failure();
  if (keep->size() > 1 && keep->size() != raised->size())
    return window.emitError() << "keep gives numbers of rows for " << keep->size()
                              << " attentions, but " << raised->size()
                              << " are compressed";
  SmallVector<Request> requests;
  for (auto [index, attention] : llvm::enumerate(*raised)) {
    Request &request = requests.emplace_back(Request{attention, std::nullopt});
    if (!keep->empty())
      request.kept = (*keep)[keep->size() == 1 ? 0 : index];
    else if (attention.op)
      if (auto kept = attention.op->getAttrOfType<IntegerAttr>("weir.keep"))
        request.kept = kept.getInt();
  }
  return requests;
}

/// Resampling to all rows is the one form that computes what the model computes.
static bool isExact(const Request &request, DctVariant variant) {
  bool isResampled = variant == DctVariant::Resample || variant == DctVariant::Pool;
  weir::AttentionOp op = request.attention.op;
  return !op || (isResampled && request.kept == op.numKeys());
}

static LogicalResult checkRequests(func::FuncOp window, ArrayRef<Request> requests,
                                   DctVariant variant, const DctOptions &options) {
  for (const Request &request : requests)
    if (request.attention.op && !request.kept) {
      InFlightDiagnostic error = window.emitError()
                                 << "keep=" << options.keep.front()
                                 << " needs to know how much energy attention "
                                 << request.attention.layer << " has, and where";
      attachHelp(error, "calibrate first, on data such as the model sees "
                        "(weir-calibrate, weir-run --calibrate FILE.npy)");
      return failure();
    }
  bool changes = llvm::any_of(
      requests, [&](const Request &request) { return !isExact(request, variant); });
  if (!changes || options.approximate)
    return success();
  InFlightDiagnostic error = window.emitError()
                             << "the variant " << stringifyDctVariant(variant)
                             << " computes other numbers than full attention";
  attachHelp(error, "measure by how much on data such as the model sees (weir-run "
                    "--calibrate FILE.npy), or give approximate=yes, as for a model that "
                    "was trained with it");
  return failure();
}

/// Rewrites one attention, or tells why it is left alone.
static CompressedAttention compress(func::FuncOp window, const ArgumentAxes &axes,
                                    const Request &request, DctVariant variant,
                                    bool isFolded) {
  CompressedAttention entry;
  entry.node = request.attention.node;
  entry.layer = request.attention.layer;
  weir::AttentionOp op = request.attention.op;
  if (!op) {
    entry.reason = request.attention.why;
    return entry;
  }
  TokenFlowAnalysis flows(window, axes, {});
  DctCompressor compressor(op, flows, variant, *request.kept, isFolded);
  entry.tokens = op.numKeys();
  auto count = [](Operation *op) {
    return cast<TokenFlowOpInterface>(op).countMacs(
        llvm::to_vector(op->getOperandTypes()), op->getResult(0).getType());
  };
  entry.macsBefore = count(op);
  for (Operation *product : compressor.getProjections())
    entry.macsBefore += count(product);
  entry.reason = compressor.findObstacle();
  if (!entry.reason.empty()) {
    (void)missed(op, "{0}", entry.reason);
    return entry;
  }
  if (variant == DctVariant::X && op.getBias())
    emitNodeWarning(op) << "the variant x takes no account of padding: padded tokens "
                           "are transformed with the others";
  entry.kept = *request.kept;
  entry.form = ("dct " + stringifyDctVariant(variant)).str();
  int64_t before = countWindowMacs(window);
  compressor.rewrite();
  eraseDeadOps(window.getBody().front());
  entry.macsAfter = entry.macsBefore + countWindowMacs(window) - before;
  return entry;
}

FailureOr<SmallVector<CompressedAttention>>
weir::compressWithDct(func::FuncOp window, const ArgumentAxes &axes,
                      const DctOptions &options) {
  FailureOr<DctVariant> variant = parseVariant(window, options);
  if (failed(variant))
    return failure();
  FailureOr<SmallVector<Request>> requests = makeRequests(window, axes, options);
  if (failed(requests) || failed(checkRequests(window, *requests, *variant, options)))
    return failure();
  SmallVector<CompressedAttention> outcome;
  // The last first: what comes before it streams as it did.
  eraseDeadOps(window.getBody().front());
  for (const Request &request : llvm::reverse(*requests))
    outcome.push_back(compress(window, axes, request, *variant, options.fold));
  std::reverse(outcome.begin(), outcome.end());
  if (failed(checkCompressed(window, outcome, options.layers)))
    return failure();
  return outcome;
}

namespace {
struct DctAttentionPass : weir::impl::DctAttentionPassBase<DctAttentionPass> {
  using DctAttentionPassBase::DctAttentionPassBase;

  DctOptions getDctOptions() {
    DctOptions options;
    options.keep.assign(keep.begin(), keep.end());
    options.variant = variant;
    options.layers = layers;
    options.fold = fold;
    options.approximate = approximate;
    return options;
  }

  void runOnOperation() override {
    ContinualOptions continual;
    continual.tokenAxes.assign(tokenAxes.begin(), tokenAxes.end());
    continual.chunk = chunk;
    FailureOr<ArgumentAxes> axes = findTokenAxes(getOperation(), continual);
    if (failed(axes) || failed(compressWithDct(getOperation(), *axes, getDctOptions())))
      signalPassFailure();
  }
};
} // namespace

llvm::Expected<DctOptions> weir::parseDctOptions(StringRef text) {
  DctAttentionPass pass;
  if (llvm::Error error = readPassOptions(pass, text))
    return error;
  return pass.getDctOptions();
}
