// RUN: weir-opt %s --weir-canonicalize --split-input-file | FileCheck %s

// A chain of ops that change nothing goes.
// CHECK-LABEL: func @chain(
// CHECK-SAME:    %[[X:.*]]: tensor<2x3xf32>
// CHECK-NEXT:    return %[[X]]
func.func @chain(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %n = onnx.NoValue
  %zero = onnx.Constant dense<0.0> : tensor<1x3xf32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %s = onnx.Constant dense<[2, 3]> : tensor<2xi64>
  %0 = onnx.Identity %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %1, %m = onnx.Dropout %0, %n, %n : (tensor<2x3xf32>, none, none) -> (tensor<2x3xf32>, none)
  %2 = onnx.Cast %1 {to = f32} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %3 = onnx.Add %zero, %2 : (tensor<1x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %4 = onnx.Mul %3, %one : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %5 = onnx.Expand %4, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  %6 = onnx.Sub %5, %zero : (tensor<2x3xf32>, tensor<1x3xf32>) -> tensor<2x3xf32>
  %7 = onnx.Div %6, %one : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  return %7 : tensor<2x3xf32>
}

// -----

// What broadcasts, converts or takes away from 0 changes something.
// CHECK-LABEL: func @no_identity(
// CHECK:         onnx.Add
// CHECK:         onnx.Cast
// CHECK:         onnx.Sub
func.func @no_identity(%x: tensor<1x3xf32>) -> (tensor<2x3xf32>, tensor<1x3xf16>, tensor<1x3xf32>) {
  %zero = onnx.Constant dense<0.0> : tensor<2x3xf32>
  %z = onnx.Constant dense<0.0> : tensor<f32>
  %0 = onnx.Add %x, %zero : (tensor<1x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = onnx.Cast %x {to = f16} : (tensor<1x3xf32>) -> tensor<1x3xf16>
  %2 = onnx.Sub %z, %x : (tensor<f32>, tensor<1x3xf32>) -> tensor<1x3xf32>
  return %0, %1, %2 : tensor<2x3xf32>, tensor<1x3xf16>, tensor<1x3xf32>
}

// -----

// The mask of a dropout is all true.
// CHECK-LABEL: func @dropout_mask(
// CHECK-NEXT:    %[[M:.*]] = onnx.Constant dense<true> : tensor<3xi1>
// CHECK-NEXT:    return %{{.*}}, %[[M]]
func.func @dropout_mask(%x: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xi1>) {
  %n = onnx.NoValue
  %y, %m = onnx.Dropout %x, %n, %n : (tensor<3xf32>, none, none) -> (tensor<3xf32>, tensor<3xi1>)
  return %y, %m : tensor<3xf32>, tensor<3xi1>
}
