// RUN: weir-opt %s --weir-canonicalize --split-input-file | FileCheck %s

// The sum broadcasts by itself.
// CHECK-LABEL: func @broadcast(
// CHECK-SAME:    %[[X:.*]]: tensor<2x3x4xf32>, %[[Y:.*]]: tensor<3x1xf32>
// CHECK-NEXT:    onnx.Add %[[X]], %[[Y]]
func.func @broadcast(%x: tensor<2x3x4xf32>, %y: tensor<3x1xf32>) -> tensor<2x3x4xf32> {
  %s = onnx.Constant dense<[2, 3, 4]> : tensor<3xi64>
  %0 = onnx.Expand %y, %s : (tensor<3x1xf32>, tensor<3xi64>) -> tensor<2x3x4xf32>
  %1 = onnx.Add %x, %0 : (tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return %1 : tensor<2x3x4xf32>
}

// -----

// The product of two expanded operands is expanded once, behind it.
// CHECK-LABEL: func @both(
// CHECK-NOT:     onnx.Expand
// CHECK:         onnx.Mul {{.*}} -> tensor<1x1xf32>
// CHECK-NEXT:    onnx.Expand
// CHECK-NOT:     onnx.Expand
func.func @both(%x: tensor<1xf32>, %y: tensor<1x1xf32>) -> tensor<2x3xf32> {
  %s = onnx.Constant dense<[2, 3]> : tensor<2xi64>
  %0 = onnx.Expand %x, %s : (tensor<1xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  %1 = onnx.Expand %y, %s : (tensor<1x1xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  %2 = onnx.Mul %0, %1 : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return %2 : tensor<2x3xf32>
}

// -----

// A use that does not broadcast keeps its own Expand.
// CHECK-LABEL: func @other_use(
// CHECK-SAME:    %[[X:.*]]: tensor<2x3xf32>, %[[Y:.*]]: tensor<3xf32>
// CHECK:         %[[E:.*]] = onnx.Expand %[[Y]]
// CHECK-NEXT:    %[[A:.*]] = onnx.Add %[[X]], %[[Y]]
// CHECK-NEXT:    return %[[A]], %[[E]]
func.func @other_use(%x: tensor<2x3xf32>, %y: tensor<3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>) {
  %s = onnx.Constant dense<[2, 3]> : tensor<2xi64>
  %0 = onnx.Expand %y, %s : (tensor<3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  %1 = onnx.Add %x, %0 : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return %1, %0 : tensor<2x3xf32>, tensor<2x3xf32>
}

// -----

// A mask of keys becomes a bias of keys before it is expanded, and then meets the scores as it is.
// CHECK-LABEL: func @sink(
// CHECK-SAME:    %[[S:.*]]: tensor<2x3x4xf32>, %[[M:.*]]: tensor<2x1x4xi1>
// CHECK-NOT:     onnx.Expand
// CHECK:         %[[N:.*]] = onnx.Not %[[M]] : (tensor<2x1x4xi1>) -> tensor<2x1x4xi1>
// CHECK-NEXT:    %[[B:.*]] = onnx.Where %[[N]], {{.*}} -> tensor<2x1x4xf32>
// CHECK-NEXT:    onnx.Add %[[S]], %[[B]]
func.func @sink(%s: tensor<2x3x4xf32>, %m: tensor<2x1x4xi1>) -> tensor<2x3x4xf32> {
  %true = onnx.Constant dense<true> : tensor<3x1xi1>
  %low = onnx.Constant dense<-9.0> : tensor<f32>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %0 = onnx.And %true, %m : (tensor<3x1xi1>, tensor<2x1x4xi1>) -> tensor<2x3x4xi1>
  %1 = onnx.Not %0 : (tensor<2x3x4xi1>) -> tensor<2x3x4xi1>
  %2 = onnx.Where %1, %low, %zero : (tensor<2x3x4xi1>, tensor<f32>, tensor<f32>) -> tensor<2x3x4xf32>
  %3 = onnx.Add %s, %2 : (tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return %3 : tensor<2x3x4xf32>
}

// -----

// Masks that say something stay.
// CHECK-LABEL: func @masked(
// CHECK:         onnx.And
// CHECK:         onnx.Or
func.func @masked(%m: tensor<2x2xi1>) -> (tensor<2x2xi1>, tensor<2x2xi1>) {
  %half = onnx.Constant dense<[true, false]> : tensor<2xi1>
  %0 = onnx.And %m, %half : (tensor<2x2xi1>, tensor<2xi1>) -> tensor<2x2xi1>
  %1 = onnx.Or %half, %m : (tensor<2xi1>, tensor<2x2xi1>) -> tensor<2x2xi1>
  return %0, %1 : tensor<2x2xi1>, tensor<2x2xi1>
}
