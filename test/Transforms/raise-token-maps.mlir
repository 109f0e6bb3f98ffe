// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(weir-raise-token-maps{token-axis=x=1}))' | FileCheck %s
// RUN: weir-opt %s --split-input-file --remarks-filter=weir --remark-format=emitRemark --pass-pipeline='builtin.module(func.func(weir-raise-token-maps{token-axis=x=1}))' 2>&1 | FileCheck %s --check-prefix=SAYS

// The first two of three frequencies, from either side, and back.
// CHECK-LABEL: func @transform(
// CHECK-SAME:    %[[X:.*]]: tensor<1x3x2xf32>
// CHECK:         %[[D:.*]] = weir.dct %[[X]] {dim = 1 : i64} : tensor<1x3x2xf32> -> tensor<1x2x2xf32>
// CHECK:         %[[T:.*]] = onnx.Transpose
// CHECK:         %[[E:.*]] = weir.dct %[[T]] {dim = 2 : i64} : tensor<1x2x3xf32> -> tensor<1x2x2xf32>
// CHECK:         %[[S:.*]] = onnx.Add %[[D]], %[[E]]
// CHECK:         weir.idct %[[S]] {dim = 1 : i64} : tensor<1x2x2xf32> -> tensor<1x3x2xf32>
func.func @transform(%x: tensor<1x3x2xf32> {weir.input = "x"}) -> tensor<1x3x2xf32> {
  %d = onnx.Constant dense<[[0.577350269, 0.577350269, 0.577350269], [0.707106781, 0.0, -0.707106781]]> : tensor<2x3xf32>
  %e = onnx.Constant dense<[[0.577350269, 0.707106781], [0.577350269, 0.0], [0.577350269, -0.707106781]]> : tensor<3x2xf32>
  %0 = onnx.MatMul %d, %x : (tensor<2x3xf32>, tensor<1x3x2xf32>) -> tensor<1x2x2xf32>
  %t = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x3x2xf32>) -> tensor<1x2x3xf32>
  %1 = onnx.MatMul %t, %e : (tensor<1x2x3xf32>, tensor<3x2xf32>) -> tensor<1x2x2xf32>
  %2 = onnx.Add %0, %1 : (tensor<1x2x2xf32>, tensor<1x2x2xf32>) -> tensor<1x2x2xf32>
  %3 = onnx.MatMul %e, %2 : (tensor<3x2xf32>, tensor<1x2x2xf32>) -> tensor<1x3x2xf32>
  return %3 : tensor<1x3x2xf32>
}

// -----

// Resampled to two, and means of two blocks: 3 of 5 tokens and the other 2.
// CHECK-LABEL: func @fewer(
// CHECK:         weir.resample %{{.*}} {dim = 1 : i64} : tensor<1x5x2xf32> -> tensor<1x2x2xf32>
// CHECK:         weir.pool %{{.*}} {dim = 1 : i64} : tensor<1x5x2xf32> -> tensor<1x2x2xf32>
func.func @fewer(%x: tensor<1x5x2xf32> {weir.input = "x"}) -> (tensor<1x2x2xf32>, tensor<1x2x2xf32>) {
  %r = onnx.Constant dense<[[0.468999405, 0.366250775, 0.2, 0.033749225, -0.068999405], [-0.068999405, 0.033749225, 0.2, 0.366250775, 0.468999405]]> : tensor<2x5xf32>
  %p = onnx.Constant dense<[[0.333333333, 0.333333333, 0.333333333, 0.0, 0.0], [0.0, 0.0, 0.0, 0.5, 0.5]]> : tensor<2x5xf32>
  %0 = onnx.MatMul %r, %x : (tensor<2x5xf32>, tensor<1x5x2xf32>) -> tensor<1x2x2xf32>
  %1 = onnx.MatMul %p, %x : (tensor<2x5xf32>, tensor<1x5x2xf32>) -> tensor<1x2x2xf32>
  return %0, %1 : tensor<1x2x2xf32>, tensor<1x2x2xf32>
}

// -----

// A weight that is off by a hundredth is no transform, and one of features is none of tokens.
// CHECK-LABEL: func @others(
// CHECK:         %[[A:.*]] = onnx.MatMul
// CHECK:         %[[B:.*]] = onnx.MatMul
// CHECK:         return %[[A]], %[[B]]
// SAYS:          remark: [Missed] onnx.MatMul | Category:weir | Reason="holds the matrix of a map along tokens, but mixes other rows"
func.func @others(%x: tensor<1x3x2xf32> {weir.input = "x"}) -> (tensor<1x1x2xf32>, tensor<1x3x2xf32>) {
  %m = onnx.Constant dense<[[0.577350269, 0.58, 0.577350269]]> : tensor<1x3xf32>
  %d = onnx.Constant dense<[[0.707106781, 0.707106781], [0.707106781, -0.707106781]]> : tensor<2x2xf32>
  %0 = onnx.MatMul %m, %x : (tensor<1x3xf32>, tensor<1x3x2xf32>) -> tensor<1x1x2xf32>
  %1 = onnx.MatMul %x, %d : (tensor<1x3x2xf32>, tensor<2x2xf32>) -> tensor<1x3x2xf32>
  return %0, %1 : tensor<1x1x2xf32>, tensor<1x3x2xf32>
}
