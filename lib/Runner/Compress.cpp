//===- Compress.cpp - Attentions of a model that cost less ----------------===//

#include "weir/Runner/Compress.h"
#include "Calibrate.h"
#include "MeasureError.h"
#include "Probe.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/NodeDiagnostics.h"
#include "weir/Transforms/CastAttention.h"
#include "weir/Transforms/DctAttention.h"
#include "weir/Transforms/RaiseAttention.h"

using namespace mlir;
using namespace weir;

namespace {
class Compressor {
public:
  Compressor(ModuleOp module, const ArgumentAxes &axes, const CompressOptions &options)
      : module(module), axes(axes), options(options),
        location(UnknownLoc::get(module.getContext())) {
    report.kind = options.kind;
  }
  FailureOr<CompressReport> run();

private:
  func::FuncOp window() { return module.lookupSymbol<func::FuncOp>("window"); }
  LogicalResult readOptions();
  LogicalResult checkGrounds();
  LogicalResult loadData();
  LogicalResult raise();
  FailureOr<SmallVector<CompressedAttention>> compress(ModuleOp target);
  LogicalResult measure(ModuleOp original);

  ModuleOp module;
  const ArgumentAxes &axes;
  const CompressOptions &options;
  Location location;
  DctOptions dct;
  CastOptions cast;
  Calibration calibration;
  std::vector<Streams> samples;
  CompressReport report;
};
} // namespace

/// The options of the pass, and what they need data for.
LogicalResult Compressor::readOptions() {
  if (options.kind == Compression::Dct) {
    llvm::Expected<DctOptions> read = parseDctOptions(options.pass);
    if (!read)
      return emitError(location) << llvm::toString(read.takeError());
    dct = std::move(*read);
    calibration.energy = getKeptEnergy(dct).value_or(0);
    return success();
  }
  llvm::Expected<CastOptions> read = parseCastOptions(options.pass);
  if (!read)
    return emitError(location) << llvm::toString(read.takeError());
  cast = std::move(*read);
  if (cast.from != SurrogateSource::KMeans)
    return success();
  if (cast.clusters < 1)
    return emitError(location) << "from=kmeans makes as many surrogates as clusters=C "
                                  "says, and that is not given";
  calibration.clusters = cast.clusters;
  calibration.perHead = cast.heads == ClusterHeads::PerHead;
  return success();
}

/// Refuses to guess.
LogicalResult Compressor::checkGrounds() {
  if (!options.calibration.empty())
    return success();
  if (calibration.energy > 0 || calibration.clusters > 0) {
    InFlightDiagnostic error = emitError(location)
                               << (calibration.energy > 0
                                       ? "keep=auto chooses how much to keep"
                                       : "from=kmeans makes surrogates")
                               << " by calibration data, and there is none";
    attachHelp(error, "give --calibrate=[NAME=]FILE.npy");
    return error;
  }
  bool isTrained = options.kind == Compression::Cast && !cast.surrogates.empty();
  if (isTrained || options.approximate)
    return success();
  InFlightDiagnostic error =
      emitError(location) << "the rewritten model gives other numbers, and nothing tells "
                             "how far they are off";
  attachHelp(error, "give data to measure the error on, --calibrate=[NAME=]FILE.npy, or "
                    "say that it is not to be known: --approximate=yes");
  return error;
}

/// Calibration data or, to measure on, the streams.
LogicalResult Compressor::loadData() {
  bool isCalibrated = !options.calibration.empty();
  ArrayRef<std::string> files = isCalibrated ? options.calibration : options.streams;
  if (files.empty())
    return success();
  auto loaded =
      loadSamples({files, options.statics, isCalibrated ? "--calibrate" : "--stream"},
                  getPorts(window()), axes, location);
  if (failed(loaded))
    return failure();
  samples = std::move(*loaded);
  report.measuredOn = isCalibrated ? "the calibration data" : "the stream";
  for (const Streams &sample : samples)
    report.numWindows += sample.numWindows;
  return success();
}

LogicalResult Compressor::raise() {
  return failure(failed(raiseAttentions(window(), axes, LayerSet())));
}

FailureOr<SmallVector<CompressedAttention>> Compressor::compress(ModuleOp target) {
  auto function = target.lookupSymbol<func::FuncOp>("window");
  if (options.kind == Compression::Dct)
    return compressWithDct(function, axes, dct);
  return compressWithCast(function, axes, cast);
}

/// Returns the results of attentions, too, and takes both to their end.
LogicalResult Compressor::measure(ModuleOp original) {
  auto function = original.lookupSymbol<func::FuncOp>("window");
  TokenFlowAnalysis flows(function, axes, {});
  SmallVector<Value> values(function.getBody().front().getTerminator()->getOperands());
  size_t numOutputs = values.size();
  SmallVector<size_t> layers;
  for (auto [layer, op] : llvm::enumerate(findAttentions(function, flows)))
    if (isa<AttentionOp>(op)) {
      layers.push_back(layer);
      values.push_back(op->getResult(0));
    }
  returnValues(function, values);
  OwningOpRef<ModuleOp> rewritten = original.clone();
  if (failed(compress(*rewritten)))
    return failure();
  auto errors = measureErrors(original, *rewritten, samples);
  if (failed(errors))
    return failure();
  for (size_t i = 0; i < numOutputs; ++i) {
    auto name = window().getResultAttrOfType<StringAttr>(i, "weir.output");
    report.outputs.emplace_back(name ? name.str() : std::to_string(i), (*errors)[i]);
  }
  report.layers.resize(report.attentions.size());
  for (auto [entry, error] : llvm::zip_equal(report.attentions, report.layers)) {
    auto found = llvm::find(layers, entry.layer);
    if (found != layers.end() && !entry.form.empty())
      error = (*errors)[numOutputs + (found - layers.begin())];
  }
  return success();
}

FailureOr<CompressReport> Compressor::run() {
  if (failed(readOptions()) || failed(checkGrounds()) || failed(loadData()) ||
      failed(raise()) || failed(calibrateAttentions(module, samples, calibration)))
    return failure();
  report.macsBefore = countWindowMacs(window());
  // What is measured or wanted unmeasured is no guess to the rewrite any more.
  dct.approximate = true;
  OwningOpRef<ModuleOp> original = module.clone();
  auto attentions = compress(module);
  if (failed(attentions))
    return failure();
  report.attentions.assign(attentions->begin(), attentions->end());
  report.macsAfter = countWindowMacs(window());
  if (!samples.empty() && failed(measure(*original)))
    return failure();
  return std::move(report);
}

FailureOr<CompressReport> weir::compressModel(ModuleOp module, const ArgumentAxes &axes,
                                              const CompressOptions &options) {
  return Compressor(module, axes, options).run();
}
