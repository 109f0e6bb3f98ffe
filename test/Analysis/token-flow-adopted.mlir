// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(weir-annotate-token-flow{token-axis=x=1}))' | FileCheck %s

// What is gathered by relative position (DeBERTa) carries keys since scores do: first the
// queries' own term, then that of the keys, behind a transpose.
// CHECK-LABEL: func @disentangled(
// CHECK:       onnx.GatherElements {{.*}}weir.flow = "3 tokens in dim 1; 3 tokens in dim 2; slides with margins (0, 1), (0, 1)"
// CHECK:       onnx.Transpose %{{.*}}weir.flow = "3 tokens in dim 1; 3 tokens in dim 2; slides with margins (0, 1), (0, 1)"
// CHECK:       onnx.Add {{.*}}weir.flow = "3 tokens in dim 1; 3 tokens in dim 2; slides with margins (0, 1), (0, 1)"
// CHECK:       onnx.Add {{.*}}weir.flow = "3 tokens in dim 1; 3 tokens in dim 2; slides with margins (0, 1), (0, 1)"
func.func @disentangled(%x: tensor<1x3x2xf32> {weir.input = "x"}) -> tensor<1x3x3xf32> {
  %w = onnx.Constant dense<1.0> : tensor<2x4xf32>
  %i = onnx.Constant dense<[[[1, 0, 0], [2, 1, 0], [3, 2, 1]]]> : tensor<1x3x3xi64>
  %k = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x3x2xf32>) -> tensor<1x2x3xf32>
  %s = onnx.MatMul %x, %k : (tensor<1x3x2xf32>, tensor<1x2x3xf32>) -> tensor<1x3x3xf32>
  %r = onnx.MatMul %x, %w : (tensor<1x3x2xf32>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
  %c2p = onnx.GatherElements %r, %i {axis = 2 : si64} : (tensor<1x3x4xf32>, tensor<1x3x3xi64>) -> tensor<1x3x3xf32>
  %p2c = onnx.Transpose %c2p {perm = [0, 2, 1]} : (tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  %0 = onnx.Add %s, %c2p : (tensor<1x3x3xf32>, tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  %1 = onnx.Add %0, %p2c : (tensor<1x3x3xf32>, tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  return %1 : tensor<1x3x3xf32>
}

// -----

// Indices that are no function of the distance do not slide, and say so.
// CHECK-LABEL: func @by_position(
// CHECK:       onnx.GatherElements {{.*}}weir.flow = "3 tokens in dim 1; 3 tokens in dim 2; full: a constant varies along the token axis"
func.func @by_position(%x: tensor<1x3x2xf32> {weir.input = "x"}) -> tensor<1x3x3xf32> {
  %i = onnx.Constant dense<[[[1, 0, 0], [0, 0, 1], [1, 1, 1]]]> : tensor<1x3x3xi64>
  %k = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x3x2xf32>) -> tensor<1x2x3xf32>
  %s = onnx.MatMul %x, %k : (tensor<1x3x2xf32>, tensor<1x2x3xf32>) -> tensor<1x3x3xf32>
  %c = onnx.GatherElements %x, %i {axis = 2 : si64} : (tensor<1x3x2xf32>, tensor<1x3x3xi64>) -> tensor<1x3x3xf32>
  %0 = onnx.Add %s, %c : (tensor<1x3x3xf32>, tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  return %0 : tensor<1x3x3xf32>
}

// -----

// Padding of keys that meets a mask of queries and keys before the scores do: the mask is
// tested along both, and leaves its band.
// CHECK-LABEL: func @mask_of_mask(
// CHECK:       onnx.Where {{.*}}weir.flow = "3 tokens in dim 1; 3 tokens in dim 2; slides with margins (0, 1), (0, 1); band (0, 1)"
// CHECK:       onnx.Add {{.*}}weir.flow = "3 tokens in dim 1; 3 tokens in dim 2; slides with margins (0, 1), (0, 1); band (0, 1)"
func.func @mask_of_mask(%x: tensor<1x3x1xf32> {weir.input = "x"}) -> tensor<1x3x3xf32> {
  %mask = onnx.Constant dense<[[true, true, false], [false, true, true], [false, false, true]]> : tensor<3x3xi1>
  %low = onnx.Constant dense<0xFF800000> : tensor<f32>
  %k = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x3x1xf32>) -> tensor<1x1x3xf32>
  %s = onnx.MatMul %x, %k : (tensor<1x3x1xf32>, tensor<1x1x3xf32>) -> tensor<1x3x3xf32>
  %m = onnx.Where %mask, %k, %low : (tensor<3x3xi1>, tensor<1x1x3xf32>, tensor<f32>) -> tensor<1x3x3xf32>
  %0 = onnx.Add %s, %m : (tensor<1x3x3xf32>, tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  return %0 : tensor<1x3x3xf32>
}

// -----

// A row repeated for each query carries queries once scores are added to it, through a
// reshape and an elementwise op too.
// CHECK-LABEL: func @repeated(
// CHECK:       onnx.Expand {{.*}}weir.flow = "3 tokens in dim 1; 3 tokens in dim 2; slides with margins (0, 1), (0, 1)"
// CHECK:       onnx.Tanh {{.*}}weir.flow = "3 tokens in dim 1; 3 tokens in dim 2; slides with margins (0, 1), (0, 1)"
// CHECK:       onnx.Reshape {{.*}}weir.flow = "3 tokens in dim 2; 3 tokens in dim 3; slides with margins (0, 1), (0, 1)"
func.func @repeated(%x: tensor<1x3x1xf32> {weir.input = "x"}) -> tensor<1x1x3x3xf32> {
  %shape = onnx.Constant dense<[1, 3, 3]> : tensor<3xi64>
  %more = onnx.Constant dense<[1, 1, 3, 3]> : tensor<4xi64>
  %k = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x3x1xf32>) -> tensor<1x1x3xf32>
  %s = onnx.MatMul %x, %k : (tensor<1x3x1xf32>, tensor<1x1x3xf32>) -> tensor<1x3x3xf32>
  %s4 = onnx.Reshape %s, %more : (tensor<1x3x3xf32>, tensor<4xi64>) -> tensor<1x1x3x3xf32>
  %e = onnx.Expand %k, %shape : (tensor<1x1x3xf32>, tensor<3xi64>) -> tensor<1x3x3xf32>
  %t = onnx.Tanh %e : (tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  %t4 = onnx.Reshape %t, %more : (tensor<1x3x3xf32>, tensor<4xi64>) -> tensor<1x1x3x3xf32>
  %0 = onnx.Add %s4, %t4 : (tensor<1x1x3x3xf32>, tensor<1x1x3x3xf32>) -> tensor<1x1x3x3xf32>
  return %0 : tensor<1x1x3x3xf32>
}
