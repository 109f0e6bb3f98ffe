// RUN: weir-opt %s | weir-opt | FileCheck %s
// RUN: weir-opt %s --mlir-print-op-generic | weir-opt | FileCheck %s

// Every op prints what it parses.
// CHECK-LABEL: func @rings(
// CHECK:       weir.ring_push %{{.*}}, %{{.*}}, %{{.*}} {axis = #weir.axis<dim = 1, lead = 1, tokens = 6>, positions = array<i64: 0, 6>} : tensor<1x2x4xf32>, tensor<1x7x4xf32>
// CHECK:       weir.shift_push %{{.*}}, %{{.*}} {axis = #weir.axis<dim = 1, lead = 1, tokens = 6>, positions = array<i64: 0, 6>} : tensor<1x2x4xf32>, tensor<1x7x4xf32>
// CHECK:       weir.ring_read %{{.*}}, %{{.*}} {axis = #weir.axis<dim = 1, lead = 1, tokens = 6>, positions = array<i64: 3>} : tensor<1x7x4xf32> -> tensor<1x1x4xf32>
// CHECK:       weir.roll %{{.*}}, %{{.*}} {axis = #weir.axis<dim = 2, inner = 2, tokens = 2>} : tensor<1x7x4xf32>
// CHECK:       weir.select_rows %{{.*}} {dim = 1 : i64, extent = 7 : i64, indices = array<i64: 2, 0>, inner = 1 : i64} : tensor<1x7x4xf32> -> tensor<1x2x4xf32>
func.func @rings(%x: tensor<1x2x4xf32>, %ring: tensor<1x7x4xf32>, %t: index) {
  %0 = weir.ring_push %x, %ring, %t {axis = #weir.axis<dim = 1, lead = 1, tokens = 6>, positions = array<i64: 0, 6>} : tensor<1x2x4xf32>, tensor<1x7x4xf32>
  %4 = weir.shift_push %x, %ring {axis = #weir.axis<dim = 1, lead = 1, tokens = 6>, positions = array<i64: 0, 6>} : tensor<1x2x4xf32>, tensor<1x7x4xf32>
  %1 = weir.ring_read %0, %t {axis = #weir.axis<dim = 1, lead = 1, tokens = 6>, positions = array<i64: 3>} : tensor<1x7x4xf32> -> tensor<1x1x4xf32>
  %2 = weir.roll %0, %t {axis = #weir.axis<dim = 2, inner = 2, tokens = 2>} : tensor<1x7x4xf32>
  %3 = weir.select_rows %0 {dim = 1 : i64, inner = 1 : i64, extent = 7 : i64, indices = array<i64: 2, 0>} : tensor<1x7x4xf32> -> tensor<1x2x4xf32>
  return
}

// What knows of tokens that have not come: all rows in slot order, or some by position.
// CHECK-LABEL: func @absent(
// CHECK:       weir.mask_absent lowest %{{.*}}, %{{.*}} {axis = #weir.axis<dim = 1, lead = 1, tokens = 6>} : tensor<1x7x4xf32>
// CHECK:       weir.mask_absent zero %{{.*}}, %{{.*}} {axis = #weir.axis<dim = 1, lead = 1, tokens = 6>, positions = array<i64: 0, 6>} : tensor<1x2x4xf32>
// CHECK:       weir.scale_to_present %{{.*}}, %{{.*}} {axis = #weir.axis<dim = 1, tokens = 6>} : tensor<1x2x4xf32>
func.func @absent(%x: tensor<1x2x4xf32>, %w: tensor<1x7x4xf32>, %t: index) {
  %0 = weir.mask_absent lowest %w, %t {axis = #weir.axis<dim = 1, lead = 1, tokens = 6>} : tensor<1x7x4xf32>
  %1 = weir.mask_absent zero %x, %t {axis = #weir.axis<dim = 1, lead = 1, tokens = 6>, positions = array<i64: 0, 6>} : tensor<1x2x4xf32>
  %2 = weir.scale_to_present %1, %t {axis = #weir.axis<dim = 1, tokens = 6>} : tensor<1x2x4xf32>
  return
}

// Attentions: leading dimensions broadcast, and a bias may have none.
// CHECK-LABEL: func @attention(
// CHECK:       weir.attention softmax %{{.*}}, %{{.*}}, %{{.*}} : tensor<2x8x4xf32>, tensor<6x4xf32>, tensor<6x3xf32> -> tensor<2x8x3xf32>
// CHECK:       weir.attention laplace %{{.*}}, %{{.*}}, %{{.*}} bias %{{.*}} {guarded, scale = 5.000000e-01 : f64} : tensor<2x8x4xf32>, tensor<6x4xf32>, tensor<6x3xf32>, tensor<6xf32> -> tensor<2x8x3xf32>
func.func @attention(%q: tensor<2x8x4xf32>, %k: tensor<6x4xf32>, %v: tensor<6x3xf32>, %b: tensor<6xf32>) {
  %0 = weir.attention softmax %q, %k, %v : tensor<2x8x4xf32>, tensor<6x4xf32>, tensor<6x3xf32> -> tensor<2x8x3xf32>
  %1 = weir.attention laplace %q, %k, %v bias %b {scale = 0.5 : f64, guarded} : tensor<2x8x4xf32>, tensor<6x4xf32>, tensor<6x3xf32>, tensor<6xf32> -> tensor<2x8x3xf32>
  return
}
