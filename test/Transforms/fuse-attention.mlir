// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(weir-fuse-attention{fewest-queries=4}))' --remarks-filter=weir --remark-format=emitRemark --verify-diagnostics | FileCheck %s

// Queries and keys are what the products say: nothing is known of tokens. Scores that stand the other way around say it too.
// CHECK-LABEL: func @plain(
// CHECK-SAME:    %[[Q:.*]]: tensor<2x4x8xf32>, %[[K:.*]]: tensor<2x8x6xf32>, %[[V:.*]]: tensor<2x6x5xf32>
// CHECK:         %[[T:.*]] = onnx.Transpose %[[K]] {perm = [0, 2, 1]}
// CHECK:         %[[Y:.*]] = weir.attention softmax %[[Q]], %[[T]], %[[V]] {scale = 5.000000e-01 : f64}
// CHECK-NEXT:    return %[[Y]]
func.func @plain(%q: tensor<2x4x8xf32>, %k: tensor<2x8x6xf32>, %v: tensor<2x6x5xf32>) -> tensor<2x4x5xf32> {
  %two = onnx.Constant dense<2.0> : tensor<f32>
  %s = onnx.MatMul %q, %k : (tensor<2x4x8xf32>, tensor<2x8x6xf32>) -> tensor<2x4x6xf32>
  %d = onnx.Div %s, %two : (tensor<2x4x6xf32>, tensor<f32>) -> tensor<2x4x6xf32>
  %p = onnx.Softmax %d : (tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  %y = onnx.MatMul %p, %v : (tensor<2x4x6xf32>, tensor<2x6x5xf32>) -> tensor<2x4x5xf32>
  return %y : tensor<2x4x5xf32>
}

// CHECK-LABEL: func @mirrored(
// CHECK:         weir.attention softmax
// CHECK-NOT:     onnx.Softmax
func.func @mirrored(%k: tensor<6x8xf32>, %q: tensor<8x4xf32>, %v: tensor<5x6xf32>) -> tensor<5x4xf32> {
  %s = onnx.MatMul %k, %q : (tensor<6x8xf32>, tensor<8x4xf32>) -> tensor<6x4xf32>
  %p = onnx.Softmax %s {axis = 0 : si64} : (tensor<6x4xf32>) -> tensor<6x4xf32>
  %y = onnx.MatMul %v, %p : (tensor<5x6xf32>, tensor<6x4xf32>) -> tensor<5x4xf32>
  return %y : tensor<5x4xf32>
}

// Three queries have few scores.
// CHECK-LABEL: func @few(
// CHECK-NOT:     weir.attention
func.func @few(%q: tensor<3x8xf32>, %k: tensor<8x6xf32>, %v: tensor<6x5xf32>) -> tensor<3x5xf32> {
  %s = onnx.MatMul %q, %k : (tensor<3x8xf32>, tensor<8x6xf32>) -> tensor<3x6xf32>
  %p = onnx.Softmax %s : (tensor<3x6xf32>) -> tensor<3x6xf32>
  %y = onnx.MatMul %p, %v : (tensor<3x6xf32>, tensor<6x5xf32>) -> tensor<3x5xf32>
  return %y : tensor<3x5xf32>
}

// -----

// Somebody wants to see the weights.
// CHECK-LABEL: func @shown(
// CHECK-NOT:     weir.attention
func.func @shown(%q: tensor<4x8xf32>, %k: tensor<8x6xf32>, %v: tensor<6x5xf32>) -> (tensor<4x5xf32>, tensor<4x6xf32>) {
  %s = onnx.MatMul %q, %k : (tensor<4x8xf32>, tensor<8x6xf32>) -> tensor<4x6xf32>
  // expected-remark @below {{holds all of its scores: its weights are used elsewhere}}
  %p = onnx.Softmax %s : (tensor<4x6xf32>) -> tensor<4x6xf32>
  %y = onnx.MatMul %p, %v : (tensor<4x6xf32>, tensor<6x5xf32>) -> tensor<4x5xf32>
  return %y, %p : tensor<4x5xf32>, tensor<4x6xf32>
}

// -----

// A band that turns with the ring hides keys by the same number as the mask does: a row that loses all its keys weighs them alike.
// CHECK-LABEL: func @turned_band(
// CHECK-NOT:     weir.attention
// CHECK:         onnx.Softmax
func.func @turned_band(%q: tensor<4x8xf32>, %k: tensor<8x4xf32>, %v: tensor<4x5xf32>, %m: tensor<1x4xi1>, %t: index) -> tensor<4x5xf32> {
  %s = onnx.MatMul %q, %k : (tensor<4x8xf32>, tensor<8x4xf32>) -> tensor<4x4xf32>
  %band = onnx.Constant dense<[[0.0, -1.0e9, -1.0e9, -1.0e9], [0.0, 0.0, -1.0e9, -1.0e9], [-1.0e9, 0.0, 0.0, -1.0e9], [-1.0e9, -1.0e9, 0.0, 0.0]]> : tensor<4x4xf32>
  %r = weir.roll %band, %t {axis = #weir.axis<dim = 1, tokens = 4>} : tensor<4x4xf32>
  %a = onnx.Add %s, %r : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %low = onnx.Constant dense<-1.0e9> : tensor<f32>
  %w = onnx.Where %m, %low, %a : (tensor<1x4xi1>, tensor<f32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  // expected-remark @below {{holds all of its scores: it masks scores by a number, and adds numbers that are as low}}
  %p = onnx.Softmax %w : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %y = onnx.MatMul %p, %v : (tensor<4x4xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  return %y : tensor<4x5xf32>
}
