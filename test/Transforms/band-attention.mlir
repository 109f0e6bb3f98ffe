// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(weir-band-attention{token-axis=x=1 before=1}))' | FileCheck %s
// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(weir-band-attention{token-axis=x=1 before=2 after=2}))' | FileCheck %s --check-prefix=ALL
// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(weir-band-attention{token-axis=x=1 before=1}))' --remarks-filter=weir --remark-format=emitRemark --verify-diagnostics
// RUN: not weir-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(weir-band-attention{token-axis=z=1}))' 2>&1 | FileCheck %s --check-prefix=NAME

// NAME: there is no input 'z'

// Each query keeps its own key and the one before. A band that holds all keys masks none.
// CHECK-LABEL: func @queries_first(
// CHECK:       %[[S:.*]] = onnx.MatMul
// CHECK-NEXT:  %[[B:.*]] = onnx.Constant dense<{{\[\[}}[0.000000e+00, 0xFF800000, 0xFF800000], [0.000000e+00, 0.000000e+00, 0xFF800000], [0xFF800000, 0.000000e+00, 0.000000e+00]]]> : tensor<1x3x3xf32>
// CHECK-NEXT:  %[[M:.*]] = onnx.Add %[[S]], %[[B]]
// CHECK-NEXT:  onnx.Softmax %[[M]]
// ALL-LABEL: func @queries_first(
// ALL-NOT:     onnx.Add
func.func @queries_first(%x: tensor<1x3x2xf32> {weir.input = "x"}) -> tensor<1x3x3xf32> {
  %k = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x3x2xf32>) -> tensor<1x2x3xf32>
  %s = onnx.MatMul %x, %k : (tensor<1x3x2xf32>, tensor<1x2x3xf32>) -> tensor<1x3x3xf32>
  %p = onnx.Softmax %s {axis = -1 : si64} : (tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  return %p : tensor<1x3x3xf32>
}

// -----

// Keys may stand before queries.
// CHECK-LABEL: func @keys_first(
// CHECK:       onnx.Constant dense<{{\[\[}}[0.000000e+00, 0.000000e+00, 0xFF800000], [0xFF800000, 0.000000e+00, 0.000000e+00], [0xFF800000, 0xFF800000, 0.000000e+00]]]> : tensor<1x3x3xf32>
func.func @keys_first(%x: tensor<1x3x2xf32> {weir.input = "x"}) -> tensor<1x3x3xf32> {
  %k = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x3x2xf32>) -> tensor<1x2x3xf32>
  %s = onnx.MatMul %x, %k : (tensor<1x3x2xf32>, tensor<1x2x3xf32>) -> tensor<1x3x3xf32>
  %p = onnx.Softmax %s {axis = 1 : si64} : (tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  return %p : tensor<1x3x3xf32>
}

// -----

// A class token is a key that stands nowhere.
// CHECK-LABEL: func @class_token(
// CHECK-NOT:   onnx.Add
func.func @class_token(%x: tensor<1x2x2xf32> {weir.input = "x"}) -> tensor<1x3x3xf32> {
  %c = onnx.Constant dense<1.0> : tensor<1x1x2xf32>
  %t = onnx.Concat %c, %x {axis = 1 : si64} : (tensor<1x1x2xf32>, tensor<1x2x2xf32>) -> tensor<1x3x2xf32>
  %k = onnx.Transpose %t {perm = [0, 2, 1]} : (tensor<1x3x2xf32>) -> tensor<1x2x3xf32>
  %s = onnx.MatMul %t, %k : (tensor<1x3x2xf32>, tensor<1x2x3xf32>) -> tensor<1x3x3xf32>
  // expected-remark@+1 {{its queries or keys are not all, and only, the tokens}}
  %p = onnx.Softmax %s {axis = -1 : si64} : (tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  return %p : tensor<1x3x3xf32>
}

// -----

// Weights that pool tokens belong to no query.
// CHECK-LABEL: func @pooling(
// CHECK-NOT:   onnx.Add
func.func @pooling(%x: tensor<1x3x2xf32> {weir.input = "x"}) -> tensor<1x3x2xf32> {
  // expected-remark@+1 {{its queries are no tokens}}
  %p = onnx.Softmax %x {axis = 1 : si64} : (tensor<1x3x2xf32>) -> tensor<1x3x2xf32>
  return %p : tensor<1x3x2xf32>
}
