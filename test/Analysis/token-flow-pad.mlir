// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(weir-annotate-token-flow{token-axis=x=0}))' | FileCheck %s

// Cut in front and padded behind, tokens stand one place earlier: all but the edge moves.
// CHECK-LABEL: func @shifted(
// CHECK:         onnx.Slice {{.*}}weir.flow = "3 tokens in dim 0; slides with margins (0, 1)"
// CHECK:         onnx.Pad {{.*}}weir.flow = "4 tokens in dim 0; slides with margins (0, 2)"
func.func @shifted(%x: tensor<4x2xf32> {weir.input = "x"}) -> tensor<4x2xf32> {
  %n = onnx.NoValue
  %a = onnx.Constant dense<0> : tensor<1xi64>
  %b = onnx.Constant dense<1> : tensor<1xi64>
  %e = onnx.Constant dense<4> : tensor<1xi64>
  %p = onnx.Constant dense<[0, 0, 1, 0]> : tensor<4xi64>
  %0 = onnx.Slice %x, %b, %e, %a, %n : (tensor<4x2xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<3x2xf32>
  %1 = onnx.Pad %0, %p, %n, %n : (tensor<3x2xf32>, tensor<4xi64>, none, none) -> tensor<4x2xf32>
  return %1 : tensor<4x2xf32>
}

// -----

// Padded features leave the tokens alone.
// CHECK-LABEL: func @features(
// CHECK:         onnx.Pad {{.*}}weir.flow = "4 tokens in dim 0; slides with margins (0, 1)"
func.func @features(%x: tensor<4x2xf32> {weir.input = "x"}) -> tensor<4x5xf32> {
  %n = onnx.NoValue
  %p = onnx.Constant dense<[0, 1, 0, 2]> : tensor<4xi64>
  %0 = onnx.Pad %x, %p, %n, %n {mode = "edge"} : (tensor<4x2xf32>, tensor<4xi64>, none, none) -> tensor<4x5xf32>
  return %0 : tensor<4x5xf32>
}

// -----

// Tokens put beside tokens are no padding.
// CHECK-LABEL: func @mirrored(
// CHECK:         onnx.Pad {{.*}}weir.flow = "changes every step: pads tokens by other tokens"
func.func @mirrored(%x: tensor<4x2xf32> {weir.input = "x"}) -> tensor<6x2xf32> {
  %n = onnx.NoValue
  %p = onnx.Constant dense<[1, 0, 1, 0]> : tensor<4xi64>
  %0 = onnx.Pad %x, %p, %n, %n {mode = "reflect"} : (tensor<4x2xf32>, tensor<4xi64>, none, none) -> tensor<6x2xf32>
  return %0 : tensor<6x2xf32>
}
