//===- Calibrate.cpp - What attentions are made to keep, by data ----------===//
// The window is compiled so that it returns what is asked of its attentions: their keys
// and values in frequencies, or their queries and keys as they are.

#include "Calibrate.h"
#include "Probe.h"
#include "Session.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Runner/KMeans.h"
#include "weir/Support/HostTensor.h"
#include "weir/Transforms/CastAttention.h"
#include "weir/Transforms/RaiseAttention.h"

using namespace mlir;
using namespace weir;

/// Tokens of all windows from which surrogates are made, at most.
static constexpr int64_t mostTokens = 4096;

int64_t weir::chooseKept(ArrayRef<std::vector<double>> spectra, double part) {
  size_t kept = 1;
  for (const std::vector<double> &spectrum : spectra) {
    double total = 0, sum = 0;
    for (double energy : ArrayRef(spectrum).drop_front())
      total += energy;
    size_t own = 1;
    while (own < spectrum.size() && sum < part * total)
      sum += spectrum[own++];
    kept = std::max(kept, own);
  }
  return kept;
}

static SmallVector<AttentionOp> attentionsOf(ModuleOp module) {
  auto window = module.lookupSymbol<func::FuncOp>("window");
  return llvm::to_vector(window.getOps<AttentionOp>());
}

/// Calls `visit(value, numbers)` for what each of `values` holds in each window.
static LogicalResult forEachWindow(func::FuncOp window, ArrayRef<Value> values,
                                   ArrayRef<Streams> samples,
                                   function_ref<void(size_t, const HostTensor &)> visit) {
  OwningOpRef<ModuleOp> probe = makeProbe(window, values);
  auto compiled = CompiledModule::compile(*probe);
  if (failed(compiled))
    return failure();
  for (const Streams &sample : samples) {
    WindowSession session(*(*compiled)->lookup("window"), sample, 0);
    for (int64_t index = 0; index < sample.numWindows; ++index) {
      session.run(index);
      size_t value = 0;
      for (auto [port, bytes] :
           llvm::zip_equal(session.bound.getPorts(), session.bound.getBuffers())) {
        if (port.kind != Port::Output)
          continue;
        HostTensor tensor(port.type);
        llvm::copy(bytes, tensor.getMutableBytes().begin());
        visit(value++, tensor);
      }
    }
  }
  return success();
}

/// Frequencies of `value` [.., tokens, features], of which padding is none.
static Value makeSpectrum(OpBuilder &builder, AttentionOp op, Value value) {
  if (classifyBias(op) == AttentionBias::KeyMask)
    value =
        onnx::OnnxBuilder(builder, op.getLoc()).mul(value, makeKeyWeights(builder, op));
  auto type = cast<RankedTensorType>(value.getType());
  return DctOp::create(builder, op.getLoc(), type, value, type.getRank() - 2);
}

/// Adds the energy of each frequency to `spectrum`.
static void addEnergy(const HostTensor &tensor, std::vector<double> &spectrum) {
  ArrayRef<int64_t> shape = tensor.getShape();
  int64_t width = shape.back(), tokens = shape[shape.size() - 2];
  spectrum.resize(tokens);
  for (auto [index, number] : llvm::enumerate(tensor.getFloats()))
    spectrum[index / width % tokens] += number * number;
}

static LogicalResult chooseKeep(ModuleOp module, ArrayRef<Streams> samples,
                                double energy) {
  OwningOpRef<ModuleOp> copy = module.clone();
  SmallVector<Value> values;
  for (AttentionOp op : attentionsOf(*copy)) {
    OpBuilder builder(op);
    values.push_back(makeSpectrum(builder, op, op.getK()));
    values.push_back(makeSpectrum(builder, op, op.getV()));
  }
  std::vector<std::vector<double>> spectra(values.size());
  auto visit = [&](size_t value, const HostTensor &tensor) {
    addEnergy(tensor, spectra[value]);
  };
  if (failed(forEachWindow(copy->lookupSymbol<func::FuncOp>("window"), values, samples,
                           visit)))
    return failure();
  Builder builder(module.getContext());
  for (auto [index, op] : llvm::enumerate(attentionsOf(module)))
    op->setAttr("weir.keep", builder.getI64IntegerAttr(chooseKept(
                                 ArrayRef(spectra).slice(2 * index, 2), energy)));
  return success();
}

