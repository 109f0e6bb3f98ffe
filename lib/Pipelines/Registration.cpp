//===- Registration.cpp - Everything that Weir adds to a host -------------===//

#include "weir/Pipelines/Registration.h"
#include "weir/Conversion/Passes.h"
#include "weir/Dialect/External/TokenFlow.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Onnx/TokenFlow.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Pipelines/LowerToCpu.h"
#include "weir/Pipelines/Passes.h"
#include "weir/Transforms/Passes.h"

using namespace mlir;

void weir::registerWeirDialects(DialectRegistry &registry) {
  registry.insert<WeirDialect>();
  if (!llvm::is_contained(registry.getDialectNames(), "onnx"))
    registry.insert<onnx::OnnxDialect>();
  onnx::registerTokenFlowModels(registry);
  registerExternalTokenFlowModels(registry);
}

void weir::registerWeirPasses() {
  registerTransformsPasses();
  registerConversionPasses();
  registerPipelinesPasses();
  registerCpuPipelines();
}
