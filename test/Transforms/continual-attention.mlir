// RUN: weir-opt %s --weir-continual='token-axis=x=1 rows=last' | FileCheck %s

// A step sees an attention by its parts, and computes one row of the scores.
// CHECK-LABEL: func @step(
// CHECK-NOT:     weir.attention
// CHECK:         onnx.Softmax {{.*}} : (tensor<1x1x8xf32>) -> tensor<1x1x8xf32>
func.func @window(%x: tensor<1x8x4xf32> {weir.input = "x"}) -> (tensor<1x8x4xf32> {weir.output = "y"}) {
  %y = weir.attention softmax %x, %x, %x {scale = 0.5 : f64} : tensor<1x8x4xf32>, tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  return %y : tensor<1x8x4xf32>
}
