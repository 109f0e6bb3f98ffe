// RUN: weir-opt %s --pass-pipeline='builtin.module(func.func(weir-annotate-token-flow{token-axis=x=1}))' | FileCheck %s

// The result has the tokens of the queries, and depends on those of all keys; a bias has both.
// CHECK-LABEL: func @attention(
// CHECK:       weir.attention softmax {{.*}}weir.flow = "6 tokens in dim 2; full: {{.*}}attends to all tokens
func.func @attention(%x: tensor<1x6x4xf32> {weir.input = "x"}, %b: tensor<2x6x6xf32>) -> tensor<1x2x6x2xf32> {
  %shape = onnx.Constant dense<[1, 6, 2, 2]> : tensor<4xi64>
  %r = onnx.Reshape %x, %shape : (tensor<1x6x4xf32>, tensor<4xi64>) -> tensor<1x6x2x2xf32>
  %q = onnx.Transpose %r {perm = [0, 2, 1, 3]} : (tensor<1x6x2x2xf32>) -> tensor<1x2x6x2xf32>
  %y = weir.attention softmax %q, %q, %q bias %b : tensor<1x2x6x2xf32>, tensor<1x2x6x2xf32>, tensor<1x2x6x2xf32>, tensor<2x6x6xf32> -> tensor<1x2x6x2xf32>
  return %y : tensor<1x2x6x2xf32>
}

// Learned queries are no tokens: the result has none.
// CHECK-LABEL: func @pooled(
// CHECK:       weir.attention softmax {{.*}}weir.flow = "changes every step: attends to all tokens"
func.func @pooled(%x: tensor<1x6x4xf32> {weir.input = "x"}) -> tensor<1x2x4xf32> {
  %q = onnx.Constant dense<0.5> : tensor<2x4xf32>
  %y = weir.attention softmax %q, %x, %x : tensor<2x4xf32>, tensor<1x6x4xf32>, tensor<1x6x4xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// Tokens that are features meet nothing.
// CHECK-LABEL: func @features(
// CHECK:       weir.attention softmax {{.*}}weir.flow = "changes every step: the token axes of the operands do not line up"
func.func @features(%x: tensor<1x6x4xf32> {weir.input = "x"}) -> tensor<1x4x4xf32> {
  %t = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x6x4xf32>) -> tensor<1x4x6xf32>
  %v = onnx.Constant dense<0.5> : tensor<4x4xf32>
  %y = weir.attention softmax %t, %t, %v : tensor<1x4x6xf32>, tensor<1x4x6xf32>, tensor<4x4xf32> -> tensor<1x4x4xf32>
  return %y : tensor<1x4x4xf32>
}
