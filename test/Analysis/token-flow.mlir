// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(weir-annotate-token-flow{token-axis=x=1}))' | FileCheck %s

// Batch, heads and time merge and split; the axis follows every reshape and transpose.
// CHECK-LABEL: func @views(
// CHECK:       onnx.Reshape {{.*}}weir.flow = "6 tokens in dim 0; slides with margins (0, 1)"
// CHECK:       onnx.Transpose {{.*}}weir.flow = "6 tokens in dim 1; slides with margins (0, 1)"
// CHECK:       onnx.Reshape {{.*}}weir.flow = "6 tokens in dim 1 inner 2; slides with margins (0, 1)"
func.func @views(%x: tensor<3x6x4xf32> {weir.input = "x"}) -> tensor<2x36xf32> {
  %s0 = onnx.Constant dense<[18, 2, 2]> : tensor<3xi64>
  %s1 = onnx.Constant dense<[2, 36]> : tensor<2xi64>
  %0 = onnx.Reshape %x, %s0 : (tensor<3x6x4xf32>, tensor<3xi64>) -> tensor<18x2x2xf32>
  %1 = onnx.Transpose %0 {perm = [1, 0, 2]} : (tensor<18x2x2xf32>) -> tensor<2x18x2xf32>
  %2 = onnx.Reshape %1, %s1 : (tensor<2x18x2xf32>, tensor<2xi64>) -> tensor<2x36xf32>
  return %2 : tensor<2x36xf32>
}

// -----

// A constant is tested at its use: equal rows slide, a table does not.
// CHECK-LABEL: func @tables(
// CHECK:       onnx.Add {{.*}}weir.flow = "3 tokens in dim 1; slides with margins (0, 1)"
// CHECK:       onnx.Mul {{.*}}weir.flow = "3 tokens in dim 1; full: a constant varies along the token axis"
// CHECK:       onnx.Relu {{.*}}weir.flow = "3 tokens in dim 1; full: a constant varies along the token axis (at onnx.Mul)"
func.func @tables(%x: tensor<1x3x2xf32> {weir.input = "x"}) -> tensor<1x3x2xf32> {
  %same = onnx.Constant dense<[[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]]> : tensor<3x2xf32>
  %table = onnx.Constant dense<[[1.0], [2.0], [3.0]]> : tensor<3x1xf32>
  %0 = onnx.Add %x, %same : (tensor<1x3x2xf32>, tensor<3x2xf32>) -> tensor<1x3x2xf32>
  %1 = onnx.Mul %0, %table : (tensor<1x3x2xf32>, tensor<3x1xf32>) -> tensor<1x3x2xf32>
  %2 = onnx.Relu %1 : (tensor<1x3x2xf32>) -> tensor<1x3x2xf32>
  return %2 : tensor<1x3x2xf32>
}

// -----

// Queries meet keys: two axes, a Toeplitz bias slides on both at once, one that differs
// in a single bit does not.
// CHECK-LABEL: func @scores(
// CHECK:       onnx.MatMul {{.*}}weir.flow = "3 tokens in dim 1; 3 tokens in dim 2; slides with margins (0, 1), (0, 1)"
// CHECK:       onnx.Add {{.*}}weir.flow = "3 tokens in dim 1; 3 tokens in dim 2; slides with margins (0, 1), (0, 1)"
// CHECK:       onnx.Add {{.*}}weir.flow = "3 tokens in dim 1; 3 tokens in dim 2; full: a constant varies along the token axis"
func.func @scores(%x: tensor<1x3x2xf32> {weir.input = "x"}) -> tensor<1x3x3xf32> {
  %toeplitz = onnx.Constant dense<[[0.0, 1.0, 2.0], [5.0, 0.0, 1.0], [6.0, 5.0, 0.0]]> : tensor<3x3xf32>
  %nearly = onnx.Constant dense<[[0.0, 1.0, 2.0], [5.0, 0.0, 1.0], [6.0, 5.0000005, 0.0]]> : tensor<3x3xf32>
  %k = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x3x2xf32>) -> tensor<1x2x3xf32>
  %s = onnx.MatMul %x, %k : (tensor<1x3x2xf32>, tensor<1x2x3xf32>) -> tensor<1x3x3xf32>
  %0 = onnx.Add %s, %toeplitz : (tensor<1x3x3xf32>, tensor<3x3xf32>) -> tensor<1x3x3xf32>
  %1 = onnx.Add %0, %nearly : (tensor<1x3x3xf32>, tensor<3x3xf32>) -> tensor<1x3x3xf32>
  return %1 : tensor<1x3x3xf32>
}

