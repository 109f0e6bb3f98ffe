//===- Run.cpp - Compile a model and run it on a stream -------------------===//
// read -> fix sizes -> make continual -> compile -> stream -> verify, write, measure

#include "weir/Runner/Run.h"
#include "Bench.h"
#include "Prove.h"
#include "Session.h"
#include "StepFacts.h"
#include "VerifyEntries.h"
#include "VerifyStream.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "weir/Runner/VerifySlides.h"
#include "weir/Support/NodeDiagnostics.h"
#include "weir/Support/OutputFiles.h"
#include "weir/Transforms/Canonicalize.h"
#include "weir/Transforms/Specialize.h"
#include "weir/Transforms/WidenFloats.h"
#include "llvm/Support/FileSystem.h"

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
  bool explains() const { return options.explain || !options.report.empty(); }
  LogicalResult explain();
  LogicalResult writeReport();
  LogicalResult compile();
  bool callsFunctions() const;
  Outcome checkSlides();
  Outcome prove();
  Outcome stream(const Streams &streams);
  Outcome verify(Outputs steps, const Streams &streams);
  Outcome verifyWindows(Outputs steps, const Streams &streams);
  Outcome verifyWhole(Outputs steps, const Streams &streams);
  Outcome judge(StringRef what, const Difference &difference, double tolerance);
  Outcome verifyEntries(Outputs steps, const Streams &streams);
  void printRebuilds(StepSession &session);
  void measure();

  func::FuncOp function(StringRef name) {
    return module->lookupSymbol<func::FuncOp>(name);
  }
  bool steps() { return function("step") != nullptr; }
  StepFacts facts() { return StepFacts::of(function("step")); }
  /// What steps are made to equal; one that was read says it itself.
  Semantics semantics() {
    return facts().semantics.value_or(options.model.continual.semantics);
  }
  Semantics against() { return options.against.value_or(semantics()); }
  int64_t fullSteps() { return facts().full; }
  std::optional<TokenAxis> tokenAxis() { return getStreamedAxis(axes); }
  int64_t windowSteps() { return tokenAxis() ? facts().windowSteps(*tokenAxis()) : 1; }
  std::optional<int64_t> firstTokens() {
    if (!steps() || !tokenAxis())
      return std::nullopt;
    return facts().firstTokens(*tokenAxis());
  }
  bool hasWindow() { return function("window") != nullptr; }
  /// What is known of the inputs; a step that came without its window tells it alone.
  ArrayRef<Port> inputPorts() {
    return compiled->lookup(hasWindow() ? "window" : "step")->getPorts();
  }
  const CompiledFunction &windowFunction() {
    const CompiledFunction *recycled = compiled->lookup("window_recycled");
    return recycled ? *recycled : *compiled->lookup("window");
  }
  WindowSession windowSession(const Streams &streams) {
    return {windowFunction(), streams, steps() ? windowSteps() : 0};
  }

  const RunOptions &options;
  MLIRContext &context;
  llvm::raw_ostream &out;
  Location location;
  OwningOpRef<ModuleOp> module, original; ///< rewritten; as read, where that is compared
  ArgumentAxes axes;
  std::optional<StepReport> report;
  std::unique_ptr<CompiledModule> compiled;
};
} // namespace

LogicalResult Run::read() {
  module = readModel(options.model.path, context);
  if (!module)
    return failure();
  if (!hasWindow() && (options.verify || options.verifySlides || options.prove))
    return emitError(location)
           << "a step without its window has nothing to be verified against";
  if (options.verify && against() != Semantics::Window)
    original = module->clone();
  return success();
}

LogicalResult Run::prepare() {
  const PrepareOptions &prepare = options.model.prepare;
  if (options.continual || steps()) {
    ModelOptions model = options.model;
    model.continual.advise = explains();
    FailureOr<SteppedModel> stepped = makeSteps(*module, model);
    if (failed(stepped))
      return failure();
    axes = stepped->axes;
    report = stepped->report;
    return success();
  }
  if (options.streams.empty() && prepare.tokenAxes.empty() &&
      !options.statics.empty()) { // one window, no tokens
    widenFloats(function("window"));
    auto shapes = bindDims(function("window"), prepare.dims);
    if (failed(shapes) || failed(specialize(function("window"), *shapes)))
      return failure();
    PassManager passes(&context, func::FuncOp::getOperationName());
    buildCanonicalizationPipeline(passes);
    return passes.run(function("window"));
  }
  FailureOr<ArgumentAxes> found = prepareInFloat32(*module, prepare);
  if (failed(found))
    return failure();
  axes = *found;
  return selectOutputRows(function("window"), axes, options.model.continual.rows);
}

