// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 chunk=2 retroactive=never})' | FileCheck %s

// Two patches a token behind a class token: a step by two tokens writes four rows and the
// fixed one, and what joined them is read patch by patch.
// CHECK-LABEL: func @step(
// CHECK:         onnx.Concat {{.*}} : (tensor<1x1x2xf32>, tensor<1x4x2xf32>) -> tensor<1x5x2xf32>
// CHECK:         weir.ring_push {{.*}}axis = #weir.axis<dim = 1, lead = 1, tokens = 8, chunk = 4>, positions = array<i64: 0, 5, 6, 7, 8>
// CHECK:         onnx.Softmax
func.func @window(%x: tensor<1x4x4xf32> {weir.input = "x"}) -> (tensor<1x1x2xf32> {weir.output = "y"}) {
  %shape = onnx.Constant dense<[1, 8, 2]> : tensor<3xi64>
  %cls = onnx.Constant dense<1.0> : tensor<1x1x2xf32>
  %n = onnx.NoValue
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %0 = onnx.Reshape %x, %shape : (tensor<1x4x4xf32>, tensor<3xi64>) -> tensor<1x8x2xf32>
  %1 = onnx.Concat %cls, %0 {axis = 1 : si64} : (tensor<1x1x2xf32>, tensor<1x8x2xf32>) -> tensor<1x9x2xf32>
  %k = onnx.Transpose %1 {perm = [0, 2, 1]} : (tensor<1x9x2xf32>) -> tensor<1x2x9xf32>
  %s = onnx.MatMul %1, %k : (tensor<1x9x2xf32>, tensor<1x2x9xf32>) -> tensor<1x9x9xf32>
  %p = onnx.Softmax %s {axis = -1 : si64} : (tensor<1x9x9xf32>) -> tensor<1x9x9xf32>
  %o = onnx.MatMul %p, %1 : (tensor<1x9x9xf32>, tensor<1x9x2xf32>) -> tensor<1x9x2xf32>
  %y = onnx.Slice %o, %c0, %c1, %c1, %n : (tensor<1x9x2xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<1x1x2xf32>
  return %y : tensor<1x1x2xf32>
}

// -----

// Windows of 3 tokens every 2, by indices: only the newest is gathered, of the rows that
// are held for it.
// CHECK-LABEL: func @step(
// CHECK:         %[[NEW:.*]] = weir.ring_read {{.*}} positions = array<i64: 5, 6, 7>
// CHECK:         %[[I:.*]] = onnx.Constant dense<{{\[\[}}0, 1, 2]]>
// CHECK:         onnx.Gather %[[NEW]], %[[I]] {axis = 1 : si64}
func.func @window(%x: tensor<1x8x4xf32> {weir.input = "x"}) -> (tensor<1x1x3x4xf32> {weir.output = "y"}) {
  %grid = onnx.Constant dense<[[1, 2, 3], [3, 4, 5], [5, 6, 7]]> : tensor<3x3xi64>
  %n = onnx.NoValue
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %0 = onnx.Gather %x, %grid {axis = 1 : si64} : (tensor<1x8x4xf32>, tensor<3x3xi64>) -> tensor<1x3x3x4xf32>
  %1 = onnx.Slice %0, %c2, %c3, %c1, %n : (tensor<1x3x3x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<1x1x3x4xf32>
  return %1 : tensor<1x1x3x4xf32>
}
