// RUN: weir-opt %s --allow-unregistered-dialect --convert-weir-to-linalg | FileCheck %s

// All rows are updated by the key that leaves and the one that enters; then each slot
// asks whether its row must be built, and only there the body is run.
// CHECK-LABEL: func @update(
// CHECK-SAME:    %[[R:[a-z0-9]*]]: tensor<2x8xf32>, %[[D:[a-z0-9]*]]: tensor<2x8xf32>, %[[B:[a-z0-9]*]]: tensor<2x8xf32>, {{.*}} %[[A:[a-z0-9]*]]: tensor<2x8x4xf32>)
// CHECK:         linalg.generic {{.*}} outs(%[[D]] : tensor<2x8xf32>)
// CHECK:         linalg.generic {{.*}} outs(%[[B]] : tensor<2x8xf32>)
// CHECK:         linalg.generic {{.*}} outs(%[[R]] : tensor<2x8xf32>)
// CHECK:         linalg.generic {{.*}} outs(%[[A]] : tensor<2x8x4xf32>)
// CHECK:         scf.for %[[SLOT:[a-z0-9]*]] =
// CHECK:           scf.if
// CHECK:             "test.scores"(%[[SLOT]])
// CHECK:             tensor.insert_slice {{.*}} tensor<2x1x4xf32> into tensor<2x8x4xf32>
// CHECK:         return
func.func @update(%v: tensor<2x8x4xf32>, %t: index, %r: tensor<2x8xf32>, %d: tensor<2x8xf32>, %b: tensor<2x8xf32>,
                  %n: tensor<2xi64>, %s: tensor<2x8x1xf32>, %u: tensor<2x1x4xf32>, %a: tensor<2x8x4xf32>) -> tensor<2x8x4xf32> {
  %0:5 = weir.retroactive_attention guarded %v, %t states(%r, %d, %b, %a, %n) leaving(%s, %u) entering(%s, %u)
      attributes {queries = #weir.axis<dim = 1, tokens = 8>, keys = #weir.axis<dim = 2, tokens = 8>, tolerance = 5.0e-6 : f64} {
    ^bb0(%slot: index):
      %row = "test.scores"(%slot) : (index) -> tensor<2x1x8xf32>
      weir.yield %row : tensor<2x1x8xf32>
    } : tensor<2x8x4xf32> (tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8x4xf32>, tensor<2xi64>)
        columns (tensor<2x8x1xf32>, tensor<2x1x4xf32>) (tensor<2x8x1xf32>, tensor<2x1x4xf32>)
        -> tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8x4xf32>, tensor<2xi64>
  return %0#3 : tensor<2x8x4xf32>
}

// Without columns there is nothing to update: every row is built.
// CHECK-LABEL: func @build(
// CHECK-NOT:     exp
// CHECK:         scf.for
// CHECK:           scf.if
func.func @build(%v: tensor<3x4xf32>, %t: index, %r: tensor<3xf32>, %a: tensor<3x4xf32>, %n: tensor<2xi64>,
                 %row: tensor<1x3xf32>) -> tensor<3x4xf32> {
  %0:5 = weir.retroactive_attention guarded %v, %t states(%r, %r, %r, %a, %n)
      attributes {queries = #weir.axis<dim = 0, tokens = 3>, keys = #weir.axis<dim = 1, tokens = 3>, tolerance = 5.0e-6 : f64} {
    ^bb0(%slot: index):
      weir.yield %row : tensor<1x3xf32>
    } : tensor<3x4xf32> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3x4xf32>, tensor<2xi64>)
        -> tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3x4xf32>, tensor<2xi64>
  return %0#3 : tensor<3x4xf32>
}

// A mean divides each row by its normalizer.
// CHECK-LABEL: func @mean(
// CHECK:         linalg.generic
// CHECK:           arith.divf
func.func @mean(%a: tensor<3x4xf32>, %d: tensor<3xf32>) -> tensor<3x4xf32> {
  %0 = weir.weighted_mean %a, %d : tensor<3x4xf32>, tensor<3xf32>
  return %0 : tensor<3x4xf32>
}
