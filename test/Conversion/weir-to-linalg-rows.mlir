// RUN: weir-opt %s --convert-weir-to-linalg --canonicalize | FileCheck %s

// A roll copies the fixed row, then every token to its slot: token i of step t to
// (i + t + 1) mod 5.
// CHECK-LABEL: func @roll(
// CHECK-SAME:    %[[W:.*]]: tensor<6x4xf32>, %[[T:.*]]: index
// CHECK:         tensor.extract_slice %[[W]][0, 0] [1, 4] [1, 1]
// CHECK:         scf.for %[[I:.*]] = %c0 to %c5
// CHECK:           %[[ROW:.*]] = arith.addi %[[I]], %c1
// CHECK:           %[[NEXT:.*]] = arith.addi %[[T]], %c1
// CHECK:           %[[SUM:.*]] = arith.addi %[[I]], %[[NEXT]]
// CHECK:           %[[REST:.*]] = arith.remui %[[SUM]], %c5
// CHECK:           %[[SLOT:.*]] = arith.addi %[[REST]], %c1
// CHECK:           %[[X:.*]] = tensor.extract_slice %[[W]][%[[ROW]], 0]
// CHECK:           tensor.insert_slice %[[X]] into %{{.*}}[%[[SLOT]], 0]
func.func @roll(%w: tensor<6x4xf32>, %t: index) -> tensor<6x4xf32> {
  %0 = weir.roll %w, %t {axis = #weir.axis<dim = 0, lead = 1, tokens = 5>} : tensor<6x4xf32>
  return %0 : tensor<6x4xf32>
}

// One row is read where it stands, without a loop.
// CHECK-LABEL: func @newest(
// CHECK-SAME:    %[[R:.*]]: tensor<6x4xf32>
// CHECK:         %[[SLOT:.*]] = arith.remui
// CHECK-NEXT:    %[[X:.*]] = tensor.extract_slice %[[R]][%[[SLOT]], 0] [1, 4] [1, 1]
// CHECK-NEXT:    return %[[X]]
func.func @newest(%r: tensor<6x4xf32>, %t: index) -> tensor<1x4xf32> {
  %0 = weir.ring_read %r, %t {axis = #weir.axis<dim = 0, tokens = 6>,
    positions = array<i64: 5>} : tensor<6x4xf32> -> tensor<1x4xf32>
  return %0 : tensor<1x4xf32>
}

// Rows are taken in the order asked for, at places that are known.
// CHECK-LABEL: func @select(
// CHECK-SAME:    %[[X:.*]]: tensor<6x4xf32>
// CHECK:         %[[A:.*]] = tensor.extract_slice %[[X]][5, 0] [1, 4] [1, 1]
// CHECK-NEXT:    %[[Y:.*]] = tensor.insert_slice %[[A]] into %{{.*}}[0, 0]
// CHECK-NEXT:    %[[B:.*]] = tensor.extract_slice %[[X]][1, 0] [1, 4] [1, 1]
// CHECK-NEXT:    tensor.insert_slice %[[B]] into %[[Y]][1, 0]
func.func @select(%x: tensor<6x4xf32>) -> tensor<2x4xf32> {
  %0 = weir.select_rows %x {dim = 0 : i64, inner = 1 : i64, extent = 6 : i64,
    indices = array<i64: 5, 1>} : tensor<6x4xf32> -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
