// RUN: weir-opt %s | weir-opt | FileCheck %s
// RUN: weir-opt %s --mlir-print-op-generic | weir-opt | FileCheck %s

// Every op prints what it parses; columns may be absent.
// CHECK-LABEL: func @attentions(
// CHECK:       %[[S:.*]]:5 = weir.retroactive_attention guarded %{{.*}}, %{{.*}} states(%{{.*}}) leaving(%{{.*}}, %{{.*}}) entering(%{{.*}}, %{{.*}}) attributes {keys = #weir.axis<dim = 2, tokens = 7>, queries = #weir.axis<dim = 1, lead = 1, tokens = 7>, tolerance = 5.000000e-06 : f64} {
// CHECK-NEXT:  ^bb0(%{{.*}}: index):
// CHECK-NEXT:    weir.yield %{{.*}} : tensor<2x1x7xf32>
// CHECK:       columns(tensor<2x8x1xf32>, tensor<1x4xf32>) (tensor<2x8x1xf32>, tensor<1x4xf32>)
// CHECK:       weir.retroactive_attention published
// CHECK-NOT:   leaving
// CHECK:       weir.weighted_mean %[[S]]#3, %[[S]]#1 : tensor<2x8x4xf32>, tensor<2x8xf32>
func.func @attentions(%v: tensor<7x4xf32>, %t: index, %r: tensor<2x8xf32>, %a: tensor<2x8x4xf32>, %n: tensor<2xi64>,
                      %s: tensor<2x8x1xf32>, %u: tensor<1x4xf32>, %row: tensor<2x1x7xf32>) {
  %0:5 = weir.retroactive_attention guarded %v, %t states(%r, %r, %r, %a, %n) leaving(%s, %u) entering(%s, %u)
      attributes {queries = #weir.axis<dim = 1, lead = 1, tokens = 7>, keys = #weir.axis<dim = 2, tokens = 7>, tolerance = 5.0e-6 : f64} {
    ^bb0(%slot: index):
      weir.yield %row : tensor<2x1x7xf32>
    } : tensor<7x4xf32> (tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8x4xf32>, tensor<2xi64>)
        columns (tensor<2x8x1xf32>, tensor<1x4xf32>) (tensor<2x8x1xf32>, tensor<1x4xf32>)
        -> tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8x4xf32>, tensor<2xi64>
  %1:5 = weir.retroactive_attention published %v, %t states(%r, %r, %r, %a, %n)
      attributes {queries = #weir.axis<dim = 1, lead = 1, tokens = 7>, keys = #weir.axis<dim = 2, tokens = 7>, tolerance = 5.0e-6 : f64} {
    ^bb0(%slot: index):
      weir.yield %row : tensor<2x1x7xf32>
    } : tensor<7x4xf32> (tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8x4xf32>, tensor<2xi64>)
        -> tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8x4xf32>, tensor<2xi64>
  %2 = weir.weighted_mean %0#3, %0#1 : tensor<2x8x4xf32>, tensor<2x8xf32>
  return
}
