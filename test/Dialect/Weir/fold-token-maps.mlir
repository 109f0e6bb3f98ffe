// RUN: weir-opt %s --canonicalize | FileCheck %s

// As many pseudo-tokens as tokens are the tokens.
// CHECK-LABEL: func @all(
// CHECK-SAME:    %[[X:.*]]: tensor<3x4xf32>
// CHECK-NEXT:    return %[[X]]
func.func @all(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %0 = weir.resample %x {dim = 0} : tensor<3x4xf32> -> tensor<3x4xf32>
  %1 = weir.pool %0 {dim = 0} : tensor<3x4xf32> -> tensor<3x4xf32>
  return %1 : tensor<3x4xf32>
}

// Fewer are not.
// CHECK-LABEL: func @fewer(
// CHECK:         weir.resample
// CHECK:         weir.pool
func.func @fewer(%x: tensor<3x4xf32>) -> tensor<1x4xf32> {
  %0 = weir.resample %x {dim = 0} : tensor<3x4xf32> -> tensor<2x4xf32>
  %1 = weir.pool %0 {dim = 0} : tensor<2x4xf32> -> tensor<1x4xf32>
  return %1 : tensor<1x4xf32>
}