/// What was compiled tells the scratch of a step; else it is planned.
LogicalResult Run::explain() {
  if (!explains())
    return success();
  if (!report)
    return emitError(location) << "only --rewrite=continual has something to explain";
  if (compiled) {
    report->scratchBytes = compiled->lookup("step")->getScratchBytes();
  } else {
    FailureOr<int64_t> scratch = planScratch(*module, "step");
    if (failed(scratch))
      return failure();
    report->scratchBytes = *scratch;
  }
  if (options.explain)
    printExplanation(out, *report, *options.explain);
  return success();
}

/// Last of all, since what is refused writes nothing.
LogicalResult Run::writeReport() {
  if (options.report.empty())
    return success();
  std::string text;
  llvm::raw_string_ostream os(text);
  printExplanation(os, *report, ExplainFormat::Json);
  OutputFiles files;
  llvm::Error error = files.add(options.report, text);
  if (!error)
    error = files.commit();
  if (!error)
    return success();
  return emitError(location) << llvm::toString(std::move(error));
}

bool Run::callsFunctions() const {
  return options.verifySlides || options.bench || !options.streams.empty() ||
         !options.statics.empty();
}

/// To explain a model takes no code, and a proof code of its own, unless it is run too.
LogicalResult Run::compile() {
  if ((explains() || options.prove) && !callsFunctions())
    return success();
  // Half of the work, which only comparisons need.
  bool callsWindow = !steps() || options.verify || options.bench;
  auto result = callsWindow
                    ? CompiledModule::compile(*module)
                    : CompiledModule::compile(*module, {}, {"window", "window_recycled"});
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

Outcome Run::prove() {
  if (semantics() != Semantics::Window) {
    InFlightDiagnostic error =
        emitError(location) << "--prove holds steps against windows, which these steps "
                               "are not made to equal";
    error.attachNote() << "help: use --verify, or --semantics=window";
    return Outcome::Refused;
  }
  FailureOr<Proof> proof = proveSteps(*module, axes, facts());
  if (failed(proof))
    return Outcome::Refused;
  out << "prove: " << proof->numSteps << " steps, " << proof->numElements
      << " numbers of a finite field, " << proof->numWrong << " differ\n";
  if (proof->numWrong == 0)
    return Outcome::Done;
  InFlightDiagnostic error = emitError(location)
                             << "step and window are not the same formula: "
                             << proof->firstWrong << " differs";
  if (report && report->isRounded)
    error.attachNote() << "help: scores of rotary positions are kept, which is right up "
                          "to the rounding of their tables but no identity of formulas: "
                          "prove the step that --rotary=recompute gives";
  return Outcome::Differs;
}

Outcome Run::verify(Outputs stepOutputs, const Streams &streams) {
  return against() == Semantics::Window ? verifyWindows(stepOutputs, streams)
                                        : verifyWhole(stepOutputs, streams);
}

Outcome Run::verifyWindows(Outputs stepOutputs, const Streams &streams) {
  WindowSession windows = windowSession(streams);
  int64_t early = steps() ? windowSteps() - fullSteps() : 0;
  if (streams.numWindows <= early) {
    emitError(location) << "the stream holds no window of " << streams.tokens
                        << " tokens to compare with";
    return Outcome::Refused;
  }
  Recorder recorder(windows.bound.getPorts());
  for (int64_t i = 0; i < streams.numWindows - early; ++i) {
    windows.run(i);
    recorder.record(windows.bound);
  }
  auto windowOutputs = recorder.take();
  out << "verify: " << streams.numWindows - early << " steps, ";
  return judge("step and window",
               compareOutputs(dropSteps(stepOutputs, early), windowOutputs),
               options.tolerance);
}

Outcome Run::verifyWhole(Outputs stepOutputs, const Streams &streams) {
  WholeStream whole{*original,
                    function("window"),
                    axes,
                    options.model,
                    against(),
                    streams,
                    firstTokens().value_or(streams.tokens)};
  FailureOr<WholeComparison> comparison = compareWithWhole(whole, stepOutputs);
  if (failed(comparison))
    return Outcome::Refused;
  out << "verify: " << streams.numWindows << " steps, ";
  if (!comparison->sampled.empty())
    out << "those of " << llvm::join(comparison->sampled, ", ") << " at "
        << comparison->steps.size() << ", ";
  return judge("step and whole stream", comparison->difference, options.tolerance);
}

/// Prints how far two outputs differ, and whether that is too much.
Outcome Run::judge(StringRef what, const Difference &difference, double tolerance) {
  print(out, difference);
  if (tolerance > 0) // what differs by less may round to neighbours
    tolerance = std::max(tolerance, difference.unit);
  if (difference.relative() <= tolerance)
    return Outcome::Done;
  emitError(location) << what << " differ by more than "
                      << llvm::formatv("{0:e0}", tolerance).str()
                      << " of the largest output";
  return Outcome::Differs;
}

Outcome Run::verifyEntries(Outputs stepOutputs, const Streams &streams) {
  int64_t skipped = facts().skipped;
  int64_t early = windowSteps() - fullSteps();
  out << "push and predict: ";
  auto pushes = runPushes(*compiled, streams, fullSteps(), skipped).take();
  Outcome pushed = judge("predictions and steps", compareOutputs(pushes, stepOutputs),
                         /*tolerance=*/0);
  if (streams.numWindows <= early) // shorter than a window
    return pushed;
  out << "prime: ";
  auto steps =
      runPrimed(*compiled, streams, windowSteps(), skipped, streams.numWindows - early)
          .take();
  Outcome primed =
      judge("primed and plain steps",
            compareOutputs(steps, dropSteps(stepOutputs, early)), options.tolerance);
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
  int64_t early = 0; // steps with outputs before the window is full
  if (steps()) {
    StepSession session(*compiled, streams, facts().skipped);
    Recorder recorder(session.bound.getPorts());
    session.reset();
    int64_t ready = facts().ready;
    early = fullSteps() - ready;
    for (int64_t i = 1; i < ready + early + streams.numWindows; ++i) {
      session.advance();
      if (i >= ready)
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
  Outcome outcome = Outcome::Done;
  if (options.verify) {
    auto full = dropSteps(outputs, early);
    outcome = verify(full, streams);
    if (outcome == Outcome::Done && hasAllEntries(*compiled))
      outcome = verifyEntries(full, streams);
  }
  if (options.output.empty() || outcome == Outcome::Refused)
    return outcome;
  if (llvm::Error error = writeNpz(options.output, outputs)) {
    emitError(location) << llvm::toString(std::move(error));
    return Outcome::Refused;
  }
  return outcome;
}

void Run::measure() {
  constexpr int64_t numWindows = 256;
  Streams streams = makeRandomStreams(inputPorts(), axes, numWindows);
  if (steps()) {
    StepSession session(*compiled, streams, facts().skipped);
    session.reset();
    for (int64_t i = 0; i < windowSteps(); ++i)
      session.advance();
    printTiming(out, "step  ", [&] { session.advance(); });
  }
  if (!hasWindow())
    return;
  WindowSession windows = windowSession(streams);
  windows.run(0);
  printTiming(out, "window", [&] { windows.bound.call(); });
}

Outcome Run::run() {
  if (failed(read()) || failed(prepare()) || failed(compile()) || failed(explain()))
    return Outcome::Refused;
  Outcome outcome = options.verifySlides ? checkSlides() : Outcome::Done;
  if (options.prove && outcome == Outcome::Done)
    outcome = prove();
  if (outcome == Outcome::Refused)
    return outcome;
  if (!options.streams.empty() || !options.statics.empty()) {
    auto streams = loadStreams(options, inputPorts(), axes, firstTokens(), location);
    if (failed(streams))
      return Outcome::Refused;
    Outcome streamed = stream(*streams);
    if (streamed == Outcome::Refused)
      return streamed;
    if (streamed != Outcome::Done)
      outcome = streamed;
  }
  if (failed(writeReport()))
    return Outcome::Refused;
  if (options.bench)
    measure();
  return outcome;
}

Outcome weir::runModel(const RunOptions &options, llvm::raw_ostream &out) {
  DialectRegistry registry;
  registerModelDialects(registry);
  registerRunnerDialects(registry);
  MLIRContext context(registry);
  loadModelDialects(context);
  NodeDiagnosticHandler handler(&context, llvm::errs(), options.model.path);
  return Run(options, context, out).run();
}
