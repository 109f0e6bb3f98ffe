// RUN: weir-opt %s --weir-canonicalize | FileCheck %s

// Copies of a dimension of one element are an Expand.
// CHECK-LABEL: func @shared_heads(
// CHECK-SAME:    %[[K:.*]]: tensor<2x1x3xf32>
// CHECK-DAG:     %[[S:.*]] = onnx.Constant dense<[2, 4, 3]>
// CHECK:         %[[E:.*]] = onnx.Expand %[[K]], %[[S]]
// CHECK-NEXT:    return %[[E]]
func.func @shared_heads(%k: tensor<2x1x3xf32>) -> tensor<2x4x3xf32> {
  %r = onnx.Constant dense<[1, 4, 1]> : tensor<3xi64>
  %0 = onnx.Tile %k, %r : (tensor<2x1x3xf32>, tensor<3xi64>) -> tensor<2x4x3xf32>
  return %0 : tensor<2x4x3xf32>
}

// Copies of more stand one behind the other.
// CHECK-LABEL: func @repeated(
// CHECK-SAME:    %[[X:.*]]: tensor<2x3xf32>
// CHECK:         %[[A:.*]] = onnx.Reshape %[[X]], {{.*}} -> tensor<2x1x3xf32>
// CHECK-NEXT:    %[[E:.*]] = onnx.Expand %[[A]], {{.*}} -> tensor<2x4x3xf32>
// CHECK-NEXT:    %[[R:.*]] = onnx.Reshape %[[E]], {{.*}} -> tensor<2x12xf32>
// CHECK-NEXT:    return %[[R]]
func.func @repeated(%x: tensor<2x3xf32>) -> tensor<2x12xf32> {
  %r = onnx.Constant dense<[1, 4]> : tensor<2xi64>
  %0 = onnx.Tile %x, %r : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x12xf32>
  return %0 : tensor<2x12xf32>
}

// How often is not known: it stays.
// CHECK-LABEL: func @unknown(
// CHECK:         onnx.Tile
func.func @unknown(%x: tensor<2x3xf32>, %r: tensor<2xi64>) -> tensor<?x?xf32> {
  %0 = onnx.Tile %x, %r : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}
