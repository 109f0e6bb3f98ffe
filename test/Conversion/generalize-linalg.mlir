// RUN: weir-opt %s --weir-generalize-linalg | FileCheck %s

// CHECK-DAG: #[[$TURNED:.*]] = affine_map<(d0, d1) -> (d1, d0)>
// CHECK-DAG: #[[$SAME:.*]] = affine_map<(d0, d1) -> (d0, d1)>

// Named ops become generics; a fill tells what a destination holds, and stays.
// CHECK-LABEL: func @named(
// CHECK:         linalg.generic {indexing_maps = [#[[$TURNED]], #[[$SAME]]]
// CHECK:         linalg.fill
// CHECK:         linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]
// CHECK-NOT:     linalg.matmul
func.func @named(%x: tensor<2x3xf32>, %w: tensor<2x4xf32>) -> tensor<3x4xf32> {
  %e = tensor.empty() : tensor<3x2xf32>
  %t = linalg.transpose ins(%x : tensor<2x3xf32>) outs(%e : tensor<3x2xf32>) permutation = [1, 0]
  %zero = arith.constant 0.0 : f32
  %f = tensor.empty() : tensor<3x4xf32>
  %s = linalg.fill ins(%zero : f32) outs(%f : tensor<3x4xf32>) -> tensor<3x4xf32>
  %y = linalg.matmul ins(%t, %w : tensor<3x2xf32>, tensor<2x4xf32>) outs(%s : tensor<3x4xf32>) -> tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}

// Softmax against the largest score of each row.
// CHECK-LABEL: func @softmax(
// CHECK:         arith.maxnumf
// CHECK:         arith.subf
// CHECK-NEXT:    math.exp
// CHECK:         arith.addf
// CHECK:         arith.divf
// CHECK-NOT:     linalg.softmax
func.func @softmax(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %e = tensor.empty() : tensor<2x3xf32>
  %y = linalg.softmax dimension(1) ins(%x : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// Booleans are read from bytes, and written to them.
// CHECK-LABEL: func @booleans(
// CHECK-SAME:    %[[M:.*]]: tensor<3xi1>
// CHECK:         %[[IN:.*]] = onnx.Cast %[[M]] {to = i8}
// CHECK:         %[[Y:.*]] = linalg.generic {{.*}} ins(%[[IN]] : tensor<3xi8>)
// CHECK:           arith.cmpi ne
// CHECK:           arith.extui %{{.*}} : i1 to i8
// CHECK:         onnx.Cast %[[Y]] {to = i1}
func.func @booleans(%m: tensor<3xi1>) -> tensor<3xi1> {
  %e = tensor.empty() : tensor<3xi1>
  %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%m : tensor<3xi1>) outs(%e : tensor<3xi1>) {
  ^bb0(%in: i1, %out: i1):
    %true = arith.constant true
    %not = arith.xori %in, %true : i1
    linalg.yield %not : i1
  } -> tensor<3xi1>
  return %y : tensor<3xi1>
}

// What works in the place of a destination that holds something does so by its name, and
// constants that are one number stay where they are.
// CHECK-LABEL: func @kept(
// CHECK-SAME:    %[[A:.*]]: tensor<3xf32>
// CHECK:         arith.constant dense<1.000000e+00> : tensor<3xf32>
// CHECK:         onnx.Constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00]>
// CHECK:         linalg.add {{.*}} outs(%[[A]] : tensor<3xf32>)
func.func @kept(%a: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %ones = arith.constant dense<1.0> : tensor<3xf32>
  %some = arith.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %y = linalg.add ins(%a, %some : tensor<3xf32>, tensor<3xf32>) outs(%a : tensor<3xf32>) -> tensor<3xf32>
  return %y, %ones : tensor<3xf32>, tensor<3xf32>
}
