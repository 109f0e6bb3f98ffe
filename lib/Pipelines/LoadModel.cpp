//===- LoadModel.cpp - From a file to a step function ---------------------===//

#include "weir/Pipelines/LoadModel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Pass/PassManager.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Pipelines/Registration.h"
#include "weir/Support/NodeDiagnostics.h"
#include "weir/Support/ParseModule.h"
#include "weir/Target/Onnx/Import.h"
#include "weir/Transforms/Canonicalize.h"
#include "weir/Transforms/CountStep.h"
#include "weir/Transforms/WidenFloats.h"

using namespace mlir;
using namespace weir;

void weir::registerModelDialects(DialectRegistry &registry) {
  registry.insert<arith::ArithDialect, func::FuncDialect, linalg::LinalgDialect,
                  math::MathDialect, scf::SCFDialect, tensor::TensorDialect>();
  registerWeirDialects(registry);
}

void weir::loadModelDialects(MLIRContext &context) {
  context.loadDialect<arith::ArithDialect, func::FuncDialect, tensor::TensorDialect,
                      WeirDialect>();
}

/// Other front ends write one function, of any name, and do not name what it takes and
/// gives.
static void adoptWindow(ModuleOp module) {
  auto functions = llvm::to_vector(module.getOps<func::FuncOp>());
  if (functions.size() != 1 || functions.front().isExternal())
    return;
  func::FuncOp window = functions.front();
  window.setName("window");
  Builder b(module.getContext());
  auto name = [&](StringRef what, unsigned index) {
    return b.getStringAttr(what + Twine(index));
  };
  for (unsigned i = 0; i < window.getNumArguments(); ++i)
    if (!window.getArgAttr(i, "weir.input"))
      window.setArgAttr(i, "weir.input", name("input", i));
  for (unsigned i = 0; i < window.getNumResults(); ++i)
    if (!window.getResultAttr(i, "weir.output"))
      window.setResultAttr(i, "weir.output", name("output", i));
}

static OwningOpRef<ModuleOp> readIr(StringRef path, MLIRContext &context) {
  OwningOpRef<ModuleOp> module = parseModule(path, context);
  if (module)
    adoptWindow(*module);
  return module;
}

OwningOpRef<ModuleOp> weir::readModel(StringRef path, MLIRContext &context) {
  OwningOpRef<ModuleOp> module =
      isOnnxFile(path) ? importOnnx(path, &context) : readIr(path, context);
  if (!module || module->lookupSymbol("window") ||
      (module->lookupSymbol("step") && module->lookupSymbol("init")))
    return module;
  emitError(UnknownLoc::get(&context))
      << "the module has no function @window, and no @step with an @init";
  return nullptr;
}

FailureOr<ArgumentAxes> weir::prepareInFloat32(ModuleOp module,
                                               const PrepareOptions &options) {
  if (auto window = module.lookupSymbol<func::FuncOp>("window"))
    widenFloats(window);
  return prepareModel(module, options);
}

/// The axis that `options` name for an input of a step that states none: one step takes
/// in all tokens that it is given.
static FailureOr<std::optional<TokenAxis>> namedAxis(func::FuncOp step, unsigned argument,
                                                     const PrepareOptions &options) {
  auto input = step.getArgAttrOfType<StringAttr>(argument, "weir.input");
  auto type = dyn_cast<RankedTensorType>(step.getArgument(argument).getType());
  for (StringRef choice : options.tokenAxes) {
    auto [name, number] = choice.rsplit('=');
    if (name != input.getValue())
      continue;
    int64_t dim = -1;
    if (!type || number.getAsInteger(10, dim) || dim < 0 || dim >= type.getRank() ||
        type.isDynamicDim(dim))
      return step.emitError() << "'" << choice << "' names no axis of an input";
    int64_t size = type.getDimSize(dim);
    return std::optional(TokenAxis{dim, 1, 0, size, 0, size});
  }
  return std::optional<TokenAxis>();
}

