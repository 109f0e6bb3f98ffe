// RUN: weir-opt %s --convert-weir-to-linalg --canonicalize | FileCheck %s

// A push writes one slice of the ring it is given.
// CHECK-LABEL: func @push(
// CHECK-SAME:    %[[X:.*]]: tensor<1x4xf32>, %[[R:.*]]: tensor<8x4xf32>, %[[T:.*]]: index
// CHECK:         %[[SLOT:.*]] = arith.remui
// CHECK:         %[[NEW:.*]] = tensor.insert_slice %[[X]] into %[[R]][%[[SLOT]], 0] [1, 4] [1, 1]
// CHECK:         return %[[NEW]]
func.func @push(%x: tensor<1x4xf32>, %r: tensor<8x4xf32>, %t: index) -> tensor<8x4xf32> {
  %0 = weir.ring_push %x, %r, %t {axis = #weir.axis<dim = 0, tokens = 8>,
    positions = array<i64: 7>} : tensor<1x4xf32>, tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// Many rows are a loop over the ring.
// CHECK-LABEL: func @window(
// CHECK-SAME:    %[[R:.*]]: tensor<8x4xf32>
// CHECK:         scf.for
// CHECK:           tensor.extract_slice %[[R]]
// CHECK:           tensor.insert_slice
func.func @window(%r: tensor<8x4xf32>, %t: index) -> tensor<8x4xf32> {
  %0 = weir.ring_read %r, %t {axis = #weir.axis<dim = 0, tokens = 8>,
    positions = array<i64: 0, 1, 2, 3, 4, 5, 6, 7>} : tensor<8x4xf32> -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// The class token before the ring keeps its place.
// CHECK-LABEL: func @fixed(
// CHECK-SAME:    %[[X:.*]]: tensor<1x4xf32>, %[[R:.*]]: tensor<9x4xf32>
// CHECK-NEXT:    tensor.insert_slice %[[X]] into %[[R]][0, 0] [1, 4] [1, 1]
func.func @fixed(%x: tensor<1x4xf32>, %r: tensor<9x4xf32>, %t: index) -> tensor<9x4xf32> {
  %0 = weir.ring_push %x, %r, %t {axis = #weir.axis<dim = 0, lead = 1, tokens = 8>,
    positions = array<i64: 0>} : tensor<1x4xf32>, tensor<9x4xf32>
  return %0 : tensor<9x4xf32>
}

// All but the oldest token move to the front, the class token stays, the new one follows.
// CHECK-LABEL: func @shift(
// CHECK-SAME:    %[[X:.*]]: tensor<1x4xf32>, %[[W:.*]]: tensor<4x4xf32>
// CHECK:         %[[KEPT:.*]] = tensor.extract_slice %[[W]][0, 0] [1, 4] [1, 1]
// CHECK:         tensor.insert_slice %[[KEPT]] into %{{.*}}[0, 0] [1, 4] [1, 1]
// CHECK:         %[[MOVED:.*]] = tensor.extract_slice %[[W]][2, 0] [1, 4] [1, 1]
// CHECK:         tensor.insert_slice %[[MOVED]] into %{{.*}}[1, 0] [1, 4] [1, 1]
// CHECK:         %[[ALL:.*]] = tensor.insert_slice %[[X]] into %{{.*}}[3, 0] [1, 4] [1, 1]
// CHECK:         return %[[ALL]]
func.func @shift(%x: tensor<1x4xf32>, %w: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %0 = weir.shift_push %x, %w {axis = #weir.axis<dim = 0, lead = 1, tokens = 3>,
    positions = array<i64: 3>} : tensor<1x4xf32>, tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}
