//===- RaiseToOnnx.cpp - From step functions to plain ONNX operators ------===//

#include "weir/Pipelines/RaiseToOnnx.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "weir/Conversion/Passes.h"
#include "weir/Transforms/Passes.h"

using namespace mlir;

void weir::buildRaiseToOnnxPipeline(OpPassManager &manager,
                                    const RaiseToOnnxOptions &options) {
  manager.addNestedPass<func::FuncOp>(createExpandAttention());
  manager.addNestedPass<func::FuncOp>(createConvertTokenMapsToOnnx());
  manager.addNestedPass<func::FuncOp>(createConvertClustersToOnnx());
  manager.addNestedPass<func::FuncOp>(createConvertWeirToOnnx());
  manager.addPass(createDropDeadStates());
  if (options.packStates)
    manager.addPass(createPackStates());
  manager.addNestedPass<func::FuncOp>(createLowerToOpset({options.opset}));
  manager.addNestedPass<func::FuncOp>(createCSEPass());
}
