// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(weir-dct{token-axis=x=0 variant=qkv keep=3 approximate=true}))' | FileCheck %s --check-prefix=QKV
// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(weir-dct{token-axis=x=0 variant=resample keep=3 approximate=true}))' | FileCheck %s --check-prefix=RESAMPLE

// Two sequences, tokens first: weights of keys are found a place beside what is projected,
// and their transform brings in the bias.
// QKV-LABEL: func @window(
// QKV-SAME:    %[[X:.*]]: tensor<8x2x4xf32>
// QKV:         %[[M:.*]] = onnx.Cast %{{.*}} -> tensor<2x8x1xf32>
// QKV:         %[[W:.*]] = onnx.Reshape %[[M]], {{.*}} -> tensor<2x8xf32>
// QKV:         %[[T:.*]] = onnx.Transpose %[[W]]
// QKV:         %[[C:.*]] = onnx.Reshape %[[T]], {{.*}} -> tensor<8x2x1xf32>
// QKV:         %[[Z:.*]] = onnx.Mul %[[X]], %[[C]]
// QKV:         weir.dct %[[Z]] {dim = 0 : i64} : tensor<8x2x4xf32> -> tensor<3x2x4xf32>
// QKV:         weir.dct %{{.*}} {dim = 1 : i64} : tensor<2x8xf32> -> tensor<2x3xf32>
// QKV:         weir.attention softmax
// QKV-NOT:     bias

// Pseudo-tokens weigh as many tokens as they stand for.
// RESAMPLE-LABEL: func @window(
// RESAMPLE:         %[[S:.*]] = weir.resample %{{.*}} {dim = 1 : i64} : tensor<2x8x1xf32> -> tensor<2x3x1xf32>
// RESAMPLE:         %[[U:.*]] = onnx.GreaterOrEqual %[[S]]
// RESAMPLE:         %[[L:.*]] = onnx.Log
// RESAMPLE:         %[[B:.*]] = onnx.Where %[[U]], %[[L]]
// RESAMPLE:         weir.attention softmax {{.*}} bias %{{.*}} {guarded{{.*}} tensor<2x1x3xf32>
func.func @window(%x: tensor<8x2x4xf32> {weir.input = "x"}, %m: tensor<2x1x8xi1>) -> tensor<2x8x4xf32> {
  %w = onnx.Constant dense<0.5> : tensor<4x4xf32>
  %b = onnx.Constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %low = onnx.Constant dense<-1.0e9> : tensor<f32>
  %bias = onnx.Where %m, %zero, %low : (tensor<2x1x8xi1>, tensor<f32>, tensor<f32>) -> tensor<2x1x8xf32>
  %t = onnx.Transpose %x {perm = [1, 0, 2]} : (tensor<8x2x4xf32>) -> tensor<2x8x4xf32>
  %p = onnx.MatMul %x, %w : (tensor<8x2x4xf32>, tensor<4x4xf32>) -> tensor<8x2x4xf32>
  %q = onnx.Add %p, %b : (tensor<8x2x4xf32>, tensor<4xf32>) -> tensor<8x2x4xf32>
  %k = onnx.Transpose %q {perm = [1, 0, 2]} : (tensor<8x2x4xf32>) -> tensor<2x8x4xf32>
  %y = weir.attention softmax %t, %k, %k bias %bias
    : tensor<2x8x4xf32>, tensor<2x8x4xf32>, tensor<2x8x4xf32>, tensor<2x1x8xf32> -> tensor<2x8x4xf32>
  return %y : tensor<2x8x4xf32>
}
