// RUN: weir-opt %s --weir-canonicalize | FileCheck %s

// The mask of every key, for every query: a view.
// CHECK-LABEL: func @mask(
// CHECK-SAME:    %[[M:.*]]: tensor<2x3xf32>
// CHECK:         %[[R:.*]] = onnx.Reshape %[[M]], {{.*}} -> tensor<2x1x3xf32>
// CHECK-NEXT:    %[[E:.*]] = onnx.Expand %[[R]], {{.*}} -> tensor<2x2x3xf32>
// CHECK-NEXT:    return %[[E]]
func.func @mask(%m: tensor<2x3xf32>) -> tensor<2x2x3xf32> {
  %i = onnx.Constant dense<[[[[0, 0], [0, 1], [0, 2]], [[0, 0], [0, 1], [0, 2]]],
                            [[[1, 0], [1, 1], [1, 2]], [[1, 0], [1, 1], [1, 2]]]]> : tensor<2x2x3x2xi64>
  %0 = onnx.GatherND %m, %i : (tensor<2x3xf32>, tensor<2x2x3x2xi64>) -> tensor<2x2x3xf32>
  return %0 : tensor<2x2x3xf32>
}

// The result walks through the second dimension first; a third is taken whole.
// CHECK-LABEL: func @transposed(
// CHECK-SAME:    %[[X:.*]]: tensor<2x3x4xf32>
// CHECK-NEXT:    %[[T:.*]] = onnx.Transpose %[[X]] {perm = [1, 0, 2]}
// CHECK-NEXT:    return %[[T]]
func.func @transposed(%x: tensor<2x3x4xf32>) -> tensor<3x2x4xf32> {
  %i = onnx.Constant dense<[[[0, 0], [1, 0]], [[0, 1], [1, 1]], [[0, 2], [1, 2]]]> : tensor<3x2x2xi64>
  %0 = onnx.GatherND %x, %i : (tensor<2x3x4xf32>, tensor<3x2x2xi64>) -> tensor<3x2x4xf32>
  return %0 : tensor<3x2x4xf32>
}

// Scattered elements, and a diagonal, stay gathered.
// CHECK-LABEL: func @scattered(
// CHECK:         onnx.GatherND
// CHECK:         onnx.GatherND
func.func @scattered(%x: tensor<3x3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %i = onnx.Constant dense<[[0, 1], [0, 0], [0, 2]]> : tensor<3x2xi64>
  %d = onnx.Constant dense<[[0, 0], [1, 1], [2, 2]]> : tensor<3x2xi64>
  %0 = onnx.GatherND %x, %i : (tensor<3x3xf32>, tensor<3x2xi64>) -> tensor<3xf32>
  %1 = onnx.GatherND %x, %d : (tensor<3x3xf32>, tensor<3x2xi64>) -> tensor<3xf32>
  return %0, %1 : tensor<3xf32>, tensor<3xf32>
}
