// RUN: weir-opt %s --weir-canonicalize --split-input-file | FileCheck %s

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

// What is summed by nobody is no product of matrices.
// CHECK-LABEL: func @elementwise(
// CHECK-SAME:    %[[X:.*]]: tensor<2x3xf32>, %[[Y:.*]]: tensor<3xf32>
// CHECK:         %[[R:.*]] = onnx.Reshape %[[Y]], %{{.*}} -> tensor<1x3xf32>
// CHECK-NEXT:    %[[P:.*]] = onnx.Mul %[[X]], %[[R]]
// CHECK-NEXT:    return %[[P]]
func.func @elementwise(%x: tensor<2x3xf32>, %y: tensor<3xf32>) -> tensor<2x3xf32> {
  %0 = onnx.Einsum %x, %y {equation = "ij,j->ij"} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// A diagonal is a sum of nothing else; a letter that only one operand has is summed first.
// CHECK-LABEL: func @sums(
// CHECK-SAME:    %[[X:.*]]: tensor<2x2xf32>, %[[Y:.*]]: tensor<2x3xf32>
// CHECK-DAG:     %[[I:.*]] = onnx.Constant dense<{{\[\[}}true, false], [false, true]]>
// CHECK-DAG:     %[[XI:.*]] = onnx.Where %[[I]], %[[X]], %{{.*}}
// CHECK-DAG:     %[[D:.*]] = onnx.ReduceSum %[[XI]], %{{.*}} -> tensor<2xf32>
// CHECK-DAG:     %[[S:.*]] = onnx.ReduceSum %[[Y]], %{{.*}} -> tensor<2xf32>
// CHECK:         onnx.Mul %[[D]], %[[S]]
func.func @sums(%x: tensor<2x2xf32>, %y: tensor<2x3xf32>) -> tensor<2xf32> {
  %0 = onnx.Einsum %x, %y {equation = "ii,ij->i"} : (tensor<2x2xf32>, tensor<2x3xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// Products of two, left to right; an ellipsis stands for any letters, and a size of 1 for all.
// CHECK-LABEL: func @chain(
// CHECK-SAME:    %[[A:.*]]: tensor<5x1x2x3xf32>, %[[B:.*]]: tensor<3x4xf32>, %[[C:.*]]: tensor<5x6x4x7xf32>
// CHECK:         %[[AB:.*]] = onnx.MatMul %{{.*}}, %[[B]] : {{.*}} -> tensor<5x2x4xf32>
// CHECK:         onnx.MatMul %{{.*}}, %{{.*}} -> tensor<5x2x42xf32>
// CHECK:         onnx.Transpose %{{.*}} -> tensor<5x6x2x7xf32>
func.func @chain(%a: tensor<5x1x2x3xf32>, %b: tensor<3x4xf32>, %c: tensor<5x6x4x7xf32>) -> tensor<5x6x2x7xf32> {
  %0 = onnx.Einsum %a, %b, %c {equation = "...ij,jk,...kl->...il"}
     : (tensor<5x1x2x3xf32>, tensor<3x4xf32>, tensor<5x6x4x7xf32>) -> tensor<5x6x2x7xf32>
  return %0 : tensor<5x6x2x7xf32>
}