// -----

// A mask that leaves a band lets attention slide, with margins as wide as the band.
// CHECK-LABEL: func @band(
// CHECK:       onnx.Add {{.*}}weir.flow = "5 tokens in dim 1; 5 tokens in dim 2; slides with margins (0, 1), (0, 1); band (1, 0)"
// CHECK:       onnx.Softmax {{.*}}weir.flow = "5 tokens in dim 1; 5 tokens in dim 2; slides with margins (1, 1), (0, 1); band (1, 0)"
// CHECK:       onnx.MatMul {{.*}}weir.flow = "5 tokens in dim 1; slides with margins (1, 1)"
func.func @band(%x: tensor<1x5x2xf32> {weir.input = "x"}) -> tensor<1x5x2xf32> {
  %mask = onnx.Constant dense<[[0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000], [0xFF800000, 0.0, 0.0, 0xFF800000, 0xFF800000], [0xFF800000, 0xFF800000, 0.0, 0.0, 0xFF800000], [0xFF800000, 0xFF800000, 0xFF800000, 0.0, 0.0]]> : tensor<5x5xf32>
  %k = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x5x2xf32>) -> tensor<1x2x5xf32>
  %s = onnx.MatMul %x, %k : (tensor<1x5x2xf32>, tensor<1x2x5xf32>) -> tensor<1x5x5xf32>
  %m = onnx.Add %s, %mask : (tensor<1x5x5xf32>, tensor<5x5xf32>) -> tensor<1x5x5xf32>
  %p = onnx.Softmax %m {axis = -1 : si64} : (tensor<1x5x5xf32>) -> tensor<1x5x5xf32>
  %o = onnx.MatMul %p, %x : (tensor<1x5x5xf32>, tensor<1x5x2xf32>) -> tensor<1x5x2xf32>
  return %o : tensor<1x5x2xf32>
}

// -----

// A finite mask value makes no band of its own: scores of that size could outweigh it.
// CHECK-LABEL: func @weak_mask(
// CHECK:       onnx.Softmax {{.*}}weir.flow = "2 tokens in dim 1; 2 tokens in dim 2; full: softmax over the token axis"
func.func @weak_mask(%x: tensor<1x2x2xf32> {weir.input = "x"}) -> tensor<1x2x2xf32> {
  %mask = onnx.Constant dense<[[0.0, -10000.0], [0.0, 0.0]]> : tensor<2x2xf32>
  %k = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x2x2xf32>) -> tensor<1x2x2xf32>
  %s = onnx.MatMul %x, %k : (tensor<1x2x2xf32>, tensor<1x2x2xf32>) -> tensor<1x2x2xf32>
  %m = onnx.Add %s, %mask : (tensor<1x2x2xf32>, tensor<2x2xf32>) -> tensor<1x2x2xf32>
  %p = onnx.Softmax %m {axis = -1 : si64} : (tensor<1x2x2xf32>) -> tensor<1x2x2xf32>
  return %p : tensor<1x2x2xf32>
}

// -----

