// RUN: weir-opt %s --pass-pipeline='builtin.module(func.func(weir-raise-attention{token-axis=x=0 layers=1-2}))' | FileCheck %s
// RUN: weir-opt %s --pass-pipeline='builtin.module(func.func(weir-raise-attention{token-axis=x=0 layers=0,2},weir-raise-attention{token-axis=x=0 layers=1}))' | FileCheck %s --check-prefix=AGAIN
// RUN: not weir-opt %s --pass-pipeline='builtin.module(func.func(weir-raise-attention{token-axis=x=0 layers=2-1}))' 2>&1 | FileCheck %s --check-prefix=LIST
// RUN: not weir-opt %s --pass-pipeline='builtin.module(func.func(weir-raise-attention{token-axis=x=0 layers=0,7}))' 2>&1 | FileCheck %s --check-prefix=COUNT

// LIST: error: layers '2-1' are no list of numbers
// LIST: help: write them as in 0,2-3
// COUNT: error: there is no attention 7; the model has 3, counted from 0

// Only the chosen layers change. One that has been raised still counts, and carries tokens to those behind it.
// CHECK-LABEL: func @window(
// CHECK:         %[[P:.*]] = onnx.Softmax
// CHECK:         %[[A:.*]] = onnx.MatMul %[[P]]
// CHECK:         %[[B:.*]] = weir.attention softmax %[[A]], %[[A]], %[[A]]
// CHECK:         %[[C:.*]] = weir.attention softmax %[[B]], %[[B]], %[[B]]
// CHECK-NEXT:    return %[[C]]
// AGAIN-LABEL: func @window(
// AGAIN-COUNT-3: weir.attention
// AGAIN-NOT:     onnx.Softmax
func.func @window(%x: tensor<4x8xf32> {weir.input = "x"}) -> tensor<4x8xf32> {
  %t = onnx.Transpose %x : (tensor<4x8xf32>) -> tensor<8x4xf32>
  %s = onnx.MatMul %x, %t : (tensor<4x8xf32>, tensor<8x4xf32>) -> tensor<4x4xf32>
  %p = onnx.Softmax %s : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %a = onnx.MatMul %p, %x : (tensor<4x4xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %at = onnx.Transpose %a {perm = [1, 0]} : (tensor<4x8xf32>) -> tensor<8x4xf32>
  %as = onnx.MatMul %a, %at : (tensor<4x8xf32>, tensor<8x4xf32>) -> tensor<4x4xf32>
  %ap = onnx.Softmax %as : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %b = onnx.MatMul %ap, %a : (tensor<4x4xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %bt = onnx.Transpose %b {perm = [1, 0]} : (tensor<4x8xf32>) -> tensor<8x4xf32>
  %bs = onnx.MatMul %b, %bt : (tensor<4x8xf32>, tensor<8x4xf32>) -> tensor<4x4xf32>
  %bp = onnx.Softmax %bs : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %c = onnx.MatMul %bp, %b : (tensor<4x4xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %c : tensor<4x8xf32>
}
