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

// Of two expanded operands one has to stay: the result's shape comes from it.
// CHECK-LABEL: func @both(
// CHECK:         onnx.Expand
// CHECK-NOT:     onnx.Expand
// CHECK:         onnx.Mul
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
