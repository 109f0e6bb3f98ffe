// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(weir-annotate-token-flow{token-axis=x=1}))' | FileCheck %s
// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(weir-annotate-token-flow{token-axis=x=1 chunk=2}))' | FileCheck %s --check-prefix=TWO

// Two patches a token behind a class token: 3 tokens of 2 entries are 6 tokens by 2.
// CHECK-LABEL: func @class_token(
// CHECK:       onnx.Reshape {{.*}}weir.flow = "3 tokens in dim 1 inner 2; slides with margins (0, 1)"
// CHECK:       onnx.Concat {{.*}}weir.flow = "6 tokens in dim 1 after 1 fixed by 2; slides with margins (0, 2)"
func.func @class_token(%x: tensor<1x3x2x4xf32> {weir.input = "x"}) -> tensor<1x7x4xf32> {
  %shape = onnx.Constant dense<[1, 6, 4]> : tensor<3xi64>
  %cls = onnx.Constant dense<1.0> : tensor<1x1x4xf32>
  %0 = onnx.Reshape %x, %shape : (tensor<1x3x2x4xf32>, tensor<3xi64>) -> tensor<1x6x4xf32>
  %1 = onnx.Concat %cls, %0 {axis = 1 : si64} : (tensor<1x1x4xf32>, tensor<1x6x4xf32>) -> tensor<1x7x4xf32>
  return %1 : tensor<1x7x4xf32>
}

// -----

// Each patch is a query and a key of its own; fixed rows on both sides meet patches again
// where a residual adds them up.
// CHECK-LABEL: func @attention(
// CHECK:       onnx.MatMul {{.*}}weir.flow = "6 tokens in dim 1 by 2; 6 tokens in dim 2 by 2; slides with margins (0, 2), (0, 2)"
// CHECK:       onnx.MatMul {{.*}}weir.flow = "6 tokens in dim 1 by 2; full: softmax over the token axis
// CHECK:       onnx.Concat {{.*}}weir.flow = "6 tokens in dim 1 after 1 fixed before 1 fixed by 2; full
// CHECK:       onnx.Slice {{.*}}weir.flow = "6 tokens in dim 1 by 2; full
// CHECK:       onnx.Add {{.*}}weir.flow = "6 tokens in dim 1 by 2; full
func.func @attention(%x: tensor<1x3x2x4xf32> {weir.input = "x"}) -> tensor<1x6x4xf32> {
  %shape = onnx.Constant dense<[1, 6, 4]> : tensor<3xi64>
  %row = onnx.Constant dense<1.0> : tensor<1x1x4xf32>
  %n = onnx.NoValue
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c7 = onnx.Constant dense<7> : tensor<1xi64>
  %0 = onnx.Reshape %x, %shape : (tensor<1x3x2x4xf32>, tensor<3xi64>) -> tensor<1x6x4xf32>
  %k = onnx.Transpose %0 {perm = [0, 2, 1]} : (tensor<1x6x4xf32>) -> tensor<1x4x6xf32>
  %s = onnx.MatMul %0, %k : (tensor<1x6x4xf32>, tensor<1x4x6xf32>) -> tensor<1x6x6xf32>
  %p = onnx.Softmax %s {axis = -1 : si64} : (tensor<1x6x6xf32>) -> tensor<1x6x6xf32>
  %o = onnx.MatMul %p, %0 : (tensor<1x6x6xf32>, tensor<1x6x4xf32>) -> tensor<1x6x4xf32>
  %f = onnx.Concat %row, %o, %row {axis = 1 : si64} : (tensor<1x1x4xf32>, tensor<1x6x4xf32>, tensor<1x1x4xf32>) -> tensor<1x8x4xf32>
  %g = onnx.Slice %f, %c1, %c7, %c1, %n : (tensor<1x8x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<1x6x4xf32>
  %r = onnx.Add %0, %g : (tensor<1x6x4xf32>, tensor<1x6x4xf32>) -> tensor<1x6x4xf32>
  return %r : tensor<1x6x4xf32>
}

// -----

// Indices in a grid are windows: of 3 tokens every 2, and every second token, if as many
// tokens come at once.
// CHECK-LABEL: func @windows(
// CHECK:       onnx.Gather {{.*}}weir.flow = "changes every step: its stride does not divide the tokens of a step"
// CHECK:       onnx.Gather {{.*}}weir.flow = "6 tokens in dim 1; slides with margins (0, 1)"
// CHECK:       onnx.Gather {{.*}}weir.flow = "changes every step: gathers scattered tokens"
// TWO-LABEL:   func @windows(
// TWO:         onnx.Gather {{.*}}weir.flow = "3 tokens in dim 1; slides with margins (0, 1)"
// TWO:         onnx.Gather {{.*}}weir.flow = "6 tokens in dim 1 by 2; slides with margins (0, 2)"
func.func @windows(%x: tensor<1x8x4xf32> {weir.input = "x"}) -> (tensor<1x3x3x4xf32>, tensor<1x6x4xf32>, tensor<1x3x4xf32>) {
  %grid = onnx.Constant dense<[[0, 1, 2], [2, 3, 4], [4, 5, 6]]> : tensor<3x3xi64>
  %range = onnx.Constant dense<[-7, -6, -5, -4, -3, -2]> : tensor<6xi64>
  %scattered = onnx.Constant dense<[0, 1, 3]> : tensor<3xi64>
  %0 = onnx.Gather %x, %grid {axis = 1 : si64} : (tensor<1x8x4xf32>, tensor<3x3xi64>) -> tensor<1x3x3x4xf32>
  %1 = onnx.Gather %x, %range {axis = 1 : si64} : (tensor<1x8x4xf32>, tensor<6xi64>) -> tensor<1x6x4xf32>
  %2 = onnx.Gather %x, %scattered {axis = 1 : si64} : (tensor<1x8x4xf32>, tensor<3xi64>) -> tensor<1x3x4xf32>
  return %0, %1, %2 : tensor<1x3x3x4xf32>, tensor<1x6x4xf32>, tensor<1x3x4xf32>
}
