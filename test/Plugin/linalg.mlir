// REQUIRES: plugin
// RUN: %mlir_opt --load-dialect-plugin=%weir_plugin %s --pass-pipeline='builtin.module(func.func(weir-canonicalize),weir-continual)' | FileCheck %s

// A host's own linalg streams: of the last token's attention a step computes one row, and
// the softmax that generics spell shows where the tokens are.
// CHECK-LABEL: func @step(
// CHECK-SAME:    %[[X:.*]]: tensor<1x1x2xf32>
// CHECK-DAG:     %[[K:.*]] = weir.ring_push
// CHECK:         %[[S:.*]] = linalg.batch_matmul ins(%[[X]], %{{.*}} : tensor<1x1x2xf32>, tensor<1x2x4xf32>)
// CHECK:         %[[W:.*]] = linalg.softmax dimension(2) ins(%{{.*}} : tensor<1x1x4xf32>)
// CHECK:         linalg.batch_matmul ins(%[[W]], %{{.*}} : tensor<1x1x4xf32>, tensor<1x4x2xf32>)
#all = affine_map<(b, i, j) -> (b, i, j)>
#row = affine_map<(b, i, j) -> (b, i, 0)>
func.func @window(%x: tensor<1x4x2xf32> {weir.input = "x"}) -> (tensor<1x1x2xf32> {weir.output = "y"}) {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %e0 = tensor.empty() : tensor<1x2x4xf32>
  %t = linalg.transpose ins(%x : tensor<1x4x2xf32>) outs(%e0 : tensor<1x2x4xf32>) permutation = [0, 2, 1]
  %e1 = tensor.empty() : tensor<1x4x4xf32>
  %f1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<1x4x4xf32>) -> tensor<1x4x4xf32>
  %s = linalg.batch_matmul ins(%x, %t : tensor<1x4x2xf32>, tensor<1x2x4xf32>) outs(%f1 : tensor<1x4x4xf32>) -> tensor<1x4x4xf32>
  %e2 = tensor.empty() : tensor<1x4x1xf32>
  %f2 = linalg.fill ins(%low : f32) outs(%e2 : tensor<1x4x1xf32>) -> tensor<1x4x1xf32>
  %m = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%s : tensor<1x4x4xf32>) outs(%f2 : tensor<1x4x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.maximumf %in, %out : f32
    linalg.yield %0 : f32
  } -> tensor<1x4x1xf32>
  %e = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s, %m : tensor<1x4x4xf32>, tensor<1x4x1xf32>) outs(%e1 : tensor<1x4x4xf32>) {
  ^bb0(%in: f32, %most: f32, %out: f32):
    %0 = arith.subf %in, %most : f32
    %1 = math.exp %0 : f32
    linalg.yield %1 : f32
  } -> tensor<1x4x4xf32>
  %f3 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<1x4x1xf32>) -> tensor<1x4x1xf32>
  %n = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%e : tensor<1x4x4xf32>) outs(%f3 : tensor<1x4x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %in, %out : f32
    linalg.yield %0 : f32
  } -> tensor<1x4x1xf32>
  %w = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%e, %n : tensor<1x4x4xf32>, tensor<1x4x1xf32>) outs(%e1 : tensor<1x4x4xf32>) {
  ^bb0(%in: f32, %sum: f32, %out: f32):
    %0 = arith.divf %in, %sum : f32
    linalg.yield %0 : f32
  } -> tensor<1x4x4xf32>
  %e4 = tensor.empty() : tensor<1x4x2xf32>
  %f4 = linalg.fill ins(%zero : f32) outs(%e4 : tensor<1x4x2xf32>) -> tensor<1x4x2xf32>
  %a = linalg.batch_matmul ins(%w, %x : tensor<1x4x4xf32>, tensor<1x4x2xf32>) outs(%f4 : tensor<1x4x2xf32>) -> tensor<1x4x2xf32>
  %y = tensor.extract_slice %a[0, 3, 0] [1, 1, 2] [1, 1, 1] : tensor<1x4x2xf32> to tensor<1x1x2xf32>
  return %y : tensor<1x1x2xf32>
}
