// RUN: weir-opt %s --pass-pipeline='builtin.module(weir-continual{token-axis=x=0})' | FileCheck %s

// Tokens one place earlier, and nothing in the newest place: a step makes these two rows.
// CHECK-LABEL: func @step(
// CHECK-SAME:    %[[X:[^:]*]]: tensor<1x2xf32>
// CHECK:         %[[Y:.*]] = onnx.Relu %[[X]]
// CHECK:         %[[P:.*]] = onnx.Pad %[[Y]], {{.*}} -> tensor<2x2xf32>
// CHECK-NEXT:    %[[S:.*]] = onnx.Sigmoid %[[P]] : (tensor<2x2xf32>)
// CHECK-NEXT:    weir.ring_push %[[S]], {{.*}}positions = array<i64: 2, 3>
func.func @window(%x: tensor<4x2xf32> {weir.input = "x"}) -> (tensor<4x2xf32> {weir.output = "y"}) {
  %n = onnx.NoValue
  %a = onnx.Constant dense<0> : tensor<1xi64>
  %b = onnx.Constant dense<1> : tensor<1xi64>
  %e = onnx.Constant dense<4> : tensor<1xi64>
  %p = onnx.Constant dense<[0, 0, 1, 0]> : tensor<4xi64>
  %0 = onnx.Relu %x : (tensor<4x2xf32>) -> tensor<4x2xf32>
  %1 = onnx.Slice %0, %b, %e, %a, %n : (tensor<4x2xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<3x2xf32>
  %2 = onnx.Pad %1, %p, %n, %n : (tensor<3x2xf32>, tensor<4xi64>, none, none) -> tensor<4x2xf32>
  %3 = onnx.Sigmoid %2 : (tensor<4x2xf32>) -> tensor<4x2xf32>
  return %3 : tensor<4x2xf32>
}
