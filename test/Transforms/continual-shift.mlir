// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 rows=last state-layout=shift positions=recycle},cse)' | FileCheck %s

// States in window order: tokens move, and what they meet needs no roll.
// CHECK-LABEL: func @step(
// CHECK-SAME:    %[[X:.*]]: tensor<1x1x2xf32> {{.*}}, %[[R:.*]]: tensor<1x3x2xf32> {weir.state = "x"}
// CHECK:         %[[W:.*]] = weir.shift_push %[[X]], %[[R]] {axis = #weir.axis<dim = 1, tokens = 3>, positions = array<i64: 2>}
// CHECK:         onnx.Transpose %[[W]]
// CHECK-NOT:     weir.roll
// CHECK:         return {{.*}}, %[[W]]
func.func @window(%x: tensor<1x3x2xf32> {weir.input = "x"}) -> (tensor<1x3x2xf32> {weir.output = "y"}) {
  %b = onnx.Constant dense<[[0.0, 1.0, 2.0], [5.0, 0.0, 1.0], [6.0, 5.0, 0.0]]> : tensor<3x3xf32>
  %kt = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x3x2xf32>) -> tensor<1x2x3xf32>
  %s = onnx.MatMul %x, %kt : (tensor<1x3x2xf32>, tensor<1x2x3xf32>) -> tensor<1x3x3xf32>
  %a = onnx.Add %s, %b : (tensor<1x3x3xf32>, tensor<3x3xf32>) -> tensor<1x3x3xf32>
  %p = onnx.Softmax %a {axis = -1 : si64} : (tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  %o = onnx.MatMul %p, %x : (tensor<1x3x3xf32>, tensor<1x3x2xf32>) -> tensor<1x3x2xf32>
  return %o : tensor<1x3x2xf32>
}

// -----

// A recycled table follows the counter, which tells its rows in any layout.
// CHECK-LABEL: func @step(
// CHECK:         weir.ring_read %{{.*}}, %{{.*}} {axis = #weir.axis<dim = 0, tokens = 2>, positions = array<i64: 1>} : tensor<2x2xf32> -> tensor<1x2xf32>
func.func @window(%x: tensor<1x2x2xf32> {weir.input = "x"}) -> (tensor<1x2x2xf32> {weir.output = "y"}) {
  %table = onnx.Constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %0 = onnx.Add %x, %table : (tensor<1x2x2xf32>, tensor<2x2xf32>) -> tensor<1x2x2xf32>
  return %0 : tensor<1x2x2xf32>
}

// -----

// An op that mixes tokens in an unknown way is given the state as it is.
// CHECK-LABEL: func @step(
// CHECK:         %[[W:.*]] = weir.shift_push
// CHECK-NEXT:    "onnx.Warp"(%[[W]])
func.func @window(%x: tensor<1x4x2xf32> {weir.input = "x"}) -> (tensor<1x4x2xf32> {weir.output = "y"}) {
  %0 = "onnx.Warp"(%x) : (tensor<1x4x2xf32>) -> tensor<1x4x2xf32>
  return %0 : tensor<1x4x2xf32>
}
