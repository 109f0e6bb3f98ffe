//===- Run.cpp - Compile a model and run it on a stream -------------------===//
// read -> fix sizes -> make continual -> compile -> stream -> verify, write, measure

#include "weir/Runner/Run.h"
#include "Bench.h"
#include "Session.h"
#include "VerifyEntries.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Pipelines/Registration.h"
#include "weir/Runner/VerifySlides.h"
#include "weir/Support/NodeDiagnostics.h"
#include "weir/Target/Onnx/Import.h"
#include "weir/Transforms/Canonicalize.h"
#include "weir/Transforms/Specialize.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"

using namespace mlir;
using namespace weir;

namespace {
class Run {
public:
  Run(const RunOptions &options, MLIRContext &context, llvm::raw_ostream &out)
      : options(options), context(context), out(out),
        location(UnknownLoc::get(&context)) {}
  Outcome run();

private:
  LogicalResult read();
  LogicalResult prepare();
  LogicalResult explain();
  LogicalResult compile();
  Outcome checkSlides();
  Outcome stream(const Streams &streams);
  Outcome verify(Outputs steps, const Streams &streams);
  Outcome compare(StringRef what, Outputs got, Outputs expected, double tolerance);
  Outcome verifyEntries(Outputs steps, const Streams &streams);
  void printRebuilds(StepSession &session);
  void measure();

  func::FuncOp function(StringRef name) {
    return module->lookupSymbol<func::FuncOp>(name);
  }
  bool steps() { return function("step") != nullptr; }
  int64_t stepAttribute(StringRef name) {
    auto attribute = function("step")->getAttrOfType<IntegerAttr>(name);
    return attribute ? attribute.getInt() : 0;
  }
  const CompiledFunction &windowFunction() {
    const CompiledFunction *recycled = compiled->lookup("window_recycled");
    return recycled ? *recycled : *compiled->lookup("window");
  }
  WindowSession windowSession(const Streams &streams) {
    return {windowFunction(), streams, steps() ? stepAttribute("weir.warmup") : 0};
  }

  const RunOptions &options;
  MLIRContext &context;
  llvm::raw_ostream &out;
  Location location;
  OwningOpRef<ModuleOp> module;
  ArgumentAxes axes;
  std::optional<StepReport> report;
  std::unique_ptr<CompiledModule> compiled;
};
} // namespace

LogicalResult Run::read() {
  if (isOnnxFile(options.model)) {
    module = importOnnx(options.model, &context);
    return success(static_cast<bool>(module));
  }
  module = parseSourceFile<ModuleOp>(options.model, &context);
  if (!module)
    return failure();
  if (!function("window"))
    return emitError(location) << "the module has no function @window";
  return success();
}

/// Token axes that a step function made before states on its arguments.
static ArgumentAxes axesOfStep(func::FuncOp step) {
  ArgumentAxes axes;
  for (unsigned i = 0; i < step.getNumArguments(); ++i) {
    if (!step.getArgAttr(i, "weir.input"))
      continue;
    auto axis = step.getArgAttrOfType<AxisAttr>(i, "weir.axis");
    axes.push_back(axis ? std::optional(axis.toAxis()) : std::nullopt);
  }
  return axes;
}

/// Names the operators that nobody knows: behind them nothing else is known either.
static void reportUnknownOperators(func::FuncOp window) {
  window.walk([](Operation *op) {
    if (op->getName().getDialectNamespace() != "onnx" ||
        (op->isRegistered() && !isa<onnx::CustomOp>(op)))
      return;
    InFlightDiagnostic error = emitNodeError(op);
    error << "this operator cannot be compiled";
    attachHelp(error, "replace it by standard ONNX operators");
  });
}

