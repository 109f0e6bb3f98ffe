//===- NarrowError.cpp - What narrow weights do to the outputs ------------===//
// A part of the windows tells what rows the weights meet, by which they are rounded; the
// others tell the error that is left.

#include "weir/Runner/NarrowError.h"
#include "ChooseWidths.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace weir;

/// Random windows to look at, and as many to measure on: at least these; up to most, if
/// results are few and it is no more than some work.
static constexpr int64_t leastRandom = 4, mostRandom = 64;
static constexpr int64_t enoughResults = 2048;
static constexpr int64_t mostMultiplications = int64_t(1) << 34;
/// Windows of data that are looked at, at most.
static constexpr int64_t mostSeen = 16;
/// Of the bound, what simulated errors are kept below: rows are rounded, too.
static constexpr double margin = 0.98;
/// Of the bound, the part below which it is other errors that are too large.
static constexpr double leastPart = 1.0 / 64;

/// A large error is a rare one: it is met in many results only.
static int64_t countRandomWindows(ArrayRef<Port> ports, const ArgumentAxes &axes,
                                  int64_t numWeights) {
  int64_t results = enoughResults, tokens = 1;
  for (const Port &port : ports)
    if (port.kind == Port::Output)
      results = std::min(results, std::max<int64_t>(1, port.type.getNumElements()));
  for (const std::optional<TokenAxis> &axis : axes)
    tokens = std::max(tokens, axis ? axis->tokens : 1);
  int64_t affordable = mostMultiplications / std::max<int64_t>(1, tokens * numWeights);
  int64_t wanted = std::min(enoughResults / results, mostRandom);
  return std::max(leastRandom, std::min(wanted, affordable));
}

/// Random windows that share no token.
static Streams makeRandomWindows(ArrayRef<Port> ports, ArgumentAxes axes,
                                 int64_t number) {
  for (std::optional<TokenAxis> &axis : axes)
    if (axis)
      axis->chunk = axis->tokens;
  return makeRandomStreams(ports, axes, number);
}

namespace {
class Narrowing {
public:
  Narrowing(ModuleOp module, const NarrowData &data) : module(module), data(data) {}
  FailureOr<NarrowReport> run(const ArgumentAxes &axes);

private:
  LogicalResult findSamples(const ArgumentAxes &axes);
  void store(ArrayRef<WeightKind> kinds);
  FailureOr<double> measure();
  std::vector<WeightKind> widen(WidthChooser &chooser, ArrayRef<WeightKind> kinds,
                                double &most);
  void describe(ArrayRef<WeightKind> kinds);

  ModuleOp module;
  const NarrowData &data;
  NarrowReport report;
  std::unique_ptr<WeightProbe> probe;
  std::vector<Streams> samples;
  int64_t numSeen = 0;
  WindowRange measured;
  std::vector<DenseElementsAttr> rows;
};
} // namespace

LogicalResult Narrowing::findSamples(const ArgumentAxes &axes) {
  auto window = module.lookupSymbol<func::FuncOp>("window");
  if (data.calibration.empty() && data.statics.empty()) {
    std::vector<Port> ports = getPorts(window);
    int64_t number = countRandomWindows(ports, axes, report.bytesInF32 / sizeof(float));
    samples.push_back(makeRandomWindows(ports, axes, 2 * number));
    numSeen = number;
    report.measuredOn = "random data";
  } else {
    auto loaded =
        loadSamples({data.calibration, data.statics, "--calibrate"}, getPorts(window),
                    axes, UnknownLoc::get(module.getContext()));
    if (failed(loaded))
      return failure();
    samples = std::move(*loaded);
    report.measuredOn = "the calibration data";
    numSeen = std::clamp<int64_t>(countWindows(samples) / 2, 1, mostSeen);
  }
  int64_t number = countWindows(samples);
  measured =
      number > numSeen ? WindowRange{numSeen, number - numSeen} : WindowRange{0, number};
  report.numWindows = measured.count;
  return success();
}

static bool isAnyNarrow(ArrayRef<WeightKind> kinds) {
  return llvm::any_of(kinds, [](WeightKind kind) { return kind != WeightKind::F32; });
}

/// Says in the module how weights are stored.
void Narrowing::store(ArrayRef<WeightKind> kinds) {
  SmallVector<StoredWeights> stored;
  for (auto [probed, kind, known] : llvm::zip_equal(probe->getWeights(), kinds, rows))
    if (kind != report.kind || known)
      stored.push_back(
          {probed.digest, kind, kind == WeightKind::Int8 ? known : DenseElementsAttr()});
  setStoredWeights(module, stored);
  setWeightKind(module,
                isAnyNarrow(kinds) || kinds.empty() ? report.kind : WeightKind::F32);
}