/// Adds every `stride`-th token of [sequences, tokens, width]; `seen` counts them.
static void addTokens(const HostTensor &tensor, int64_t stride, int64_t &seen,
                      std::vector<float> &points) {
  int64_t width = tensor.getShape().back();
  std::vector<double> numbers = tensor.getFloats();
  for (size_t at = 0; at < numbers.size(); at += width)
    if (seen++ % stride == 0)
      points.insert(points.end(), numbers.begin() + at, numbers.begin() + at + width);
}

/// Columns [first, first + count) of `points`, which have `width`.
static std::vector<float> takeColumns(ArrayRef<float> points, int64_t width,
                                      int64_t first, int64_t count) {
  std::vector<float> columns;
  for (size_t at = first; at < points.size(); at += width)
    columns.insert(columns.end(), &points[at], &points[at] + count);
  return columns;
}

/// [clusters, width], of parts of `features` columns each by itself.
static std::vector<float> makeSurrogates(ArrayRef<float> points, int64_t width,
                                         int64_t features, int64_t clusters) {
  std::vector<float> all(clusters * width);
  for (int64_t first = 0; first < width; first += features) {
    std::vector<float> own =
        findCentres(takeColumns(points, width, first, features), features, clusters);
    for (int64_t cluster = 0; cluster < clusters; ++cluster)
      std::copy_n(&own[cluster * features], features, &all[cluster * width + first]);
  }
  return all;
}

static LogicalResult findSurrogates(ModuleOp module, ArrayRef<Streams> samples,
                                    const Calibration &options) {
  OwningOpRef<ModuleOp> copy = module.clone();
  SmallVector<Value> values;
  SmallVector<AttentionOp> clustered; // of `module`
  for (auto [op, copied] : llvm::zip_equal(attentionsOf(module), attentionsOf(*copy))) {
    std::string why;
    FailureOr<QueriesAndKeys> made = makeQueriesAndKeys(copied, why);
    if (failed(made))
      continue; // the rewrite tells why
    clustered.push_back(op);
    values.append({made->queries, made->keys});
  }
  int64_t numWindows = 0;
  for (const Streams &sample : samples)
    numWindows += sample.numWindows;
  std::vector<std::vector<float>> points(clustered.size());
  std::vector<int64_t> seen(values.size());
  auto visit = [&](size_t value, const HostTensor &tensor) {
    int64_t perWindow = tensor.getNumElements() / tensor.getShape().back();
    int64_t stride = std::max<int64_t>(1, 2 * numWindows * perWindow / mostTokens);
    addTokens(tensor, stride, seen[value], points[value / 2]);
  };
  if (failed(forEachWindow(copy->lookupSymbol<func::FuncOp>("window"), values, samples,
                           visit)))
    return failure();
  for (auto [index, op] : llvm::enumerate(clustered)) {
    int64_t width = cast<RankedTensorType>(values[2 * index].getType()).getShape().back();
    std::vector<float> surrogates =
        makeSurrogates(points[index], width, options.perHead ? op.numFeatures() : width,
                       options.clusters);
    HostTensor tensor(RankedTensorType::get({options.clusters, width},
                                            Float32Type::get(module.getContext())));
    std::memcpy(tensor.getMutableBytes().data(), surrogates.data(),
                tensor.getBytes().size());
    op->setAttr(surrogatesName, tensor.toAttr("surrogates"));
  }
  return success();
}

LogicalResult weir::calibrateAttentions(ModuleOp module, ArrayRef<Streams> samples,
                                        const Calibration &options) {
  if (attentionsOf(module).empty())
    return success();
  if (options.energy > 0 && failed(chooseKeep(module, samples, options.energy)))
    return failure();
  if (options.clusters > 0 && failed(findSurrogates(module, samples, options)))
    return failure();
  return success();
}
