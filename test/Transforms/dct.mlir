// RUN: weir-opt %s --pass-pipeline='builtin.module(func.func(weir-dct{token-axis=x=1 variant=qkv keep=3 approximate=true}))' | FileCheck %s --check-prefix=QKV
// RUN: weir-opt %s --pass-pipeline='builtin.module(func.func(weir-dct{token-axis=x=1 variant=qkv keep=3 fold=false approximate=true}))' | FileCheck %s --check-prefix=PLAIN
// RUN: weir-opt %s --pass-pipeline='builtin.module(func.func(weir-dct{token-axis=x=1 variant=x keep=3 approximate=true}))' | FileCheck %s --check-prefix=FORM
// RUN: weir-opt %s --pass-pipeline='builtin.module(func.func(weir-dct{token-axis=x=1 variant=pool keep=3 approximate=true}))' | FileCheck %s --check-prefix=POOL
// RUN: weir-opt %s --pass-pipeline='builtin.module(func.func(weir-dct{token-axis=x=1 variant=resample keep=8}))' | FileCheck %s --check-prefix=ALL

// Folded, three rows are projected; a bias meets the transform of ones, which is in the
// first row; tokens are made again behind the output's projection, before its bias.
// QKV-LABEL: func @window(
// QKV-SAME:    %[[X:.*]]: tensor<1x8x4xf32>
// QKV:         %[[D:.*]] = weir.dct %[[X]] {dim = 1 : i64} : tensor<1x8x4xf32> -> tensor<1x3x4xf32>
// QKV:         %[[P:.*]] = onnx.MatMul %[[D]], %{{.*}} -> tensor<1x3x4xf32>
// QKV:         %[[B:.*]] = onnx.Constant dense<{{\[\[\[}}2.82842708, 5.65685415, 8.48528099, 11.3137083], [0.000000e+00, {{.*}} : tensor<1x3x4xf32>
// QKV:         %[[Q:.*]] = onnx.Add %[[P]], %[[B]]
// QKV:         %[[Y:.*]] = weir.attention softmax %[[Q]], %[[P]], %[[P]] {scale = 5.000000e-01 : f64}
// QKV:         %[[O:.*]] = onnx.MatMul %[[Y]], %{{.*}} -> tensor<1x3x4xf32>
// QKV:         %[[T:.*]] = weir.idct %[[O]] {dim = 1 : i64} : tensor<1x3x4xf32> -> tensor<1x8x4xf32>
// QKV:         onnx.Add %[[T]]

// PLAIN-LABEL: func @window(
// PLAIN:         %[[Q:.*]] = onnx.Add {{.*}} -> tensor<1x8x4xf32>
// PLAIN:         %[[D:.*]] = weir.dct %[[Q]]
// PLAIN:         %[[Y:.*]] = weir.attention softmax %[[D]]
// PLAIN-NEXT:    weir.idct %[[Y]]

// The authors' other form adds the bias as it is.
// FORM-LABEL: func @window(
// FORM-SAME:    %[[X:.*]]: tensor<1x8x4xf32>
// FORM:         %[[B:.*]] = onnx.Constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00]>
// FORM:         %[[D:.*]] = weir.dct %[[X]]
// FORM:         %[[P:.*]] = onnx.MatMul %[[D]]
// FORM:         onnx.Add %[[P]], %[[B]] : (tensor<1x3x4xf32>, tensor<4xf32>)

// Queries stay tokens.
// POOL-LABEL: func @window(
// POOL-SAME:    %[[X:.*]]: tensor<1x8x4xf32>
// POOL:         %[[K:.*]] = weir.pool %[[X]]
// POOL:         %[[P:.*]] = onnx.MatMul %[[K]]
// POOL:         weir.attention softmax %{{.*}}, %[[P]], %[[P]] {{.*}} : tensor<1x8x4xf32>, tensor<1x3x4xf32>, tensor<1x3x4xf32> -> tensor<1x8x4xf32>
// POOL-NOT:     weir.idct

// As many pseudo-tokens as tokens: full attention, which needs no leave.
// ALL-LABEL: func @window(
// ALL-NOT:     weir.resample
// ALL:         weir.attention softmax {{.*}} : tensor<1x8x4xf32>, tensor<1x8x4xf32>, tensor<1x8x4xf32>
func.func @window(%x: tensor<1x8x4xf32> {weir.input = "x"}) -> tensor<1x8x4xf32> {
  %w = onnx.Constant dense<0.5> : tensor<4x4xf32>
  %b = onnx.Constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %p = onnx.MatMul %x, %w : (tensor<1x8x4xf32>, tensor<4x4xf32>) -> tensor<1x8x4xf32>
  %q = onnx.Add %p, %b : (tensor<1x8x4xf32>, tensor<4xf32>) -> tensor<1x8x4xf32>
  %y = weir.attention softmax %q, %p, %p {scale = 0.5 : f64}
    : tensor<1x8x4xf32>, tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  %o = onnx.MatMul %y, %w : (tensor<1x8x4xf32>, tensor<4x4xf32>) -> tensor<1x8x4xf32>
  %r = onnx.Add %o, %b : (tensor<1x8x4xf32>, tensor<4xf32>) -> tensor<1x8x4xf32>
  return %r : tensor<1x8x4xf32>
}
