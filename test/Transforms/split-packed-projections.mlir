// RUN: weir-opt %s --weir-split-packed-projections --split-input-file | FileCheck %s
// RUN: weir-opt %s --weir-split-packed-projections --split-input-file -o /dev/null \
// RUN:   --remarks-filter=weir --remark-format=emitRemark --verify-diagnostics

// Two slices behind bias, reshape and transpose: two products of half the columns.
// CHECK-LABEL: func @packed(
// CHECK-SAME:    %[[X:.*]]: tensor<3x2xf32>
// CHECK-NEXT:    %[[WQ:.*]] = onnx.Constant dense<{{\[\[}}0.000000e+00, 1.000000e+00], [4.000000e+00, 5.000000e+00]]>
// CHECK-NEXT:    %[[Q:.*]] = onnx.MatMul %[[X]], %[[WQ]]
// CHECK-NEXT:    %[[BQ:.*]] = onnx.Constant dense<[1.000000e+00, 2.000000e+00]>
// CHECK-NEXT:    %[[QB:.*]] = onnx.Add %[[Q]], %[[BQ]]
// CHECK:         %[[QR:.*]] = onnx.Reshape %[[QB]], %{{.*}} -> tensor<3x1x2xf32>
// CHECK-NEXT:    %[[QT:.*]] = onnx.Transpose %[[QR]] {perm = [1, 0, 2]}
// CHECK:         %[[WK:.*]] = onnx.Constant dense<{{\[\[}}2.000000e+00, 3.000000e+00], [6.000000e+00, 7.000000e+00]]>
// CHECK-NEXT:    onnx.MatMul %[[X]], %[[WK]]
// CHECK:         return %[[QT]], %
func.func @packed(%x: tensor<3x2xf32>) -> (tensor<1x3x2xf32>, tensor<1x3x2xf32>) {
  %n = onnx.NoValue
  %0 = onnx.Constant dense<0> : tensor<1xi64>
  %1 = onnx.Constant dense<1> : tensor<1xi64>
  %2 = onnx.Constant dense<2> : tensor<1xi64>
  %s = onnx.Constant dense<[3, 2, 2]> : tensor<3xi64>
  %w = onnx.Constant dense<[[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0]]> : tensor<2x4xf32>
  %b = onnx.Constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %y = onnx.MatMul %x, %w : (tensor<3x2xf32>, tensor<2x4xf32>) -> tensor<3x4xf32>
  %z = onnx.Add %y, %b : (tensor<3x4xf32>, tensor<4xf32>) -> tensor<3x4xf32>
  %r = onnx.Reshape %z, %s : (tensor<3x4xf32>, tensor<3xi64>) -> tensor<3x2x2xf32>
  %t = onnx.Transpose %r {perm = [1, 0, 2]} : (tensor<3x2x2xf32>) -> tensor<2x3x2xf32>
  %q = onnx.Slice %t, %0, %1, %0, %n
     : (tensor<2x3x2xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<1x3x2xf32>
  %k = onnx.Slice %t, %1, %2, %0, %n
     : (tensor<2x3x2xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<1x3x2xf32>
  return %q, %k : tensor<1x3x2xf32>, tensor<1x3x2xf32>
}

// -----

// Rotary embeddings use the whole product besides its halves: it stays one.
// CHECK-LABEL: func @rotary(
// CHECK:         onnx.MatMul {{.*}} -> tensor<3x4xf32>
// CHECK-NOT:     onnx.MatMul
func.func @rotary(%x: tensor<3x2xf32>) -> (tensor<3x2xf32>, tensor<3x4xf32>) {
  %n = onnx.NoValue
  %0 = onnx.Constant dense<0> : tensor<1xi64>
  %1 = onnx.Constant dense<1> : tensor<1xi64>
  %2 = onnx.Constant dense<2> : tensor<1xi64>
  %w = onnx.Constant dense<[[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0]]> : tensor<2x4xf32>
  %y = onnx.MatMul %x, %w : (tensor<3x2xf32>, tensor<2x4xf32>) -> tensor<3x4xf32>
  // expected-remark@+1 {{keeps the packed product: not all its uses are slices apart}}
  %h = onnx.Slice %y, %0, %2, %1, %n
     : (tensor<3x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<3x2xf32>
  return %h, %y : tensor<3x2xf32>, tensor<3x4xf32>
}

// -----

// A slice that cuts through the columns of the product cannot be followed.
// CHECK-LABEL: func @rows(
// CHECK:         onnx.Slice
func.func @rows(%x: tensor<3x2xf32>) -> tensor<1x4xf32> {
  %n = onnx.NoValue
  %0 = onnx.Constant dense<0> : tensor<1xi64>
  %1 = onnx.Constant dense<1> : tensor<1xi64>
  %w = onnx.Constant dense<[[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0]]> : tensor<2x4xf32>
  %y = onnx.MatMul %x, %w : (tensor<3x2xf32>, tensor<2x4xf32>) -> tensor<3x4xf32>
  %h = onnx.Slice %y, %0, %1, %0, %n
     : (tensor<3x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<1x4xf32>
  return %h : tensor<1x4xf32>
}