LogicalResult Run::prepare() {
  if (steps()) { // rewritten before
    axes = axesOfStep(function("step"));
    return success();
  }
  bool hasStream =
      options.continual || !options.streams.empty() || !options.prepare.tokenAxes.empty();
  if (!hasStream && !options.statics.empty()) { // one window, no tokens
    auto shapes = bindDims(function("window"), options.prepare.dims);
    if (failed(shapes) || failed(specialize(function("window"), *shapes)))
      return failure();
    PassManager passes(&context, func::FuncOp::getOperationName());
    buildCanonicalizationPipeline(passes);
    return passes.run(function("window"));
  }
  FailureOr<ArgumentAxes> found = prepareModel(*module, options.prepare);
  if (failed(found)) {
    reportUnknownOperators(function("window"));
    return failure();
  }
  axes = *found;
  if (!options.continual)
    return selectOutputRows(function("window"), axes, options.rows);
  ContinualOptions continual;
  continual.tokenAxes = nameTokenAxes(function("window"), axes);
  continual.chunk = options.prepare.chunk;
  continual.positions = options.positions;
  continual.rows = options.rows;
  continual.requireIncremental = options.requireIncremental;
  continual.retroactive = options.retroactive;
  continual.form = options.retroactiveForm;
  continual.entries = options.entries;
  FailureOr<StepReport> made = makeContinual(*module, continual);
  if (failed(made))
    return failure();
  report = *made;
  return success();
}

LogicalResult Run::explain() {
  if (!options.explain && options.report.empty())
    return success();
  if (!report)
    return emitError(location) << "only --rewrite=continual has something to explain";
  if (options.explain)
    printExplanation(out, *report, *options.explain);
  if (options.report.empty())
    return success();
  std::error_code code;
  llvm::raw_fd_ostream os(options.report, code);
  if (code)
    return emitError(location) << "'" << options.report
                               << "' cannot be written: " << code.message();
  printExplanation(os, *report, ExplainFormat::Json);
  return success();
}

LogicalResult Run::compile() {
  auto result = CompiledModule::compile(*module);
  if (failed(result))
    return failure();
  compiled = std::move(*result);
  return success();
}

Outcome Run::checkSlides() {
  constexpr int64_t numWindows = 3;
  Streams streams = makeRandomStreams(windowFunction().getPorts(), axes, numWindows);
  auto fill = [&](int64_t index, ArrayRef<char *> buffers) {
    for (auto [input, buffer] : llvm::zip(streams.inputs, buffers))
      input.copyTokens(index * streams.chunk, streams.tokens, buffer);
  };
  FailureOr<SlideCheck> check = verifySlides(*module, axes, numWindows, fill);
  if (failed(check))
    return Outcome::Refused;
  out << "slides: " << check->numClaims << " claims, " << check->wrong.size()
      << " wrong\n";
  for (const std::string &wrong : check->wrong)
    out << "  " << wrong << '\n';
  return check->wrong.empty() ? Outcome::Done : Outcome::Differs;
}

Outcome Run::verify(Outputs stepOutputs, const Streams &streams) {
  WindowSession windows = windowSession(streams);
  Recorder recorder(windows.bound.getPorts());
  for (int64_t i = 0; i < streams.numWindows; ++i) {
    windows.run(i);
    recorder.record(windows.bound);
  }
  auto windowOutputs = recorder.take();
  out << "verify: " << streams.numWindows << " steps, ";
  return compare("step and window", stepOutputs, windowOutputs, options.tolerance);
}

/// Prints how far they differ, and whether that is too much.
Outcome Run::compare(StringRef what, Outputs got, Outputs expected, double tolerance) {
  Difference difference = compareOutputs(got, expected);
  out << "largest difference "
      << llvm::format("%.3g (%.3g", difference.largest, difference.relative())
      << " of the largest output " << llvm::format("%.4g)", difference.scale) << '\n';
  if (difference.relative() <= tolerance)
    return Outcome::Done;
  emitError(location) << what << " differ by more than "
                      << llvm::formatv("{0}", tolerance).str()
                      << " of the largest output";
  return Outcome::Differs;
}

Outcome Run::verifyEntries(Outputs stepOutputs, const Streams &streams) {
  int64_t warmup = stepAttribute("weir.warmup"), skipped = stepAttribute("weir.skipped");
  out << "push and predict: ";
  auto pushes = runPushes(*compiled, streams, warmup, skipped).take();
  Outcome pushed = compare("predictions and steps", pushes, stepOutputs, /*tolerance=*/0);
  out << "prime: ";
  auto steps = runPrimed(*compiled, streams, warmup, skipped).take();
  Outcome primed =
      compare("primed and plain steps", steps, stepOutputs, options.tolerance);
  return pushed == Outcome::Done ? primed : pushed;
}

