// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(weir-annotate-token-flow{token-axis=x=1}))' | FileCheck %s

#b = affine_map<(b, i, j) -> (b, i, j)>
#row = affine_map<(b, i, j) -> (b, i, 0)>

// Queries meet keys; a maximum over keys ends sliding, and what is subtracted follows.
// CHECK-LABEL: func @attention(
// CHECK:       linalg.transpose {{.*}}weir.flow = "4 tokens in dim 2; slides with margins (0, 1)"
// CHECK:       linalg.batch_matmul {weir.flow = "4 tokens in dim 1; 4 tokens in dim 2; slides with margins (0, 1), (0, 1)"}
// CHECK:       attrs = {weir.flow = "4 tokens in dim 1; full: reduces over the token axis"}
// CHECK:       attrs = {weir.flow = "4 tokens in dim 1; 4 tokens in dim 2; full: reduces over the token axis (at linalg.generic)"}
// CHECK:       linalg.batch_matmul {weir.flow = "4 tokens in dim 1; full: reduces over the token axis (at linalg.generic)"}
func.func @attention(%x: tensor<1x4x2xf32> {weir.input = "x"}) -> tensor<1x4x2xf32> {
  %zero = arith.constant 0.0 : f32
  %e0 = tensor.empty() : tensor<1x2x4xf32>
  %t = linalg.transpose ins(%x : tensor<1x4x2xf32>) outs(%e0 : tensor<1x2x4xf32>) permutation = [0, 2, 1]
  %e1 = tensor.empty() : tensor<1x4x4xf32>
  %s1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<1x4x4xf32>) -> tensor<1x4x4xf32>
  %scores = linalg.batch_matmul ins(%x, %t : tensor<1x4x2xf32>, tensor<1x2x4xf32>) outs(%s1 : tensor<1x4x4xf32>) -> tensor<1x4x4xf32>
  %e2 = tensor.empty() : tensor<1x4x1xf32>
  %s2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<1x4x1xf32>) -> tensor<1x4x1xf32>
  %max = linalg.generic {indexing_maps = [#b, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%scores : tensor<1x4x4xf32>) outs(%s2 : tensor<1x4x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %m = arith.maximumf %in, %out : f32
    linalg.yield %m : f32
  } -> tensor<1x4x1xf32>
  %low = linalg.generic {indexing_maps = [#b, #row, #b], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%scores, %max : tensor<1x4x4xf32>, tensor<1x4x1xf32>) outs(%e1 : tensor<1x4x4xf32>) {
  ^bb0(%in: f32, %most: f32, %out: f32):
    %d = arith.subf %in, %most : f32
    linalg.yield %d : f32
  } -> tensor<1x4x4xf32>
  %e3 = tensor.empty() : tensor<1x4x2xf32>
  %s3 = linalg.fill ins(%zero : f32) outs(%e3 : tensor<1x4x2xf32>) -> tensor<1x4x2xf32>
  %y = linalg.batch_matmul ins(%low, %x : tensor<1x4x4xf32>, tensor<1x4x2xf32>) outs(%s3 : tensor<1x4x2xf32>) -> tensor<1x4x2xf32>
  return %y : tensor<1x4x2xf32>
}

// -----

// Heads, rows of all batches, one token, fixed rows in front: the axis follows.
// CHECK-LABEL: func @views(
// CHECK:       tensor.collapse_shape {{.*}}weir.flow = "6 tokens in dim 0; slides with margins (0, 1)"
// CHECK:       tensor.expand_shape {{.*}}weir.flow = "6 tokens in dim 1; slides with margins (0, 1)"
// CHECK:       tensor.collapse_shape {{.*}}weir.flow = "6 tokens in dim 1 inner 4; slides with margins (0, 1)"
// CHECK:       tensor.expand_shape {{.*}}weir.flow = "changes every step: its shape cuts the token axis"
// CHECK:       tensor.extract_slice {{.*}}weir.flow = "3 tokens in dim 1; slides with margins (0, 1)"
// CHECK:       tensor.extract_slice {{.*}}weir.flow = "changes every step: takes single tokens"
// CHECK:       tensor.concat {{.*}}weir.flow = "6 tokens in dim 1 after 1 fixed; slides with margins (0, 1)"
// CHECK:       tensor.insert_slice {{.*}}weir.flow = "6 tokens in dim 1; slides with margins (0, 1)"
// CHECK:       tensor.pad {{.*}}
// CHECK:       weir.flow = "changes every step: pads the token axis"
func.func @views(%x: tensor<2x6x4xf32> {weir.input = "x"}) {
  %class = arith.constant dense<0.5> : tensor<2x1x4xf32>
  %0 = tensor.collapse_shape %x [[0, 1], [2]] : tensor<2x6x4xf32> into tensor<12x4xf32>
  %1 = tensor.expand_shape %0 [[0, 1], [2]] output_shape [2, 6, 4] : tensor<12x4xf32> into tensor<2x6x4xf32>
  %2 = tensor.collapse_shape %1 [[0], [1, 2]] : tensor<2x6x4xf32> into tensor<2x24xf32>
  %3 = tensor.expand_shape %2 [[0], [1, 2]] output_shape [2, 3, 8] : tensor<2x24xf32> into tensor<2x3x8xf32>
  %4 = tensor.extract_slice %x[0, 2, 0] [2, 3, 4] [1, 1, 1] : tensor<2x6x4xf32> to tensor<2x3x4xf32>
  %5 = tensor.extract_slice %x[0, 5, 0] [2, 1, 4] [1, 1, 1] : tensor<2x6x4xf32> to tensor<2x4xf32>
  %6 = tensor.concat dim(1) %class, %x : (tensor<2x1x4xf32>, tensor<2x6x4xf32>) -> tensor<2x7x4xf32>
  %e = tensor.empty() : tensor<2x6x8xf32>
  %7 = tensor.insert_slice %x into %e[0, 0, 4] [2, 6, 4] [1, 1, 1] : tensor<2x6x4xf32> into tensor<2x6x8xf32>
  %zero = arith.constant 0.0 : f32
  %8 = tensor.pad %x low[0, 1, 0] high[0, 0, 0] {
  ^bb0(%i: index, %j: index, %k: index):
    tensor.yield %zero : f32
  } : tensor<2x6x4xf32> to tensor<2x7x4xf32>
  return
}

// -----

#same = affine_map<(b, i, j) -> (b, i, j)>

// A body that knows which token it computes is one over window slots; so is a table that a
// sum reads, and a diagonal has no rows.
// CHECK-LABEL: func @positions(
// CHECK:       attrs = {weir.flow = "changes every step: its body reads the position of tokens"}
// CHECK:       attrs = {weir.flow = "3 tokens in dim 1; full: a constant varies along the token axis"}
// CHECK:       attrs = {weir.flow = "changes every step: reads a diagonal of tokens"}
func.func @positions(%x: tensor<1x3x3xf32> {weir.input = "x"}) {
  %table = arith.constant dense<[[1.0], [2.0], [3.0]]> : tensor<3x1xf32>
  %e = tensor.empty() : tensor<1x3x3xf32>
  %0 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<1x3x3xf32>) outs(%e : tensor<1x3x3xf32>) {
  ^bb0(%in: f32, %out: f32):
    %i = linalg.index 1 : index
    %j = arith.index_cast %i : index to i32
    %f = arith.sitofp %j : i32 to f32
    %s = arith.mulf %in, %f : f32
    linalg.yield %s : f32
  } -> tensor<1x3x3xf32>
  %1 = linalg.generic {indexing_maps = [#same, affine_map<(b, i, j) -> (i, 0)>, #same], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %table : tensor<1x3x3xf32>, tensor<3x1xf32>) outs(%e : tensor<1x3x3xf32>) {
  ^bb0(%in: f32, %row: f32, %out: f32):
    %s = arith.addf %in, %row : f32
    linalg.yield %s : f32
  } -> tensor<1x3x3xf32>
  %e1 = tensor.empty() : tensor<3xf32>
  %2 = linalg.generic {indexing_maps = [affine_map<(i) -> (0, i, i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%x : tensor<1x3x3xf32>) outs(%e1 : tensor<3xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<3xf32>
  return
}
