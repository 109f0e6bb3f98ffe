// RUN: weir-opt %s --convert-weir-to-linalg | FileCheck %s

// In slot order the position of a row follows from the step.
// CHECK-LABEL: func @slots(
// CHECK-SAME:    %[[X:.*]]: tensor<3x8xf32>
// CHECK:         linalg.generic {{.*}} ins(%[[X]] : tensor<3x8xf32>)
// CHECK:           %[[SLOT:.*]] = linalg.index 1
// CHECK:           arith.cmpi sge
// CHECK:           arith.select
func.func @slots(%x: tensor<3x8xf32>, %t: index) -> tensor<3x8xf32> {
  %0 = weir.mask_absent lowest %x, %t {axis = #weir.axis<dim = 1, tokens = 8>} : tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}

// Listed rows know their positions; a fixed row (0) is never absent: it reads as position 5 of 5.
// CHECK-LABEL: func @listed(
// CHECK:         %[[P:.*]] = arith.constant dense<[5, 2]> : tensor<2xi64>
// CHECK:         linalg.generic {{.*}} ins(%{{.*}}, %[[P]] : tensor<2x3xf32>, tensor<2xi64>)
func.func @listed(%x: tensor<2x3xf32>, %t: index) -> tensor<2x3xf32> {
  %0 = weir.mask_absent zero %x, %t {axis = #weir.axis<dim = 0, lead = 1, tokens = 5>, positions = array<i64: 0, 3>} : tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: func @mean(
// CHECK:         %[[SCALE:.*]] = arith.divf
// CHECK:         linalg.generic
// CHECK:           arith.mulf %{{.*}}, %[[SCALE]]
func.func @mean(%x: tensor<3xf32>, %t: index) -> tensor<3xf32> {
  %0 = weir.scale_to_present %x, %t {axis = #weir.axis<dim = 0, tokens = 5>} : tensor<3xf32>
  return %0 : tensor<3xf32>
}
