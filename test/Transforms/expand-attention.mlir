// RUN: weir-opt %s --pass-pipeline='builtin.module(func.func(weir-expand-attention))' | FileCheck %s

// The scale goes into the queries, which are fewer than the scores.
// CHECK-LABEL: func @softmax(
// CHECK-SAME:    %[[Q:.*]]: tensor<8x4xf32>, %[[K:.*]]: tensor<6x4xf32>, %[[V:.*]]: tensor<6x3xf32>, %[[B:.*]]: tensor<6xf32>
// CHECK:       %[[C:.*]] = onnx.Mul %[[Q]], %{{.*}}
// CHECK-NEXT:  %[[T:.*]] = onnx.Transpose %[[K]] {perm = [1, 0]}
// CHECK-NEXT:  %[[S:.*]] = onnx.MatMul %[[C]], %[[T]]
// CHECK-NEXT:  %[[M:.*]] = onnx.Add %[[S]], %[[B]]
// CHECK-NEXT:  %[[P:.*]] = onnx.Softmax %[[M]]
// CHECK-NEXT:  %[[Y:.*]] = onnx.MatMul %[[P]], %[[V]]
// CHECK-NEXT:  return %[[Y]]
func.func @softmax(%q: tensor<8x4xf32>, %k: tensor<6x4xf32>, %v: tensor<6x3xf32>, %b: tensor<6xf32>) -> tensor<8x3xf32> {
  %y = weir.attention softmax %q, %k, %v bias %b {scale = 0.5 : f64} : tensor<8x4xf32>, tensor<6x4xf32>, tensor<6x3xf32>, tensor<6xf32> -> tensor<8x3xf32>
  return %y : tensor<8x3xf32>
}

// Rows that are all masked become zeros before they meet values.
// CHECK-LABEL: func @guarded(
// CHECK-NOT:   onnx.Mul
// CHECK:       %[[P:.*]] = onnx.Softmax
// CHECK:       %[[N:.*]] = onnx.IsNaN %[[P]]
// CHECK:       onnx.Where %[[N]], %{{.*}}, %[[P]]
func.func @guarded(%q: tensor<8x4xf32>, %k: tensor<6x4xf32>, %v: tensor<6x3xf32>, %b: tensor<6xf32>) -> tensor<8x3xf32> {
  %y = weir.attention softmax %q, %k, %v bias %b {guarded} : tensor<8x4xf32>, tensor<6x4xf32>, tensor<6x3xf32>, tensor<6xf32> -> tensor<8x3xf32>
  return %y : tensor<8x3xf32>
}

// The other function needs no sums over keys.
// CHECK-LABEL: func @laplace(
// CHECK-NOT:   onnx.Softmax
// CHECK:       onnx.Erf
func.func @laplace(%q: tensor<8x4xf32>, %k: tensor<6x4xf32>, %v: tensor<6x3xf32>) -> tensor<8x3xf32> {
  %y = weir.attention laplace %q, %k, %v : tensor<8x4xf32>, tensor<6x4xf32>, tensor<6x3xf32> -> tensor<8x3xf32>
  return %y : tensor<8x3xf32>
}
