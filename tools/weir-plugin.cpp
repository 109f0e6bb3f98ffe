//===- weir-plugin.cpp - Weir's dialects and passes for a stock mlir-opt --===//
//   mlir-opt-22 --load-dialect-plugin=WeirPlugin.so --pass-pipeline=...
// One plugin: loading the dialects registers the passes too. It links the shared MLIR
// of its host and nothing of protobuf.

#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "weir/Pipelines/Registration.h"

static void registerAll(mlir::DialectRegistry *registry) {
  weir::registerWeirDialects(*registry);
  weir::registerWeirPasses();
}

extern "C" LLVM_ATTRIBUTE_WEAK
    LLVM_ATTRIBUTE_VISIBILITY_DEFAULT mlir::DialectPluginLibraryInfo
    mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "Weir", LLVM_VERSION_STRING, registerAll};
}

extern "C" LLVM_ATTRIBUTE_WEAK
    LLVM_ATTRIBUTE_VISIBILITY_DEFAULT mlir::PassPluginLibraryInfo
    mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "Weir", LLVM_VERSION_STRING, weir::registerWeirPasses};
}
