// RUN: weir-opt %s --weir-narrow-weights='min-elements=32' | FileCheck %s

#row = affine_map<(m, j, k, v) -> (m, k)>
#panel = affine_map<(m, j, k, v) -> (j, k, v)>
#split = affine_map<(m, j, k, v) -> (m, j, v)>
#left = affine_map<(m, n, k) -> (m, k)>
#right = affine_map<(m, n, k) -> (k, n)>
#result = affine_map<(m, n, k) -> (m, n)>

// Of the constants with these digests the module says more: one stays in 16 bits, and
// the rows of the other have a mean of 1.
module attributes {weir.weights = "int8", weir.products = [
    {digest = -8662840299269577450 : i64, kind = "bf16"},
    {digest = 7507607999636540884 : i64, kind = "int8",
     rows = dense<[[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
                   [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]]> : tensor<2x8xf32>}]} {

// CHECK-LABEL: func @wide(
// CHECK:         onnx.Constant dense<1.000000e+00> : tensor<2x8x16xbf16>
func.func @wide(%x: tensor<3x8xf32>, %y: tensor<3x2x16xf32>) -> tensor<3x2x16xf32> {
  %w = onnx.Constant dense<1.0> : tensor<2x8x16xf32>
  %0 = linalg.generic {indexing_maps = [#row, #panel, #split],
                       iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
      ins(%x, %w : tensor<3x8xf32>, tensor<2x8x16xf32>) outs(%y : tensor<3x2x16xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %1 = arith.mulf %a, %b : f32
    %2 = arith.addf %sum, %1 : f32
    linalg.yield %2 : f32
  } -> tensor<3x2x16xf32>
  return %0 : tensor<3x2x16xf32>
}

// Each of 7 weights of 3/8 of a unit is nearest to none. By what rows hold, they sum to
// 2.6, and some are 1.
// CHECK-LABEL: func @means(
// CHECK:         onnx.Constant dense<{{\[}}[127, 127, 127, 127, 127],
// CHECK-SAME:      [1, 1, 1, 1, 1]
// CHECK:         arith.sitofp
func.func @means(%x: tensor<3x8xf32>, %y: tensor<3x5xf32>) -> tensor<3x5xf32> {
  %w = onnx.Constant dense<[[127.0, 127.0, 127.0, 127.0, 127.0],
      [0.375, 0.375, 0.375, 0.375, 0.375], [0.375, 0.375, 0.375, 0.375, 0.375],
      [0.375, 0.375, 0.375, 0.375, 0.375], [0.375, 0.375, 0.375, 0.375, 0.375],
      [0.375, 0.375, 0.375, 0.375, 0.375], [0.375, 0.375, 0.375, 0.375, 0.375],
      [0.375, 0.375, 0.375, 0.375, 0.375]]> : tensor<8x5xf32>
  %0 = linalg.generic {indexing_maps = [#left, #right, #result],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<3x8xf32>, tensor<8x5xf32>) outs(%y : tensor<3x5xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %1 = arith.mulf %a, %b : f32
    %2 = arith.addf %sum, %1 : f32
    linalg.yield %2 : f32
  } -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}

// A constant of which nothing is said is stored as all are, rounded to the nearest.
// CHECK-LABEL: func @usual(
// CHECK:         onnx.Constant dense<{{\[}}[127, 127, 127, 127, 127],
// CHECK-NOT:     [1, 1, 1, 1, 1]
// CHECK:         arith.sitofp
func.func @usual(%x: tensor<3x8xf32>, %y: tensor<3x5xf32>) -> tensor<3x5xf32> {
  %w = onnx.Constant dense<[[127.0, 127.0, 127.0, 127.0, 127.0],
      [0.250, 0.375, 0.375, 0.375, 0.375], [0.375, 0.375, 0.375, 0.375, 0.375],
      [0.375, 0.375, 0.375, 0.375, 0.375], [0.375, 0.375, 0.375, 0.375, 0.375],
      [0.375, 0.375, 0.375, 0.375, 0.375], [0.375, 0.375, 0.375, 0.375, 0.375],
      [0.375, 0.375, 0.375, 0.375, 0.375]]> : tensor<8x5xf32>
  %0 = linalg.generic {indexing_maps = [#left, #right, #result],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<3x8xf32>, tensor<8x5xf32>) outs(%y : tensor<3x5xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %1 = arith.mulf %a, %b : f32
    %2 = arith.addf %sum, %1 : f32
    linalg.yield %2 : f32
  } -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}
}
