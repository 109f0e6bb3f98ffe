//===- Run.cpp - Compile a model and run it on a stream -------------------===//
// read -> fix sizes -> make continual -> compile -> stream -> verify, write, measure

#include "RunOnce.h"
#include "mlir/Pass/PassManager.h"
#include "weir/Support/NodeDiagnostics.h"
#include "weir/Transforms/Canonicalize.h"
#include "weir/Transforms/Specialize.h"
#include "weir/Transforms/WidenFloats.h"

using namespace mlir;
using namespace weir;

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

/// What makes no sense of a model that gives other numbers.
LogicalResult Run::checkCompressed() {
  if (!options.compress)
    return success();
  if (steps())
    return emitError(location) << "the model is a step already; rewrite the window that "
                                  "it was made from";
  if (options.verify && !options.continual) {
    InFlightDiagnostic error =
        emitError(location) << "--verify compares steps with windows, and this rewrite "
                               "has no steps";
    attachHelp(error, "the error against the original model is what --calibrate "
                      "measures; dct+continual has steps");
    return error;
  }
  if (options.verify && against() != Semantics::Window)
    return emitError(location) << "steps of a rewritten model are compared with its "
                                  "windows alone: --against=window";
  return success();
}

/// Errors are told whatever else is asked for.
LogicalResult Run::compress(ModuleOp target, const ArgumentAxes &tokenAxes) {
  uncompressed = target.clone();
  CompressOptions compress = *options.compress;
  compress.streams = options.streams;
  compress.statics = options.statics;
  FailureOr<CompressReport> compressed = compressModel(target, tokenAxes, compress);
  if (failed(compressed))
    return failure();
  compression = std::move(*compressed);
  return success();
}

/// A window without steps.
LogicalResult Run::prepareWindow() {
  ModelOptions model = options.model;
  addRewrite(model);
  FailureOr<ArgumentAxes> found = makeWindow(*module, model);
  if (failed(found))
    return failure();
  axes = *found;
  return success();
}

LogicalResult Run::prepare() {
  const PrepareOptions &prepare = options.model.prepare;
  if (failed(checkCompressed()))
    return failure();
  if (options.continual || steps()) {
    ModelOptions model = options.model;
    addRewrite(model);
    model.continual.advise = explains();
    FailureOr<SteppedModel> stepped = makeSteps(*module, model);
    if (failed(stepped))
      return failure();
    axes = stepped->axes;
    report = stepped->report;
    return success();
  }
  if (options.streams.empty() && prepare.tokenAxes.empty() && !options.compress &&
      !options.statics.empty()) { // one window, no tokens
    widenFloats(function("window"));
    auto shapes = bindDims(function("window"), prepare.dims);
    if (failed(shapes) || failed(specialize(function("window"), *shapes)))
      return failure();
    PassManager passes(&context, func::FuncOp::getOperationName());
    buildCanonicalizationPipeline(passes);
    return passes.run(function("window"));
  }
  return prepareWindow();
}

/// Says how far the outputs are from those of f32.
LogicalResult Run::narrow() {
  ModelOptions model = options.model;
  model.measure = [this](ModuleOp target,
                         const ArgumentAxes &tokenAxes) -> FailureOr<std::string> {
    auto measured = measureNarrowing(
        target, tokenAxes,
        {options.calibration, options.statics, options.model.mostWeightError});
    if (failed(measured))
      return failure();
    narrowing = std::move(*measured);
    return std::string(); // told with the rest
  };
  return narrowWeights(*module, axes, model);
}

/// The rewritten model with the weights that it came with.
OwningOpRef<ModuleOp> Run::inFloat32() {
  OwningOpRef<ModuleOp> wide = module->clone();
  setWeightKind(*wide, WeightKind::F32);
  return wide;
}

/// What narrow weights change is part of what steps are held against.
LogicalResult Run::compileReference() {
  if (getWeightKind(*module) == WeightKind::F32 || !options.verify)
    return success();
  OwningOpRef<ModuleOp> wide = inFloat32();
  SmallVector<StringRef> others;
  for (auto function : wide->getOps<func::FuncOp>())
    if (!function.getName().starts_with("window"))
      others.push_back(function.getName());
  auto result = CompiledModule::compile(*wide, {}, others);
  if (failed(result))
    return failure();
  reference = std::move(*result);
  return success();
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
  SmallVector<StringRef> uncalled;
  if (!callsWindow)
    uncalled = {"window", "window_recycled"};
  auto result = CompiledModule::compile(*module, {}, uncalled, options.model.team);
  if (failed(result))
    return failure();
  compiled = std::move(*result);
  return compileReference();
}

Outcome Run::run() {
  if (failed(read()) || failed(prepare()) || failed(narrow()) || failed(compile()) ||
      failed(explain()))
    return Outcome::Refused;
  Outcome outcome = options.verifySlides ? checkSlides() : Outcome::Done;
  if (options.prove && outcome == Outcome::Done)
    outcome = prove();
  if (outcome == Outcome::Refused)
    return outcome;
  if (!options.streams.empty() || !options.statics.empty()) {
    auto streams = loadStreams({options.streams, options.statics}, inputPorts(), axes,
                               firstTokens(), location);
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