/// Tells how often rows of updated attentions lost their precision.
void Run::printRebuilds(StepSession &session) {
  if (!options.verify && options.explain != ExplainFormat::Text)
    return;
  for (auto [index, port] : llvm::enumerate(session.bound.getPorts())) {
    StringRef name = port.name;
    if (port.kind != Port::State || !name.consume_back(".rebuilt"))
      continue;
    int64_t counts[2]; // in all, in the worst step
    std::memcpy(counts, session.bound.getBuffer(index).data(), sizeof counts);
    out << "rows of '" << name << "' built again: " << counts[0] << ", at most "
        << counts[1] << " in one step\n";
  }
}

Outcome Run::stream(const Streams &streams) {
  std::vector<std::pair<std::string, NpyArray>> outputs;
  if (steps()) {
    StepSession session(*compiled, streams, stepAttribute("weir.skipped"));
    Recorder recorder(session.bound.getPorts());
    session.reset();
    for (int64_t i = 1, warmup = stepAttribute("weir.warmup");
         i < warmup + streams.numWindows; ++i) {
      session.advance();
      if (i >= warmup)
        recorder.record(session.bound);
    }
    outputs = recorder.take();
    printRebuilds(session);
  } else {
    WindowSession session = windowSession(streams);
    Recorder recorder(session.bound.getPorts());
    for (int64_t i = 0; i < streams.numWindows; ++i) {
      session.run(i);
      recorder.record(session.bound);
    }
    outputs = recorder.take();
  }
  Outcome outcome = options.verify ? verify(outputs, streams) : Outcome::Done;
  if (outcome == Outcome::Done && options.verify && hasAllEntries(*compiled))
    outcome = verifyEntries(outputs, streams);
  if (options.output.empty())
    return outcome;
  if (llvm::Error error = writeNpz(options.output, outputs)) {
    emitError(location) << llvm::toString(std::move(error));
    return Outcome::Refused;
  }
  return outcome;
}

void Run::measure() {
  constexpr int64_t numWindows = 256;
  Streams streams =
      makeRandomStreams(compiled->lookup("window")->getPorts(), axes, numWindows);
  if (steps()) {
    StepSession session(*compiled, streams, stepAttribute("weir.skipped"));
    session.reset();
    for (int64_t i = 0; i < stepAttribute("weir.warmup"); ++i)
      session.advance();
    printTiming(out, "step  ", [&] { session.advance(); });
  }
  WindowSession windows = windowSession(streams);
  windows.run(0);
  printTiming(out, "window", [&] { windows.bound.call(); });
}

Outcome Run::run() {
  if (failed(read()) || failed(prepare()) || failed(explain()) || failed(compile()))
    return Outcome::Refused;
  Outcome outcome = options.verifySlides ? checkSlides() : Outcome::Done;
  if (outcome == Outcome::Refused)
    return outcome;
  if (!options.streams.empty() || !options.statics.empty()) {
    auto streams =
        loadStreams(options, compiled->lookup("window")->getPorts(), axes, location);
    if (failed(streams))
      return Outcome::Refused;
    Outcome streamed = stream(*streams);
    if (streamed != Outcome::Done)
      outcome = streamed;
  }
  if (options.bench)
    measure();
  return outcome;
}

Outcome weir::runModel(const RunOptions &options, llvm::raw_ostream &out) {
  DialectRegistry registry;
  registry.insert<arith::ArithDialect, func::FuncDialect, linalg::LinalgDialect,
                  scf::SCFDialect, tensor::TensorDialect>();
  registerWeirDialects(registry);
  registerRunnerDialects(registry);
  MLIRContext context(registry);
  // Rewrites are called as functions: no pass loads what they build.
  context.loadDialect<arith::ArithDialect, func::FuncDialect, tensor::TensorDialect,
                      WeirDialect>();
  NodeDiagnosticHandler handler(&context, llvm::errs(), options.model);
  return Run(options, context, out).run();
}
