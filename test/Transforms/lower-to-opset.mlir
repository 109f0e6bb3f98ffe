// RUN: weir-opt %s --weir-lower-to-opset=opset=17 | FileCheck %s
// RUN: weir-opt %s --weir-lower-to-opset=opset=13 | FileCheck %s --check-prefix=OLD

// Gelu came with opset 20.
// CHECK-LABEL: func @gelu(
// CHECK-NOT:     onnx.Gelu
// CHECK:         onnx.Erf
// CHECK:         return
func.func @gelu(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %y = onnx.Gelu %x : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// LayerNormalization came with opset 17: it stays there, and is taken apart below.
// CHECK-LABEL: func @norm(
// CHECK:         onnx.LayerNormalization
// OLD-LABEL:   func @norm(
// OLD-SAME:      %[[X:.*]]: tensor<2x4xf16>
// OLD:           %[[WIDE:.*]] = onnx.Cast %[[X]]
// OLD:           onnx.ReduceMean %[[WIDE]]
// OLD:           %[[N:.*]] = onnx.Div
// OLD:           %[[NARROW:.*]] = onnx.Cast %[[N]]
// OLD:           onnx.Mul %[[NARROW]]
// OLD:           onnx.Add
func.func @norm(%x: tensor<2x4xf16>, %g: tensor<4xf16>, %b: tensor<4xf16>) -> tensor<2x4xf16> {
  %y, %m, %s = onnx.LayerNormalization %x, %g, %b : (tensor<2x4xf16>, tensor<4xf16>, tensor<4xf16>) -> (tensor<2x4xf16>, none, none)
  return %y : tensor<2x4xf16>
}

// Results that are read and have no other spelling keep the op as it is.
// OLD-LABEL:   func @statistics(
// OLD:           onnx.LayerNormalization
func.func @statistics(%x: tensor<2x4xf32>, %g: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<2x1xf32> {
  %y, %m, %s = onnx.LayerNormalization %x, %g, %b : (tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<2x4xf32>, tensor<2x1xf32>, none)
  return %m : tensor<2x1xf32>
}
