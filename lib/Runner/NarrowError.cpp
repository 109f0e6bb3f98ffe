//===- NarrowError.cpp - What narrow weights do to the outputs ------------===//

#include "weir/Runner/NarrowError.h"
#include "MeasureError.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace weir;

/// Windows to measure on where there is no data.
static constexpr int64_t numRandomWindows = 4;

/// Random windows that share no token.
static Streams makeRandomWindows(ArrayRef<Port> ports, ArgumentAxes axes) {
  for (std::optional<TokenAxis> &axis : axes)
    if (axis)
      axis->chunk = axis->tokens;
  return makeRandomStreams(ports, axes, numRandomWindows);
}

static FailureOr<std::unique_ptr<CompiledModule>> compileWindow(ModuleOp module) {
  SmallVector<StringRef> others;
  for (auto function : module.getOps<func::FuncOp>())
    if (function.getName() != "window")
      others.push_back(function.getName());
  return CompiledModule::compile(module, {}, others);
}

FailureOr<std::optional<NarrowReport>> weir::measureNarrowing(ModuleOp module,
                                                              const ArgumentAxes &axes,
                                                              const NarrowData &data) {
  auto window = module.lookupSymbol<func::FuncOp>("window");
  if (!window)
    return std::optional<NarrowReport>();
  NarrowReport report;
  report.kind = getWeightKind(module);
  std::vector<Streams> samples;
  if (data.calibration.empty() && data.statics.empty()) {
    samples.push_back(makeRandomWindows(getPorts(window), axes));
    report.measuredOn = "random data";
  } else {
    auto loaded =
        loadSamples({data.calibration, data.statics, "--calibrate"}, getPorts(window),
                    axes, UnknownLoc::get(module.getContext()));
    if (failed(loaded))
      return failure();
    samples = std::move(*loaded);
    report.measuredOn = "the calibration data";
  }
  for (const Streams &sample : samples)
    report.numWindows += sample.numWindows;
  OwningOpRef<ModuleOp> wide = module.clone();
  setWeightKind(*wide, WeightKind::F32);
  auto before = compileWindow(*wide);
  if (failed(before))
    return failure();
  auto after = compileWindow(module);
  if (failed(after))
    return failure();
  report.bytesInF32 = (*before)->getWeightBytes();
  report.bytes = (*after)->getWeightBytes();
  auto errors = measureErrors(**before, **after, samples);
  size_t next = 0;
  for (const Port &port : (*before)->lookup("window")->getPorts()) {
    if (port.kind != Port::Output)
      continue;
    const MeasuredError &error = errors[next++];
    report.outputs.push_back({port.name, error.rmsOfSpread, error.largestOfSpread});
  }
  return std::optional(std::move(report));
}

void weir::printErrors(llvm::raw_ostream &os, const NarrowReport &report) {
  os << "weights: " << getName(report.kind) << ", " << report.bytes
     << " bytes instead of " << report.bytesInF32 << '\n'
     << "errors against weights of f32 on " << report.numWindows << " windows of "
     << report.measuredOn << ", in standard deviations of the output\n";
  for (const OutputError &error : report.outputs)
    os << "  output '" << error.name
       << llvm::formatv("': {0:e2} rms, {1:e2} at most\n", error.rms, error.largest)
              .str();
}
