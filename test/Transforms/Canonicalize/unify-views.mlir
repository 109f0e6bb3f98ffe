// RUN: weir-opt %s --weir-canonicalize --split-input-file | FileCheck %s

// Any number of views that keep the order of elements are one Reshape.
// CHECK-LABEL: func @one_reshape(
// CHECK-SAME:    %[[X:.*]]: tensor<2x1x12xf32>
// CHECK-NEXT:    %[[S:.*]] = onnx.Constant dense<[6, 4]> : tensor<2xi64>
// CHECK-NEXT:    %[[Y:.*]] = onnx.Reshape %[[X]], %[[S]] : (tensor<2x1x12xf32>, tensor<2xi64>) -> tensor<6x4xf32>
// CHECK-NEXT:    return %[[Y]]
func.func @one_reshape(%x: tensor<2x1x12xf32>) -> tensor<6x4xf32> {
  %1 = onnx.Constant dense<1> : tensor<1xi64>
  %s = onnx.Constant dense<[0, -1, 4]> : tensor<3xi64>
  %a = onnx.Squeeze %x, %1 : (tensor<2x1x12xf32>, tensor<1xi64>) -> tensor<2x12xf32>
  %b = onnx.Reshape %a, %s : (tensor<2x12xf32>, tensor<3xi64>) -> tensor<2x3x4xf32>
  %c = onnx.Unsqueeze %b, %1 : (tensor<2x3x4xf32>, tensor<1xi64>) -> tensor<2x1x3x4xf32>
  %d = onnx.Flatten %c {axis = -1 : si64} : (tensor<2x1x3x4xf32>) -> tensor<6x4xf32>
  return %d : tensor<6x4xf32>
}

// -----

// Views that end where they began are nothing; so are transposes.
// CHECK-LABEL: func @back_again(
// CHECK-SAME:    %[[X:.*]]: tensor<2x3x4xf32>
// CHECK-NEXT:    return %[[X]]
func.func @back_again(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %s = onnx.Constant dense<[2, 3, 4]> : tensor<3xi64>
  %a = onnx.Flatten %x : (tensor<2x3x4xf32>) -> tensor<2x12xf32>
  %b = onnx.Reshape %a, %s : (tensor<2x12xf32>, tensor<3xi64>) -> tensor<2x3x4xf32>
  %c = onnx.Transpose %b {perm = [1, 2, 0]} : (tensor<2x3x4xf32>) -> tensor<3x4x2xf32>
  %d = onnx.Transpose %c {perm = [2, 0, 1]} : (tensor<3x4x2xf32>) -> tensor<2x3x4xf32>
  return %d : tensor<2x3x4xf32>
}

// -----

// Without perm the dimensions are reversed; two transposes join.
// CHECK-LABEL: func @join_transposes(
// CHECK-NEXT:    onnx.Transpose %{{.*}} {perm = [2, 0, 1]}
// CHECK-NEXT:    return
func.func @join_transposes(%x: tensor<2x3x4xf32>) -> tensor<4x2x3xf32> {
  %a = onnx.Transpose %x : (tensor<2x3x4xf32>) -> tensor<4x3x2xf32>
  %b = onnx.Transpose %a {perm = [0, 2, 1]} : (tensor<4x3x2xf32>) -> tensor<4x2x3xf32>
  return %b : tensor<4x2x3xf32>
}

// -----

// An empty tensor's zero is a size, not a copy.
// CHECK-LABEL: func @empty(
// CHECK:         onnx.Reshape %{{.*}} {allowzero = 1 : si64} : (tensor<0x3xf32>, tensor<2xi64>) -> tensor<5x0xf32>
func.func @empty(%x: tensor<0x3xf32>) -> tensor<5x0xf32> {
  %s = onnx.Constant dense<[5, 0]> : tensor<2xi64>
  %a = onnx.Reshape %x, %s {allowzero = 1 : si64} : (tensor<0x3xf32>, tensor<2xi64>) -> tensor<5x0xf32>
  return %a : tensor<5x0xf32>
}

// -----

// Heads are split from the batch above the softmax instead of below.
// CHECK-LABEL: func @above_softmax(
// CHECK:         %[[R:.*]] = onnx.Reshape %{{.*}} -> tensor<2x3x4x5xf32>
// CHECK-NEXT:    %[[P:.*]] = onnx.Softmax %[[R]] {axis = 3 : si64}
// CHECK-NEXT:    return %[[P]]
func.func @above_softmax(%s: tensor<6x4x5xf32>) -> tensor<2x3x4x5xf32> {
  %t = onnx.Constant dense<[2, 3, 4, 5]> : tensor<4xi64>
  %p = onnx.Softmax %s : (tensor<6x4x5xf32>) -> tensor<6x4x5xf32>
  %r = onnx.Reshape %p, %t : (tensor<6x4x5xf32>, tensor<4xi64>) -> tensor<2x3x4x5xf32>
  return %r : tensor<2x3x4x5xf32>
}

// -----

// A Reshape that cuts the softmax's rows stays below.
// CHECK-LABEL: func @cuts_softmax_rows(
// CHECK:         onnx.Softmax
// CHECK:         onnx.Reshape
func.func @cuts_softmax_rows(%s: tensor<6x10xf32>) -> tensor<6x2x5xf32> {
  %t = onnx.Constant dense<[6, 2, 5]> : tensor<3xi64>
  %p = onnx.Softmax %s : (tensor<6x10xf32>) -> tensor<6x10xf32>
  %r = onnx.Reshape %p, %t : (tensor<6x10xf32>, tensor<3xi64>) -> tensor<6x2x5xf32>
  return %r : tensor<6x2x5xf32>
}
