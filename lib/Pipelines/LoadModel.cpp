//===- LoadModel.cpp - From a file to a step function ---------------------===//

#include "weir/Pipelines/LoadModel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Pipelines/Registration.h"
#include "weir/Support/NodeDiagnostics.h"
#include "weir/Target/Onnx/Import.h"

using namespace mlir;
using namespace weir;

void weir::registerModelDialects(DialectRegistry &registry) {
  registry.insert<arith::ArithDialect, func::FuncDialect, linalg::LinalgDialect,
                  scf::SCFDialect, tensor::TensorDialect>();
  registerWeirDialects(registry);
}

void weir::loadModelDialects(MLIRContext &context) {
  context.loadDialect<arith::ArithDialect, func::FuncDialect, tensor::TensorDialect,
                      WeirDialect>();
}

OwningOpRef<ModuleOp> weir::readModel(StringRef path, MLIRContext &context) {
  if (isOnnxFile(path))
    return importOnnx(path, &context);
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(path, &context);
  if (module && !module->lookupSymbol<func::FuncOp>("window")) {
    emitError(UnknownLoc::get(&context)) << "the module has no function @window";
    return nullptr;
  }
  return module;
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

FailureOr<ArgumentAxes> weir::prepareOrExplain(ModuleOp module,
                                               const PrepareOptions &options) {
  FailureOr<ArgumentAxes> axes = prepareModel(module, options);
  if (failed(axes))
    reportUnknownOperators(module.lookupSymbol<func::FuncOp>("window"));
  return axes;
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

FailureOr<SteppedModel> weir::makeSteps(ModuleOp module, const ModelOptions &options) {
  if (auto step = module.lookupSymbol<func::FuncOp>("step"))
    return SteppedModel{axesOfStep(step), std::nullopt};
  FailureOr<ArgumentAxes> axes = prepareOrExplain(module, options.prepare);
  if (failed(axes))
    return failure();
  ContinualOptions continual = options.continual;
  continual.tokenAxes = nameTokenAxes(module.lookupSymbol<func::FuncOp>("window"), *axes);
  continual.chunk = options.prepare.chunk;
  FailureOr<StepReport> report = makeContinual(module, continual);
  if (failed(report))
    return failure();
  return SteppedModel{*axes, *report};
}
