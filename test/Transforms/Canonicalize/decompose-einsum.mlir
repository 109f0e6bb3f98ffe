// RUN: weir-opt %s --weir-canonicalize --split-input-file | FileCheck %s
// RUN: weir-opt %s --weir-canonicalize --split-input-file -o /dev/null \
// RUN:   --remarks-filter=weir --remark-format=emitRemark --verify-diagnostics

// Scores: a batch of products.
// CHECK-LABEL: func @scores(
// CHECK-SAME:    %[[Q:.*]]: tensor<2x4x3x8xf32>, %[[K:.*]]: tensor<2x5x3x8xf32>
// CHECK-DAG:     %[[QT:.*]] = onnx.Transpose %[[Q]] {perm = [0, 2, 1, 3]} : {{.*}} -> tensor<2x3x4x8xf32>
// CHECK-DAG:     %[[KT:.*]] = onnx.Transpose %[[K]] {perm = [0, 2, 3, 1]} : {{.*}} -> tensor<2x3x8x5xf32>
// CHECK:         onnx.MatMul %[[QT]], %[[KT]]
// CHECK-NEXT:    return
func.func @scores(%q: tensor<2x4x3x8xf32>, %k: tensor<2x5x3x8xf32>) -> tensor<2x3x4x5xf32> {
  %0 = onnx.Einsum %q, %k {equation = "bqhd,bkhd->bhqk"}
     : (tensor<2x4x3x8xf32>, tensor<2x5x3x8xf32>) -> tensor<2x3x4x5xf32>
  return %0 : tensor<2x3x4x5xf32>
}

// -----

// A projection to heads: rows stay rows, columns are merged and split again.
// CHECK-LABEL: func @projection(
// CHECK-SAME:    %[[X:.*]]: tensor<2x4x8xf32>, %[[W:.*]]: tensor<8x3x5xf32>
// CHECK:         %[[M:.*]] = onnx.Reshape %[[W]], %{{.*}} -> tensor<8x15xf32>
// CHECK-NEXT:    %[[Y:.*]] = onnx.MatMul %[[X]], %[[M]]
// CHECK-NEXT:    onnx.Reshape %[[Y]], %{{.*}} -> tensor<2x4x3x5xf32>
func.func @projection(%x: tensor<2x4x8xf32>, %w: tensor<8x3x5xf32>) -> tensor<2x4x3x5xf32> {
  %0 = onnx.Einsum %x, %w {equation = "bnd,dhk->bnhk"}
     : (tensor<2x4x8xf32>, tensor<8x3x5xf32>) -> tensor<2x4x3x5xf32>
  return %0 : tensor<2x4x3x5xf32>
}

// -----

// One operand, reordered.
// CHECK-LABEL: func @reorder(
// CHECK-NEXT:    onnx.Transpose %{{.*}} {perm = [2, 0, 1]}
func.func @reorder(%x: tensor<2x4x8xf32>) -> tensor<8x2x4xf32> {
  %0 = onnx.Einsum %x {equation = "abc->cab"} : (tensor<2x4x8xf32>) -> tensor<8x2x4xf32>
  return %0 : tensor<8x2x4xf32>
}

// -----

// A diagonal, and a letter that only one operand sums, are no products.
// CHECK-LABEL: func @no_product(
// CHECK:         onnx.Einsum
// CHECK:         onnx.Einsum
func.func @no_product(%x: tensor<4x4xf32>, %y: tensor<4x3xf32>) -> (tensor<4x3xf32>, tensor<4xf32>) {
  // expected-remark@+1 {{equation 'ii,ij->ij' is no product of two matrices}}
  %0 = onnx.Einsum %x, %y {equation = "ii,ij->ij"} : (tensor<4x4xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
  // expected-remark@+1 {{equation 'ij,jk->i' is no product of two matrices}}
  %1 = onnx.Einsum %x, %y {equation = "ij,jk->i"} : (tensor<4x4xf32>, tensor<4x3xf32>) -> tensor<4xf32>
  return %0, %1 : tensor<4x3xf32>, tensor<4xf32>
}