// A convolution with padding makes both ends new.
// CHECK-LABEL: func @conv(
// CHECK:       onnx.Conv {{.*}}weir.flow = "7 tokens in dim 2; slides with margins (1, 2)"
// CHECK:       onnx.Slice {{.*}}weir.flow = "5 tokens in dim 2; slides with margins (0, 1)"
// CHECK:       onnx.Slice {{.*}}weir.flow = "changes every step: takes single tokens"
func.func @conv(%x: tensor<1x7x2xf32> {weir.input = "x"}) -> tensor<1x3x1xf32> {
  %w = onnx.Constant dense<1.0> : tensor<3x2x3xf32>
  %n = onnx.NoValue
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c6 = onnx.Constant dense<6> : tensor<1xi64>
  %t = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x7x2xf32>) -> tensor<1x2x7xf32>
  %conv = onnx.Conv %t, %w, %n {pads = [1, 1]} : (tensor<1x2x7xf32>, tensor<3x2x3xf32>, none) -> tensor<1x3x7xf32>
  %s = onnx.Slice %conv, %c1, %c6, %c2, %n : (tensor<1x3x7xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<1x3x5xf32>
  %p = onnx.Slice %s, %c0, %c1, %c2, %n : (tensor<1x3x5xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<1x3x1xf32>
  return %p : tensor<1x3x1xf32>
}

// -----

// A class token is a fixed row before the tokens.
// CHECK-LABEL: func @class_token(
// CHECK:       onnx.Concat {{.*}}weir.flow = "3 tokens in dim 1 after 1 fixed; slides with margins (0, 1)"
func.func @class_token(%x: tensor<1x3x2xf32> {weir.input = "x"}) -> tensor<1x4x2xf32> {
  %cls = onnx.Constant dense<[[[1.0, 2.0]]]> : tensor<1x1x2xf32>
  %0 = onnx.Concat %cls, %x {axis = 1 : si64} : (tensor<1x1x2xf32>, tensor<1x3x2xf32>) -> tensor<1x4x2xf32>
  return %0 : tensor<1x4x2xf32>
}

// -----

// What mixes tokens in an unknown way is named.
// CHECK-LABEL: func @unknown(
// CHECK:       "onnx.Warp"{{.*}}weir.flow = "changes every step: 'onnx.Warp' mixes tokens in a way that is not known"
func.func @unknown(%x: tensor<1x3x2xf32> {weir.input = "x"}) -> tensor<1x3x2xf32> {
  %0 = "onnx.Warp"(%x) : (tensor<1x3x2xf32>) -> tensor<1x3x2xf32>
  return %0 : tensor<1x3x2xf32>
}

// -----

// Rounding to a grid is elementwise; a scale for each token is a table, one that the data
// sets is new in every step.
// CHECK-LABEL: func @quantization(
// CHECK:       onnx.QuantizeLinear {{.*}}weir.flow = "3 tokens in dim 1; slides with margins (0, 1)"
// CHECK:       onnx.DequantizeLinear {{.*}}weir.flow = "3 tokens in dim 1; full: a constant varies along the token axis"
// CHECK:       onnx.QuantizeLinear {{.*}}weir.flow = "3 tokens in dim 1; full: reduces over the token axis (at onnx.ReduceMax)"
func.func @quantization(%x: tensor<1x3x2xf32> {weir.input = "x"}) -> (tensor<1x3x2xf32>, tensor<1x3x2xui8>) {
  %n = onnx.NoValue
  %s = onnx.Constant dense<[0.5, 1.0]> : tensor<2xf32>
  %table = onnx.Constant dense<[0.5, 1.0, 1.5]> : tensor<3xf32>
  %0 = onnx.QuantizeLinear %x, %s, %n {axis = 2 : si64} : (tensor<1x3x2xf32>, tensor<2xf32>, none) -> tensor<1x3x2xui8>
  %1 = onnx.DequantizeLinear %0, %table, %n {axis = 1 : si64} : (tensor<1x3x2xui8>, tensor<3xf32>, none) -> tensor<1x3x2xf32>
  %max = onnx.ReduceMax %x, %n {keepdims = 0 : si64} : (tensor<1x3x2xf32>, none) -> tensor<f32>
  %2 = onnx.QuantizeLinear %x, %max, %n : (tensor<1x3x2xf32>, tensor<f32>, none) -> tensor<1x3x2xui8>
  return %1, %2 : tensor<1x3x2xf32>, tensor<1x3x2xui8>
}

// -----

// The lowest f16 is a score like others: where padding hides the only key of a row, those
// outside the band weigh as much.
// CHECK-LABEL: func @lowest_half(
// CHECK:       onnx.Where {{.*}}slides with margins (0, 1), (0, 1)"
func.func @lowest_half(%x: tensor<1x3x2xf32> {weir.input = "x"}) -> tensor<1x3x3xf32> {
  %keep = onnx.Constant dense<[[true, false, false], [true, true, false], [false, true, true]]> : tensor<3x3xi1>
  %low = onnx.Constant dense<-65504.0> : tensor<f32>
  %t = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x3x2xf32>) -> tensor<1x2x3xf32>
  %s = onnx.MatMul %x, %t : (tensor<1x3x2xf32>, tensor<1x2x3xf32>) -> tensor<1x3x3xf32>
  %0 = onnx.Where %keep, %s, %low : (tensor<3x3xi1>, tensor<1x3x3xf32>, tensor<f32>) -> tensor<1x3x3xf32>
  return %0 : tensor<1x3x3xf32>
}
