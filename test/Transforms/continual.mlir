// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 rows=last},cse)' | FileCheck %s

// One head, newest row: keys and values are read from rings, queries are one row.
// CHECK-LABEL: func @init() -> (tensor<i64> {weir.state = "step"}, tensor<1x8x4xf32> {weir.state = "k"}, tensor<1x8x4xf32> {weir.state = "x"})
// CHECK-LABEL: func @step(
// CHECK-SAME:    %[[X:.*]]: tensor<1x1x4xf32> {weir.axis = #weir.axis<dim = 1, tokens = 8>, weir.input = "x"}
// CHECK:         %[[K:.*]] = onnx.MatMul %[[X]], %{{.*}} : (tensor<1x1x4xf32>, tensor<4x4xf32>) -> tensor<1x1x4xf32>
// CHECK:         %[[KR:.*]] = weir.ring_push %[[K]], %{{.*}} {axis = #weir.axis<dim = 1, tokens = 8>, positions = array<i64: 7>}
// CHECK:         %[[KT:.*]] = onnx.Transpose %[[KR]]
// CHECK:         %[[S:.*]] = onnx.MatMul %[[X]], %[[KT]] : (tensor<1x1x4xf32>, tensor<1x4x8xf32>) -> tensor<1x1x8xf32>
// CHECK:         %[[P:.*]] = onnx.Softmax %[[S]]
// CHECK:         %[[XR:.*]] = weir.ring_push %[[X]]
// CHECK:         onnx.MatMul %[[P]], %[[XR]] : (tensor<1x1x8xf32>, tensor<1x8x4xf32>) -> tensor<1x1x4xf32>
func.func @window(%x: tensor<1x8x4xf32> {weir.input = "x"}) -> (tensor<1x8x4xf32> {weir.output = "y"}) {
  %w = onnx.Constant dense<0.5> : tensor<4x4xf32>
  %k = onnx.MatMul %x, %w : (tensor<1x8x4xf32>, tensor<4x4xf32>) -> tensor<1x8x4xf32> loc("k")
  %kt = onnx.Transpose %k {perm = [0, 2, 1]} : (tensor<1x8x4xf32>) -> tensor<1x4x8xf32>
  %s = onnx.MatMul %x, %kt : (tensor<1x8x4xf32>, tensor<1x4x8xf32>) -> tensor<1x8x8xf32>
  %p = onnx.Softmax %s {axis = -1 : si64} : (tensor<1x8x8xf32>) -> tensor<1x8x8xf32>
  %o = onnx.MatMul %p, %x : (tensor<1x8x8xf32>, tensor<1x8x4xf32>) -> tensor<1x8x4xf32>
  return %o : tensor<1x8x4xf32>
}

// -----

// A bias of all rows is read in slot order: rolled along the keys, cut along the queries.
// CHECK-LABEL: func @step(
// CHECK:         %[[B:.*]] = onnx.Constant dense<{{.*}}> : tensor<1x3xf32>
// CHECK:         %[[R:.*]] = weir.roll %[[B]], %{{.*}} {axis = #weir.axis<dim = 1, tokens = 3>} : tensor<1x3xf32>
// CHECK:         onnx.Add %{{.*}}, %[[R]] : (tensor<1x1x3xf32>, tensor<1x3xf32>) -> tensor<1x1x3xf32>
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

// An op that mixes tokens in an unknown way gets the whole window, in order, from a ring.
// CHECK-LABEL: func @step(
// CHECK:         %[[R:.*]] = weir.ring_push %{{.*}} {axis = #weir.axis<dim = 1, tokens = 4>, positions = array<i64: 3>}
// CHECK:         %[[W:.*]] = weir.ring_read %[[R]], %{{.*}} {axis = #weir.axis<dim = 1, tokens = 4>, positions = array<i64: 0, 1, 2, 3>}
// CHECK:         "onnx.Warp"(%[[W]])
func.func @window(%x: tensor<1x4x2xf32> {weir.input = "x"}) -> (tensor<1x4x2xf32> {weir.output = "y"}) {
  %0 = "onnx.Warp"(%x) : (tensor<1x4x2xf32>) -> tensor<1x4x2xf32>
  return %0 : tensor<1x4x2xf32>
}

