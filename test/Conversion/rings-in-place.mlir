// RUN: weir-opt %s --convert-weir-to-linalg --split-input-file | FileCheck %s

// Eight of nine rows are read: the scores are those of all slots, and slots of older
// tokens get the lowest. The values of these are set to 0 behind the last that reads them.
// CHECK-LABEL: func.func @step(
// CHECK-SAME:    %[[Q:.*]]: tensor<1x4xf32>, %[[KS:.*]]: tensor<9x4xf32> {{.*}}, %[[VS:.*]]: tensor<9x4xf32>
// CHECK:         %[[K:.*]] = tensor.insert_slice %{{.*}} into %[[KS]]
// CHECK:         %[[V1:.*]] = tensor.insert_slice %{{.*}} into %[[VS]]
// CHECK:         %[[V:.*]] = tensor.insert_slice %{{.*}} into %[[V1]]
// CHECK-NOT:     scf.for
// CHECK:         %[[KT:.*]] = onnx.Transpose %[[K]] {{.*}} -> tensor<4x9xf32>
// CHECK:         %[[S:.*]] = onnx.MatMul %[[Q]], %[[KT]] : {{.*}} -> tensor<1x9xf32>
// CHECK:         %[[LOW:.*]] = linalg.generic {{.*}} ins(%[[S]], %{{.*}} : tensor<1x9xf32>, tensor<9xi64>)
// CHECK:         %[[P:.*]] = onnx.Softmax %[[LOW]]
// CHECK:         onnx.MatMul %[[P]], %[[V]] : {{.*}} -> tensor<1x4xf32>
// CHECK:         return %{{.*}}, %[[K]], %[[V]]
#axis = #weir.axis<dim = 0, tokens = 9>
func.func @init() -> (tensor<9x4xf32> {weir.state = "k"}, tensor<9x4xf32> {weir.state = "v"}) {
  %0 = arith.constant dense<0.0> : tensor<9x4xf32>
  return %0, %0 : tensor<9x4xf32>, tensor<9x4xf32>
}
func.func @step(%q: tensor<1x4xf32>, %ks: tensor<9x4xf32> {weir.state = "k"},
                %vs: tensor<9x4xf32> {weir.state = "v"}, %t: index)
    -> (tensor<1x4xf32>, tensor<9x4xf32> {weir.state = "k"}, tensor<9x4xf32> {weir.state = "v"}) {
  %k = weir.ring_push %q, %ks, %t {axis = #axis, positions = array<i64: 8>}
     : tensor<1x4xf32>, tensor<9x4xf32>
  %v = weir.ring_push %q, %vs, %t {axis = #axis, positions = array<i64: 8>}
     : tensor<1x4xf32>, tensor<9x4xf32>
  %kr = weir.ring_read %k, %t {axis = #axis, positions = array<i64: 1, 2, 3, 4, 5, 6, 7, 8>}
     : tensor<9x4xf32> -> tensor<8x4xf32>
  %vr = weir.ring_read %v, %t {axis = #axis, positions = array<i64: 1, 2, 3, 4, 5, 6, 7, 8>}
     : tensor<9x4xf32> -> tensor<8x4xf32>
  %kt = onnx.Transpose %kr {perm = [1, 0]} : (tensor<8x4xf32>) -> tensor<4x8xf32>
  %s = onnx.MatMul %q, %kt : (tensor<1x4xf32>, tensor<4x8xf32>) -> tensor<1x8xf32>
  %p = onnx.Softmax %s : (tensor<1x8xf32>) -> tensor<1x8xf32>
  %y = onnx.MatMul %p, %vr : (tensor<1x8xf32>, tensor<8x4xf32>) -> tensor<1x4xf32>
  return %y, %k, %v : tensor<1x4xf32>, tensor<9x4xf32>, tensor<9x4xf32>
}

// -----

// Each row has a weight of its own, which follows its age: rows are copied in their order.
// CHECK-LABEL: func.func @ordered(
// CHECK:         scf.for
// CHECK:         onnx.MatMul %{{.*}} : (tensor<1x8xf32>, tensor<8x4xf32>)
#axis = #weir.axis<dim = 0, tokens = 9>
func.func @ordered(%w: tensor<1x8xf32>, %v: tensor<9x4xf32> {weir.state = "v"}, %t: index)
    -> tensor<1x4xf32> {
  %vr = weir.ring_read %v, %t {axis = #axis, positions = array<i64: 1, 2, 3, 4, 5, 6, 7, 8>}
     : tensor<9x4xf32> -> tensor<8x4xf32>
  %y = onnx.MatMul %w, %vr : (tensor<1x8xf32>, tensor<8x4xf32>) -> tensor<1x4xf32>
  return %y : tensor<1x4xf32>
}

// -----

// A ring that does not begin with 0 may hold what a weight of 0 does not hide.
// CHECK-LABEL: func.func @unclear(
// CHECK:         scf.for
// CHECK:         onnx.MatMul %{{.*}} : (tensor<1x8xf32>, tensor<8x4xf32>)
#axis = #weir.axis<dim = 0, tokens = 9>
func.func @init() -> (tensor<9x4xf32> {weir.state = "k"}) {
  %1 = arith.constant dense<1.0> : tensor<9x4xf32>
  return %1 : tensor<9x4xf32>
}
func.func @unclear(%q: tensor<1x4xf32>, %k: tensor<9x4xf32> {weir.state = "k"}, %t: index)
    -> tensor<1x4xf32> {
  %kr = weir.ring_read %k, %t {axis = #axis, positions = array<i64: 1, 2, 3, 4, 5, 6, 7, 8>}
     : tensor<9x4xf32> -> tensor<8x4xf32>
  %kt = onnx.Transpose %kr {perm = [1, 0]} : (tensor<8x4xf32>) -> tensor<4x8xf32>
  %s = onnx.MatMul %q, %kt : (tensor<1x4xf32>, tensor<4x8xf32>) -> tensor<1x8xf32>
  %p = onnx.Softmax %s : (tensor<1x8xf32>) -> tensor<1x8xf32>
  %y = onnx.MatMul %p, %kr : (tensor<1x8xf32>, tensor<8x4xf32>) -> tensor<1x4xf32>
  return %y : tensor<1x4xf32>
}

// -----

// A constant that is the same for all rows stands in one of them; what it is in other dimensions makes more scores.
// CHECK-LABEL: func.func @spread(
// CHECK-NOT:     scf.for
// CHECK:         %[[C:.*]] = onnx.Constant dense<5.000000e-01> : tensor<2x1x1xf32>
// CHECK:         onnx.Add %{{.*}}, %[[C]] : (tensor<1x9xf32>, tensor<2x1x1xf32>) -> tensor<2x1x9xf32>
// CHECK:         onnx.MatMul %{{.*}} : (tensor<2x1x9xf32>, tensor<9x4xf32>) -> tensor<2x1x4xf32>
#axis = #weir.axis<dim = 0, tokens = 9>
func.func @init() -> (tensor<9x4xf32> {weir.state = "k"}) {
  %0 = arith.constant dense<0.0> : tensor<9x4xf32>
  return %0 : tensor<9x4xf32>
}
func.func @spread(%q: tensor<1x4xf32>, %k: tensor<9x4xf32> {weir.state = "k"}, %t: index)
    -> tensor<2x1x4xf32> {
  %kr = weir.ring_read %k, %t {axis = #axis, positions = array<i64: 1, 2, 3, 4, 5, 6, 7, 8>}
     : tensor<9x4xf32> -> tensor<8x4xf32>
  %kt = onnx.Transpose %kr {perm = [1, 0]} : (tensor<8x4xf32>) -> tensor<4x8xf32>
  %s = onnx.MatMul %q, %kt : (tensor<1x4xf32>, tensor<4x8xf32>) -> tensor<1x8xf32>
  %c = onnx.Constant dense<0.5> : tensor<2x1x8xf32>
  %b = onnx.Add %s, %c : (tensor<1x8xf32>, tensor<2x1x8xf32>) -> tensor<2x1x8xf32>
  %p = onnx.Softmax %b : (tensor<2x1x8xf32>) -> tensor<2x1x8xf32>
  %y = onnx.MatMul %p, %kr : (tensor<2x1x8xf32>, tensor<8x4xf32>) -> tensor<2x1x4xf32>
  return %y : tensor<2x1x4xf32>
}

// -----

// Weights of rows that meet something else of them, as many features, follow the order of the rows.
// CHECK-LABEL: func.func @crossed(
// CHECK:         scf.for
// CHECK:         onnx.MatMul %{{.*}} : (tensor<1x8xf32>, tensor<8x8xf32>) -> tensor<1x8xf32>
#axis = #weir.axis<dim = 0, tokens = 9>
func.func @init() -> (tensor<9x8xf32> {weir.state = "k"}) {
  %0 = arith.constant dense<0.0> : tensor<9x8xf32>
  return %0 : tensor<9x8xf32>
}
func.func @crossed(%q: tensor<1x8xf32>, %k: tensor<9x8xf32> {weir.state = "k"}, %t: index)
    -> tensor<1x8xf32> {
  %kr = weir.ring_read %k, %t {axis = #axis, positions = array<i64: 1, 2, 3, 4, 5, 6, 7, 8>}
     : tensor<9x8xf32> -> tensor<8x8xf32>
  %kt = onnx.Transpose %kr {perm = [1, 0]} : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %s = onnx.MatMul %q, %kt : (tensor<1x8xf32>, tensor<8x8xf32>) -> tensor<1x8xf32>
  %p = onnx.Softmax %s : (tensor<1x8xf32>) -> tensor<1x8xf32>
  %y = onnx.MatMul %p, %kt : (tensor<1x8xf32>, tensor<8x8xf32>) -> tensor<1x8xf32>
  return %y : tensor<1x8xf32>
}