/// Token axes of a step function that was made before: its arguments state them.
static FailureOr<ArgumentAxes> axesOfStep(func::FuncOp step,
                                          const PrepareOptions &options) {
  ArgumentAxes axes;
  for (unsigned i = 0; i < step.getNumArguments(); ++i) {
    if (!step.getArgAttr(i, "weir.input"))
      continue;
    if (auto axis = step.getArgAttrOfType<AxisAttr>(i, "weir.axis")) {
      axes.push_back(axis.toAxis());
      continue;
    }
    FailureOr<std::optional<TokenAxis>> axis = namedAxis(step, i, options);
    if (failed(axis))
      return failure();
    axes.push_back(*axis);
  }
  return axes;
}

/// A step as it came from a file: its axes, and its operators in one spelling.
static FailureOr<SteppedModel> takeStep(ModuleOp module, func::FuncOp step,
                                        const PrepareOptions &options) {
  FailureOr<ArgumentAxes> axes = axesOfStep(step, options);
  if (failed(axes))
    return failure();
  if (!module.lookupSymbol("window")) { // it was not made here
    PassManager passes(module.getContext(), func::FuncOp::getOperationName());
    buildCanonicalizationPipeline(passes);
    if (failed(passes.run(step)))
      return failure();
  }
  return SteppedModel{*axes, std::nullopt};
}

FailureOr<ArgumentAxes> weir::makeWindow(ModuleOp module, const ModelOptions &options) {
  FailureOr<ArgumentAxes> axes = prepareInFloat32(module, options.prepare);
  if (failed(axes) || failed(selectOutputRows(module.lookupSymbol<func::FuncOp>("window"),
                                              *axes, options.continual.rows)))
    return failure();
  if (options.rewrite && failed(options.rewrite(module, *axes)))
    return failure();
  return axes;
}

/// A step of a model that was rewritten first should not be dearer than one without.
static void warnOfDearerStep(func::FuncOp window, int64_t macs, int64_t without) {
  if (macs < without)
    return;
  InFlightDiagnostic warning = window.emitWarning()
                               << "a step of the rewritten model takes " << macs
                               << " multiply-accumulates, one of the model as it is "
                               << without;
  attachHelp(warning,
             "keep less of the tokens, or use --rewrite=continual, which changes "
             "no numbers");
}

FailureOr<SteppedModel> weir::makeSteps(ModuleOp module, const ModelOptions &options) {
  if (auto step = module.lookupSymbol<func::FuncOp>("step"))
    return takeStep(module, step, options.prepare);
  ModelOptions whole = options;
  whole.prepare.tableRows = options.continual.period;
  int64_t macsWithout = 0;
  if (options.rewrite)
    whole.rewrite = [&](ModuleOp model, const ArgumentAxes &axes) {
      auto window = model.lookupSymbol<func::FuncOp>("window");
      macsWithout = countStepMacs(window, axes, options.continual);
      return options.rewrite(model, axes);
    };
  FailureOr<ArgumentAxes> axes = options.rewrite
                                     ? makeWindow(module, whole)
                                     : prepareInFloat32(module, whole.prepare);
  if (failed(axes))
    return failure();
  ContinualOptions &continual = whole.continual;
  continual.tokenAxes = nameTokenAxes(module.lookupSymbol<func::FuncOp>("window"), *axes);
  continual.chunk = options.prepare.chunk;
  if (options.rewrite)
    continual.rows = "all"; // of the wanted ones
  FailureOr<StepReport> report = makeContinual(module, continual);
  if (failed(report))
    return failure();
  if (options.rewrite)
    warnOfDearerStep(module.lookupSymbol<func::FuncOp>("window"), report->macsStep,
                     macsWithout);
  return SteppedModel{*axes, *report};
}

FailureOr<std::string> weir::narrowWeights(ModuleOp module, const ArgumentAxes &axes,
                                           const ModelOptions &options) {
  if (options.weights)
    setWeightKind(module, *options.weights);
  if (!options.measure || getWeightKind(module) == WeightKind::F32)
    return std::string();
  return options.measure(module, axes);
}
