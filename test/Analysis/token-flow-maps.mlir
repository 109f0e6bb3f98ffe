// RUN: weir-opt %s --pass-pipeline='builtin.module(func.func(weir-annotate-token-flow{token-axis=x=1}))' | FileCheck %s

// Frequencies are no tokens; an inverse transform makes tokens again, with their axis.
// CHECK-LABEL: func @there_and_back(
// CHECK:       weir.dct {{.*}}weir.flow = "changes every step: transforms the token axis"
// CHECK:       onnx.MatMul {{.*}}weir.flow = "changes every step: transforms the token axis (at weir.dct)"
// CHECK:       weir.idct {{.*}}weir.flow = "8 tokens in dim 1; full: transforms the token axis (at weir.dct)"
// CHECK:       onnx.Add {{.*}}weir.flow = "8 tokens in dim 1; full: transforms the token axis (at weir.dct)"
func.func @there_and_back(%x: tensor<1x8x4xf32> {weir.input = "x"}) -> tensor<1x8x4xf32> {
  %w = onnx.Constant dense<1.0> : tensor<4x4xf32>
  %0 = weir.dct %x {dim = 1} : tensor<1x8x4xf32> -> tensor<1x3x4xf32>
  %1 = onnx.MatMul %0, %w : (tensor<1x3x4xf32>, tensor<4x4xf32>) -> tensor<1x3x4xf32>
  %2 = weir.idct %1 {dim = 1} : tensor<1x3x4xf32> -> tensor<1x8x4xf32>
  %3 = onnx.Add %x, %2 : (tensor<1x8x4xf32>, tensor<1x8x4xf32>) -> tensor<1x8x4xf32>
  return %3 : tensor<1x8x4xf32>
}

// A map along another dimension than the tokens' goes row by row.
// CHECK-LABEL: func @features(
// CHECK:       weir.dct {{.*}}weir.flow = "8 tokens in dim 1; slides with margins (0, 1)"
// CHECK:       weir.pool {{.*}}weir.flow = "8 tokens in dim 1; slides with margins (0, 1)"
func.func @features(%x: tensor<1x8x4xf32> {weir.input = "x"}) -> tensor<1x8x1xf32> {
  %0 = weir.dct %x {dim = 2} : tensor<1x8x4xf32> -> tensor<1x8x2xf32>
  %1 = weir.pool %0 {dim = 2} : tensor<1x8x2xf32> -> tensor<1x8x1xf32>
  return %1 : tensor<1x8x1xf32>
}

// What is resampled or pooled needs its tokens in window order.
// CHECK-LABEL: func @fewer(
// CHECK:       weir.resample {{.*}}weir.flow = "changes every step: resamples the token axis"
// CHECK:       weir.pool {{.*}}weir.flow = "changes every step: averages blocks of tokens"
func.func @fewer(%x: tensor<1x8x4xf32> {weir.input = "x"}) -> (tensor<1x3x4xf32>, tensor<1x3x4xf32>) {
  %0 = weir.resample %x {dim = 1} : tensor<1x8x4xf32> -> tensor<1x3x4xf32>
  %1 = weir.pool %x {dim = 1} : tensor<1x8x4xf32> -> tensor<1x3x4xf32>
  return %0, %1 : tensor<1x3x4xf32>, tensor<1x3x4xf32>
}
