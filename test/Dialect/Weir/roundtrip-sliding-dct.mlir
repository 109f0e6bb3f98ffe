// RUN: weir-opt %s | weir-opt | FileCheck %s
// RUN: weir-opt %s --mlir-print-op-generic | weir-opt | FileCheck %s

// CHECK-LABEL: func @slide(
// CHECK:       weir.sliding_dct %{{.*}} leaving(%{{.*}} : tensor<2x2x3xf32>), %{{.*}} states(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) {axis = #weir.axis<dim = 1, tokens = 7, chunk = 2>} : tensor<2x2x3xf32>, tensor<2x5x3xf32>
// CHECK:       weir.dct_read %{{.*}}, %{{.*}}, %{{.*}} {axis = #weir.axis<dim = 1, tokens = 7, chunk = 2>, scale = 5.000000e-01 : f64} : tensor<2x5x3xf32>
func.func @slide(%new: tensor<2x2x3xf32>, %old: tensor<2x2x3xf32>, %t: index,
                 %r: tensor<2x5x3xf32>, %i: tensor<2x5x3xf32>, %sr: tensor<2x5x3xf32>,
                 %si: tensor<2x5x3xf32>) -> tensor<2x5x3xf32> {
  %0:4 = weir.sliding_dct %new leaving(%old : tensor<2x2x3xf32>), %t states(%r, %i, %sr, %si)
      {axis = #weir.axis<dim = 1, tokens = 7, chunk = 2>} : tensor<2x2x3xf32>, tensor<2x5x3xf32>
  %1 = weir.dct_read %0#0, %0#1, %t {axis = #weir.axis<dim = 1, tokens = 7, chunk = 2>,
      scale = 0.5 : f64} : tensor<2x5x3xf32>
  return %1 : tensor<2x5x3xf32>
}

// Made anew of a whole window.
// CHECK-LABEL: func @build(
// CHECK:       weir.sliding_dct %{{.*}}, %{{.*}} states(%{{.*}}) {{.*}} : tensor<7x3xf64>, tensor<4x3xf64>
func.func @build(%window: tensor<7x3xf64>, %t: index, %zero: tensor<4x3xf64>) -> tensor<4x3xf64> {
  %0:4 = weir.sliding_dct %window, %t states(%zero, %zero, %zero, %zero)
      {axis = #weir.axis<dim = 0, tokens = 7>} : tensor<7x3xf64>, tensor<4x3xf64>
  return %0#0 : tensor<4x3xf64>
}
