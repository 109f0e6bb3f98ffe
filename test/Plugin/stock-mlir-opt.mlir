// REQUIRES: plugin
// RUN: %mlir_opt --load-dialect-plugin=%weir_plugin --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 rows=last})' %s | FileCheck %s

// The distribution's mlir-opt runs Weir's passes on text.
// CHECK-LABEL: func @step(
// CHECK:         weir.ring_push
func.func @window(%x: tensor<1x4x2xf32> {weir.input = "x"}) -> (tensor<1x2xf32> {weir.output = "y"}) {
  %axes = onnx.Constant dense<1> : tensor<1xi64>
  %0 = onnx.ReduceMean %x, %axes {keepdims = 0 : si64} : (tensor<1x4x2xf32>, tensor<1xi64>) -> tensor<1x2xf32>
  return %0 : tensor<1x2xf32>
}
