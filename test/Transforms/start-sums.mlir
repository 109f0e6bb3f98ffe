// RUN: weir-opt %s --weir-start-sums --canonicalize | FileCheck %s
// RUN: weir-opt %s --weir-start-sums -o /dev/null \
// RUN:   --remarks-filter=weir --remark-format=emitRemark --verify-diagnostics

#row = affine_map<(m, n, k) -> (m, k)>
#column = affine_map<(m, n, k) -> (k, n)>
#result = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(m, n) -> (m, n)>
#turned = affine_map<(m, n) -> (n, m)>
#bias = affine_map<(m, n) -> (n)>
#id3 = affine_map<(b, m, n) -> (b, m, n)>
#bias3 = affine_map<(b, m, n) -> (n)>

// A bias is where sums begin; nothing is left to do afterwards.
// CHECK-LABEL: func @bias(
// CHECK-SAME:    %[[X:.*]]: tensor<3x2xf32>, %[[W:.*]]: tensor<2x4xf32>, %[[B:.*]]: tensor<4xf32>
// CHECK-NOT:     linalg.fill
// CHECK:         %[[S:.*]] = linalg.generic {{.*}} ins(%[[B]] : tensor<4xf32>)
// CHECK:         %[[Y:.*]] = linalg.generic {{.*}} ins(%[[X]], %[[W]] :{{.*}}outs(%[[S]] :
// CHECK:         return %[[Y]]
func.func @bias(%x: tensor<3x2xf32>, %w: tensor<2x4xf32>, %b: tensor<4xf32>) -> tensor<3x4xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<3x4xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<3x4xf32>) -> tensor<3x4xf32>
  %p = linalg.generic {indexing_maps = [#row, #column, #result],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<3x2xf32>, tensor<2x4xf32>) outs(%z : tensor<3x4xf32>) {
  ^bb0(%a: f32, %c: f32, %acc: f32):
    %0 = arith.mulf %a, %c : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<3x4xf32>
  %y = linalg.generic {indexing_maps = [#bias, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%b, %p : tensor<4xf32>, tensor<3x4xf32>) outs(%e : tensor<3x4xf32>) {
  ^bb0(%a: f32, %c: f32, %out: f32):
    %0 = arith.addf %a, %c : f32
    linalg.yield %0 : f32
  } -> tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}

// Behind a change of shape a bias and a residual are added; the rest is done as it was.
// CHECK-LABEL: func @residual(
// CHECK-SAME:    %[[X:.*]]: tensor<3x2xf32>, %[[W:.*]]: tensor<2x4xf32>, %[[B:.*]]: tensor<4xf32>, %[[R:.*]]: tensor<1x3x4xf32>
// CHECK:         %[[S:.*]] = linalg.generic {{.*}} ins(%[[B]], %[[R]] :
// CHECK:           arith.addf
// CHECK:         %[[C:.*]] = tensor.collapse_shape %[[S]]
// CHECK:         %[[P:.*]] = linalg.generic {{.*}} ins(%[[X]], %[[W]] :{{.*}}outs(%[[C]] :
// CHECK:         %[[E:.*]] = tensor.expand_shape %[[P]]
// CHECK:         linalg.generic {{.*}} ins(%[[E]] : tensor<1x3x4xf32>)
// CHECK:           math.tanh
func.func @residual(%x: tensor<3x2xf32>, %w: tensor<2x4xf32>, %b: tensor<4xf32>,
                    %r: tensor<1x3x4xf32>) -> tensor<1x3x4xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<3x4xf32>
  %f = tensor.empty() : tensor<1x3x4xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<3x4xf32>) -> tensor<3x4xf32>
  %p = linalg.generic {indexing_maps = [#row, #column, #result],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<3x2xf32>, tensor<2x4xf32>) outs(%z : tensor<3x4xf32>) {
  ^bb0(%a: f32, %c: f32, %acc: f32):
    %0 = arith.mulf %a, %c : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<3x4xf32>
  %q = tensor.expand_shape %p [[0, 1], [2]] output_shape [1, 3, 4] : tensor<3x4xf32> into tensor<1x3x4xf32>
  %y = linalg.generic {indexing_maps = [#id3, #bias3, #id3, #id3],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%q, %b, %r : tensor<1x3x4xf32>, tensor<4xf32>, tensor<1x3x4xf32>) outs(%f : tensor<1x3x4xf32>) {
  ^bb0(%a: f32, %c: f32, %d: f32, %out: f32):
    %0 = arith.addf %a, %c : f32
    %1 = arith.addf %0, %d : f32
    %2 = math.tanh %1 : f32
    linalg.yield %2 : f32
  } -> tensor<1x3x4xf32>
  return %y : tensor<1x3x4xf32>
}

// A product that somebody else reads stays as it is.
// CHECK-LABEL: func @shared(
// CHECK:         linalg.fill
// CHECK:         arith.mulf
// CHECK:         arith.addf
func.func @shared(%x: tensor<3x2xf32>, %w: tensor<2x4xf32>, %b: tensor<4xf32>)
    -> (tensor<3x4xf32>, tensor<3x4xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<3x4xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<3x4xf32>) -> tensor<3x4xf32>
  %p = linalg.generic {indexing_maps = [#row, #column, #result],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<3x2xf32>, tensor<2x4xf32>) outs(%z : tensor<3x4xf32>) {
  ^bb0(%a: f32, %c: f32, %acc: f32):
    %0 = arith.mulf %a, %c : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<3x4xf32>
  %y = linalg.generic {indexing_maps = [#id, #bias, #id], iterator_types = ["parallel", "parallel"]}
      ins(%p, %b : tensor<3x4xf32>, tensor<4xf32>) outs(%e : tensor<3x4xf32>) {
  ^bb0(%a: f32, %c: f32, %out: f32):
    %0 = arith.addf %a, %c : f32
    linalg.yield %0 : f32
  } -> tensor<3x4xf32>
  return %p, %y : tensor<3x4xf32>, tensor<3x4xf32>
}

// Read turned, the result lies in another order than what is added.
// CHECK-LABEL: func @turned(
// CHECK:         linalg.fill
func.func @turned(%x: tensor<3x2xf32>, %w: tensor<2x3xf32>, %b: tensor<3xf32>) -> tensor<3x3xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<3x3xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<3x3xf32>) -> tensor<3x3xf32>
  // expected-remark@+1 {{starts at zeros: what is added to it lies in another order}}
  %p = linalg.generic {indexing_maps = [#row, #column, #result],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<3x2xf32>, tensor<2x3xf32>) outs(%z : tensor<3x3xf32>) {
  ^bb0(%a: f32, %c: f32, %acc: f32):
    %0 = arith.mulf %a, %c : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<3x3xf32>
  %y = linalg.generic {indexing_maps = [#turned, #bias, #id], iterator_types = ["parallel", "parallel"]}
      ins(%p, %b : tensor<3x3xf32>, tensor<3xf32>) outs(%e : tensor<3x3xf32>) {
  ^bb0(%a: f32, %c: f32, %out: f32):
    %0 = arith.addf %a, %c : f32
    linalg.yield %0 : f32
  } -> tensor<3x3xf32>
  return %y : tensor<3x3xf32>
}
