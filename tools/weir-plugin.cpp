//===- weir-plugin.cpp - Weir's dialects and passes for a stock mlir-opt --===//
//   mlir-opt-22 --load-dialect-plugin=WeirPlugin.so --pass-pipeline=...
// One plugin: loading the dialects registers the passes too. It links the shared MLIR
// of its host and nothing of protobuf.

#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Onnx/TokenFlow.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Transforms/Passes.h"

/// The onnx namespace may belong to its host already; then it stays the host's.
static void registerDialects(mlir::DialectRegistry *registry) {
  registry->insert<weir::WeirDialect>();
  if (!llvm::is_contained(registry->getDialectNames(), "onnx"))
    registry->insert<weir::onnx::OnnxDialect>();
  weir::onnx::registerTokenFlowModels(*registry);
  weir::registerTransformsPasses();
}

extern "C" LLVM_ATTRIBUTE_WEAK LLVM_ATTRIBUTE_VISIBILITY_DEFAULT
    mlir::DialectPluginLibraryInfo
    mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "Weir", LLVM_VERSION_STRING, registerDialects};
}

extern "C" LLVM_ATTRIBUTE_WEAK LLVM_ATTRIBUTE_VISIBILITY_DEFAULT mlir::PassPluginLibraryInfo
mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "Weir", LLVM_VERSION_STRING,
          [] { weir::registerTransformsPasses(); }};
}
