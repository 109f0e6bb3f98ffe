// RUN: weir-opt %s --weir-drop-dead-states --split-input-file | FileCheck %s

// The counter counts, and that is all: it goes, in every entry.
// CHECK-LABEL: func @init() -> (tensor<4xf32> {weir.state = "k"})
// CHECK-LABEL: func @step(
// CHECK-SAME:    %[[X:.*]]: tensor<4xf32>, %[[K:.*]]: tensor<4xf32> {weir.state = "k"})
// CHECK-NEXT:    %[[Y:.*]] = onnx.Add %[[X]], %[[K]]
// CHECK-NEXT:    return %[[Y]], %[[X]]
func.func @init() -> (tensor<i64> {weir.state = "step"}, tensor<4xf32> {weir.state = "k"}) {
  %0 = onnx.Constant dense<0> : tensor<i64>
  %1 = onnx.Constant dense<0.0> : tensor<4xf32>
  return %0, %1 : tensor<i64>, tensor<4xf32>
}
func.func @step(%x: tensor<4xf32>, %t: tensor<i64> {weir.state = "step"}, %k: tensor<4xf32> {weir.state = "k"})
    -> (tensor<4xf32>, tensor<i64> {weir.state = "step"}, tensor<4xf32> {weir.state = "k"}) {
  %one = onnx.Constant dense<1> : tensor<i64>
  %next = onnx.Add %t, %one : (tensor<i64>, tensor<i64>) -> tensor<i64>
  %y = onnx.Add %x, %k : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y, %next, %x : tensor<4xf32>, tensor<i64>, tensor<4xf32>
}

// -----

// One that another entry's output reads stays.
// CHECK-LABEL: func @step(
// CHECK-SAME:    weir.state = "step"
func.func @step(%x: tensor<i64>, %t: tensor<i64> {weir.state = "step"})
    -> (tensor<i64>, tensor<i64> {weir.state = "step"}) {
  %next = onnx.Add %t, %x : (tensor<i64>, tensor<i64>) -> tensor<i64>
  return %x, %next : tensor<i64>, tensor<i64>
}
func.func @predict(%t: tensor<i64> {weir.state = "step"}) -> tensor<i64> {
  return %t : tensor<i64>
}

// -----

// So does one that a state which stays is made from.
// CHECK-LABEL: func @step(
// CHECK-SAME:    weir.state = "a"
// CHECK-SAME:    weir.state = "b"
func.func @step(%a: tensor<i64> {weir.state = "a"}, %b: tensor<i64> {weir.state = "b"})
    -> (tensor<i64>, tensor<i64> {weir.state = "a"}, tensor<i64> {weir.state = "b"}) {
  %next = onnx.Neg %a : (tensor<i64>) -> tensor<i64>
  return %b, %next, %a : tensor<i64>, tensor<i64>, tensor<i64>
}