/// Of the module as it is now.
FailureOr<double> Narrowing::measure() {
  SmallVector<StringRef> others;
  for (auto function : module.getOps<func::FuncOp>())
    if (function.getName() != "window")
      others.push_back(function.getName());
  auto narrow = CompiledModule::compile(module, {}, others);
  if (failed(narrow))
    return failure();
  report.bytes = (*narrow)->getWeightBytes();
  auto fill = [&](BoundFunction &window) {
    for (size_t i = 0; i < probe->getWeights().size(); ++i)
      probe->fill(window, i);
  };
  const CompiledFunction &window = *(*narrow)->lookup("window");
  auto errors = measureErrors({probe->getWindow(), fill}, {window}, samples, measured);
  report.outputs.clear();
  size_t next = 0;
  for (const Port &port : window.getPorts())
    if (port.kind == Port::Output) {
      const MeasuredError &error = errors[next++];
      report.outputs.push_back({port.name, error.rmsOfSpread, error.largestOfSpread});
    }
  return findLargest(errors);
}

/// Other kinds than `kinds`, which err by too much: those that are simulated to err by
/// less than `most`, which goes down. What is not simulated may be too much for all.
std::vector<WeightKind> Narrowing::widen(WidthChooser &chooser,
                                         ArrayRef<WeightKind> kinds, double &most) {
  most *= margin;
  std::vector<WeightKind> wider = chooser.choose(report.kind, most);
  for (; ArrayRef(wider) == kinds && most > data.mostError * leastPart; most /= 2)
    wider = chooser.choose(report.kind, most / 2);
  if (ArrayRef(wider) == kinds)
    wider.assign(kinds.size(), WeightKind::F32);
  return wider;
}

void Narrowing::describe(ArrayRef<WeightKind> kinds) {
  report.numWeights = kinds.size();
  report.wider.clear();
  for (auto [probed, kind] : llvm::zip_equal(probe->getWeights(), kinds))
    if (kind != report.kind)
      report.wider.push_back({probed.node, kind});
}

FailureOr<NarrowReport> Narrowing::run(const ArgumentAxes &axes) {
  report.kind = getWeightKind(module);
  report.mostError = data.mostError;
  auto made = WeightProbe::make(module);
  if (failed(made))
    return failure();
  probe = std::move(*made);
  report.bytesInF32 = probe->getWeightBytes();
  if (failed(findSamples(axes)))
    return failure();
  std::vector<WeightKind> kinds(probe->getWeights().size(), report.kind);
  rows.resize(kinds.size());
  if (report.kind == WeightKind::Int8)
    rows = probe->observeRows(samples, numSeen);
  store(kinds);
  FailureOr<double> largest = measure();
  if (succeeded(largest))
    report.largestWithout = *largest;
  WidthChooser chooser(*probe, rows, samples, measured);
  double most = data.mostError;
  while (succeeded(largest) && !(*largest <= data.mostError) && isAnyNarrow(kinds)) {
    kinds = widen(chooser, kinds, most);
    store(kinds);
    largest = measure();
  }
  if (failed(largest))
    return failure();
  describe(kinds);
  return report;
}

FailureOr<std::optional<NarrowReport>> weir::measureNarrowing(ModuleOp module,
                                                              const ArgumentAxes &axes,
                                                              const NarrowData &data) {
  if (!module.lookupSymbol("window"))
    return std::optional<NarrowReport>();
  FailureOr<NarrowReport> report = Narrowing(module, data).run(axes);
  if (failed(report))
    return failure();
  return std::optional(std::move(*report));
}

/// Which weights are wider, a line for each kind of them.
static void printWider(llvm::raw_ostream &os, const NarrowReport &report) {
  for (WeightKind kind : {WeightKind::BF16, WeightKind::F32}) {
    auto names = llvm::map_to_vector(
        llvm::make_filter_range(report.wider,
                                [&](const WiderWeights &w) { return w.kind == kind; }),
        [](const WiderWeights &weights) { return "'" + weights.node + "'"; });
    if (names.empty())
      continue;
    bool isAll = static_cast<int64_t>(names.size()) == report.numWeights;
    os << "  " << names.size() << " of " << report.numWeights << " matrices stay in "
       << getName(kind)
       << llvm::formatv(", since errors of {0:e2} at most were asked "
                        "for and {1:e2} found: ",
                        report.mostError, report.largestWithout)
              .str()
       << (isAll ? "all of them" : llvm::join(names, ", ")) << '\n';
  }
}

void weir::printErrors(llvm::raw_ostream &os, const NarrowReport &report) {
  os << "weights: " << getName(report.kind) << ", " << report.bytes
     << " bytes instead of " << report.bytesInF32 << '\n';
  printWider(os, report);
  os << "errors against weights of f32 on " << report.numWindows << " windows of "
     << report.measuredOn << ", in standard deviations of the output\n";
  for (const OutputError &error : report.outputs)
    os << "  output '" << error.name
       << llvm::formatv("': {0:e2} rms, {1:e2} at most\n", error.rms, error.largest)
              .str();
}
