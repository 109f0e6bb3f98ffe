// RUN: weir-opt %s --weir-canonicalize --split-input-file | FileCheck %s

// CHECK-LABEL: func @quotient(
// CHECK-SAME:    %[[X:.*]]: tensor<2x3xf32>
// CHECK-NEXT:    %[[Y:.*]] = onnx.Softmax %[[X]] {axis = 1 : si64}
// CHECK-NEXT:    return %[[Y]]
func.func @quotient(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %m = onnx.ReduceMax %x, %axes : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  %d = onnx.Sub %x, %m : (tensor<2x3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
  %e = onnx.Exp %d : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %s = onnx.ReduceSum %e, %axes : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  %y = onnx.Div %e, %s : (tensor<2x3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// -----

// The maximum and the sum are over different dimensions.
// CHECK-LABEL: func @other_sum(
// CHECK-NOT:     onnx.Softmax
func.func @other_sum(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = onnx.Constant dense<0> : tensor<1xi64>
  %1 = onnx.Constant dense<1> : tensor<1xi64>
  %m = onnx.ReduceMax %x, %1 : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  %d = onnx.Sub %x, %m : (tensor<2x3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
  %e = onnx.Exp %d : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %s = onnx.ReduceSum %e, %0 : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<1x3xf32>
  %y = onnx.Div %e, %s : (tensor<2x3xf32>, tensor<1x3xf32>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// -----

// CHECK-LABEL: func @maximum(
// CHECK-SAME:    %[[X:.*]]: tensor<2x3xf32>
// CHECK-NEXT:    %[[Y:.*]] = onnx.Softmax %[[X]]
// CHECK-NEXT:    return %[[Y]]
func.func @maximum(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %axes = onnx.Constant dense<1> : tensor<1xi64>
  %m = onnx.ReduceMax %x, %axes : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  %d = onnx.Sub %x, %m : (tensor<2x3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
  %y = onnx.Softmax %d {axis = -1 : si64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// -----

// A maximum over all scores is no maximum of a row; it stays.
// CHECK-LABEL: func @all_rows(
// CHECK:         onnx.ReduceMax
// CHECK:         onnx.Sub
func.func @all_rows(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %axes = onnx.Constant dense<[0, 1]> : tensor<2xi64>
  %m = onnx.ReduceMax %x, %axes : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<1x1xf32>
  %d = onnx.Sub %x, %m : (tensor<2x3xf32>, tensor<1x1xf32>) -> tensor<2x3xf32>
  %y = onnx.Softmax %d {axis = -1 : si64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}
