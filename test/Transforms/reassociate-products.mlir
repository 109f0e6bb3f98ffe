// RUN: weir-opt %s --weir-reassociate-products | FileCheck %s

// One row of weights meets frequencies: the transform of 8 values goes to the weights.
// CHECK-LABEL: func @weights(
// CHECK-SAME:    %[[P:.*]]: tensor<1x8xf32>, %[[C:.*]]: tensor<8x32xf32>
// CHECK-NEXT:    %[[F:.*]] = weir.dct %[[P]] {dim = 1 : i64} : tensor<1x8xf32> -> tensor<1x8xf32>
// CHECK-NEXT:    onnx.MatMul %[[F]], %[[C]]
func.func @weights(%p: tensor<1x8xf32>, %c: tensor<8x32xf32>) -> tensor<1x32xf32> {
  %v = weir.idct %c {dim = 0} : tensor<8x32xf32> -> tensor<8x32xf32>
  %y = onnx.MatMul %p, %v : (tensor<1x8xf32>, tensor<8x32xf32>) -> tensor<1x32xf32>
  return %y : tensor<1x32xf32>
}

// Through a transpose, to the scores.
// CHECK-LABEL: func @scores(
// CHECK-SAME:    %[[Q:.*]]: tensor<2x1x32xf32>, %[[C:.*]]: tensor<2x8x32xf32>
// CHECK-NEXT:    %[[T:.*]] = onnx.Transpose %[[C]]
// CHECK-NEXT:    %[[S:.*]] = onnx.MatMul %[[Q]], %[[T]] : {{.*}} -> tensor<2x1x8xf32>
// CHECK-NEXT:    weir.idct %[[S]] {dim = 2 : i64} : tensor<2x1x8xf32> -> tensor<2x1x16xf32>
func.func @scores(%q: tensor<2x1x32xf32>, %c: tensor<2x8x32xf32>) -> tensor<2x1x16xf32> {
  %k = weir.idct %c {dim = 1} : tensor<2x8x32xf32> -> tensor<2x16x32xf32>
  %t = onnx.Transpose %k {perm = [0, 2, 1]} : (tensor<2x16x32xf32>) -> tensor<2x32x16xf32>
  %s = onnx.MatMul %q, %t : (tensor<2x1x32xf32>, tensor<2x32x16xf32>) -> tensor<2x1x16xf32>
  return %s : tensor<2x1x16xf32>
}

// The one row that is wanted of an inverse transform goes to the weights.
// CHECK-LABEL: func @row(
// CHECK-SAME:    %[[P:.*]]: tensor<8x8xf32>, %[[V:.*]]: tensor<8x32xf32>
// CHECK-NEXT:    %[[A:.*]] = weir.idct %[[P]] {dim = 0 : i64} : tensor<8x8xf32> -> tensor<16x8xf32>
// CHECK-NEXT:    %[[R:.*]] = weir.select_rows %[[A]] {{.*}}indices = array<i64: 15>{{.*}} -> tensor<1x8xf32>
// CHECK-NEXT:    onnx.MatMul %[[R]], %[[V]]
func.func @row(%p: tensor<8x8xf32>, %v: tensor<8x32xf32>) -> tensor<1x32xf32> {
  %o = onnx.MatMul %p, %v : (tensor<8x8xf32>, tensor<8x32xf32>) -> tensor<8x32xf32>
  %a = weir.idct %o {dim = 0} : tensor<8x32xf32> -> tensor<16x32xf32>
  %r = weir.select_rows %a {dim = 0, inner = 1, extent = 16, indices = array<i64: 15>}
      : tensor<16x32xf32> -> tensor<1x32xf32>
  return %r : tensor<1x32xf32>
}

// A constant matrix is a map like others, and so is resampling.
// CHECK-LABEL: func @constant(
// CHECK:         %[[M:.*]] = onnx.Constant
// CHECK-NEXT:    %[[A:.*]] = onnx.MatMul %{{.*}}, %[[M]] : (tensor<1x6xf32>, tensor<6x4xf32>) -> tensor<1x4xf32>
// CHECK-NEXT:    onnx.MatMul %[[A]], %{{.*}} : (tensor<1x4xf32>, tensor<4x32xf32>)
// CHECK-LABEL: func @resampled(
// CHECK:         weir.dct %{{.*}} {dim = 1 : i64} : tensor<1x4xf32> -> tensor<1x4xf32>
// CHECK-NEXT:    weir.idct %{{.*}} {dim = 1 : i64} : tensor<1x4xf32> -> tensor<1x16xf32>
// CHECK:         onnx.Mul
// CHECK-NEXT:    onnx.MatMul
func.func @constant(%p: tensor<1x6xf32>, %v: tensor<4x32xf32>) -> tensor<1x32xf32> {
  %m = onnx.Constant dense<0.5> : tensor<6x4xf32>
  %w = onnx.MatMul %m, %v : (tensor<6x4xf32>, tensor<4x32xf32>) -> tensor<6x32xf32>
  %y = onnx.MatMul %p, %w : (tensor<1x6xf32>, tensor<6x32xf32>) -> tensor<1x32xf32>
  return %y : tensor<1x32xf32>
}
func.func @resampled(%p: tensor<1x4xf32>, %v: tensor<16x32xf32>) -> tensor<1x32xf32> {
  %w = weir.resample %v {dim = 0} : tensor<16x32xf32> -> tensor<4x32xf32>
  %y = onnx.MatMul %p, %w : (tensor<1x4xf32>, tensor<4x32xf32>) -> tensor<1x32xf32>
  return %y : tensor<1x32xf32>
}

// Many rows are dearer to transform than the frequencies that they meet; and what others
// read is made anyway.
// CHECK-LABEL: func @many(
// CHECK-NEXT:    %[[V:.*]] = weir.idct
// CHECK-NEXT:    onnx.MatMul %{{.*}}, %[[V]]
// CHECK-LABEL: func @shared(
// CHECK-NEXT:    %[[V:.*]] = weir.idct
// CHECK-NEXT:    onnx.MatMul %{{.*}}, %[[V]]
func.func @many(%p: tensor<64x8xf32>, %c: tensor<8x32xf32>) -> tensor<64x32xf32> {
  %v = weir.idct %c {dim = 0} : tensor<8x32xf32> -> tensor<8x32xf32>
  %y = onnx.MatMul %p, %v : (tensor<64x8xf32>, tensor<8x32xf32>) -> tensor<64x32xf32>
  return %y : tensor<64x32xf32>
}
func.func @shared(%p: tensor<1x8xf32>, %c: tensor<8x32xf32>) -> (tensor<1x32xf32>, tensor<8x32xf32>) {
  %v = weir.idct %c {dim = 0} : tensor<8x32xf32> -> tensor<8x32xf32>
  %y = onnx.MatMul %p, %v : (tensor<1x8xf32>, tensor<8x32xf32>) -> tensor<1x32xf32>
  return %y, %v : tensor<1x32xf32>, tensor<8x32xf32>
}
