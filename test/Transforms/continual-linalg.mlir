// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-continual{token-axis=x=1})' | FileCheck %s

// One new row through a generic and a product: what they write into is made for one row,
// and the constant that the body reads goes with it.
// CHECK-LABEL: func @step(
// CHECK-SAME:    %[[X:.*]]: tensor<1x1x2xf32>
// CHECK:         %[[ROW:.*]] = tensor.empty() : tensor<1x1x2xf32>
// CHECK-NEXT:    %[[S:.*]] = linalg.generic {{.*}} ins(%[[X]] : tensor<1x1x2xf32>) outs(%[[ROW]] : tensor<1x1x2xf32>)
// CHECK:           %[[HALF:.*]] = arith.constant 5.000000e-01
// CHECK:           arith.mulf %{{.*}}, %[[HALF]]
// CHECK:         %[[START:.*]] = linalg.fill {{.*}} -> tensor<1x1x3xf32>
// CHECK-NEXT:    linalg.batch_matmul ins(%[[S]], %{{.*}} : tensor<1x1x2xf32>, tensor<1x2x3xf32>) outs(%[[START]] : tensor<1x1x3xf32>)
#same = affine_map<(b, i, j) -> (b, i, j)>
func.func @window(%x: tensor<1x4x2xf32> {weir.input = "x"}) -> (tensor<1x3xf32> {weir.output = "y"}) {
  %half = arith.constant 0.5 : f32
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense<[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]> : tensor<1x2x3xf32>
  %e0 = tensor.empty() : tensor<1x4x2xf32>
  %s = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<1x4x2xf32>) outs(%e0 : tensor<1x4x2xf32>) {
  ^bb0(%in: f32, %out: f32):
    %m = arith.mulf %in, %half : f32
    linalg.yield %m : f32
  } -> tensor<1x4x2xf32>
  %e1 = tensor.empty() : tensor<1x4x3xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e1 : tensor<1x4x3xf32>) -> tensor<1x4x3xf32>
  %p = linalg.batch_matmul ins(%s, %w : tensor<1x4x2xf32>, tensor<1x2x3xf32>) outs(%f : tensor<1x4x3xf32>) -> tensor<1x4x3xf32>
  %y = tensor.extract_slice %p[0, 3, 0] [1, 1, 3] [1, 1, 1] : tensor<1x4x3xf32> to tensor<1x3xf32>
  return %y : tensor<1x3xf32>
}

// -----

// A sum reads the tokens in the order of the ring, which holds the fixed row as well.
// CHECK-LABEL: func @step(
// CHECK-SAME:    %[[X:.*]]: tensor<1x1x2xf32>
// CHECK:         %[[ROWS:.*]] = tensor.concat dim(1) %{{.*}}, %[[X]] : {{.*}} -> tensor<1x2x2xf32>
// CHECK:         %[[RING:.*]] = weir.ring_push %[[ROWS]], {{.*}}positions = array<i64: 0, 4>
// CHECK:         linalg.reduce {{.*}} ins(%[[RING]] : tensor<1x5x2xf32>)
func.func @window(%x: tensor<1x4x2xf32> {weir.input = "x"}) -> (tensor<1x2xf32> {weir.output = "y"}) {
  %zero = arith.constant 0.0 : f32
  %class = arith.constant dense<0.5> : tensor<1x1x2xf32>
  %c = tensor.concat dim(1) %class, %x : (tensor<1x1x2xf32>, tensor<1x4x2xf32>) -> tensor<1x5x2xf32>
  %e = tensor.empty() : tensor<1x2xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1x2xf32>) -> tensor<1x2xf32>
  %y = linalg.reduce { arith.addf } ins(%c : tensor<1x5x2xf32>) outs(%f : tensor<1x2xf32>) dimensions = [1]
  return %y : tensor<1x2xf32>
}
