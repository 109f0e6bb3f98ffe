// RUN: weir-opt %s --weir-canonicalize --split-input-file | FileCheck %s

#row = affine_map<(i, j) -> (i)>
#both = affine_map<(i, j) -> (i, j)>

// Where the maximum stands is computed for nobody.
// CHECK-LABEL: func @max(
// CHECK:         %[[Y:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<2xf32>)
// CHECK-NOT:       linalg.index
// CHECK:         } -> tensor<2xf32>
// CHECK:         return %[[Y]]
func.func @max(%x: tensor<2x3xf32>, %low: tensor<2xf32>, %at: tensor<2xi64>) -> tensor<2xf32> {
  %y:2 = linalg.generic {indexing_maps = [#both, #row, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<2x3xf32>) outs(%low, %at : tensor<2xf32>, tensor<2xi64>) {
  ^bb0(%in: f32, %most: f32, %index: i64):
    %i = linalg.index 1 : index
    %j = arith.index_cast %i : index to i64
    %max = arith.maximumf %in, %most : f32
    %larger = arith.cmpf ogt, %in, %most : f32
    %where = arith.select %larger, %j, %index : i64
    linalg.yield %max, %where : f32, i64
  } -> (tensor<2xf32>, tensor<2xi64>)
  return %y#0 : tensor<2xf32>
}

// -----

// Weights are turned here and now.
// CHECK-LABEL: func @turned(
// CHECK-NEXT:    %[[W:.*]] = arith.constant dense<{{\[\[}}1.000000e+00, 3.000000e+00, 5.000000e+00], [2.000000e+00, 4.000000e+00, 6.000000e+00]]>
// CHECK-NEXT:    return %[[W]]
func.func @turned() -> tensor<2x3xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %e = tensor.empty() : tensor<2x3xf32>
  %t = linalg.generic {indexing_maps = [affine_map<(i, j) -> (j, i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%w : tensor<3x2xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<2x3xf32>
  return %t : tensor<2x3xf32>
}

// -----

// What somebody reads stays.
// CHECK-LABEL: func @read(
// CHECK:         linalg.generic
// CHECK:         } -> (tensor<2xf32>, tensor<2xf32>)
func.func @read(%x: tensor<2x3xf32>, %a: tensor<2xf32>, %b: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %y:2 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<2x3xf32>) outs(%a, %b : tensor<2xf32>, tensor<2xf32>) {
  ^bb0(%in: f32, %most: f32, %least: f32):
    %max = arith.maximumf %in, %most : f32
    %min = arith.minimumf %in, %least : f32
    linalg.yield %max, %min : f32, f32
  } -> (tensor<2xf32>, tensor<2xf32>)
  return %y#0, %y#1 : tensor<2xf32>, tensor<2xf32>
}
