// RUN: not weir-opt %s --pass-pipeline='builtin.module(func.func(weir-band-attention{token-axis=x=1 before=4}),weir-continual{token-axis=x=1 semantics=stream chunk=3})' 2>&1 | FileCheck %s --check-prefix=HOLD
// RUN: not weir-opt %s --pass-pipeline='builtin.module(func.func(weir-band-attention{token-axis=x=1 before=3}),weir-continual{token-axis=x=1 semantics=stream chunk=4})' 2>&1 | FileCheck %s --check-prefix=DIVIDE
// RUN: weir-opt %s --pass-pipeline='builtin.module(func.func(weir-band-attention{token-axis=x=1 before=3}),weir-continual{token-axis=x=1 rows=last semantics=stream chunk=3})' 2>&1 | FileCheck %s --check-prefix=FITS
// RUN: weir-opt %s --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 rows=-2 semantics=deep chunk=2})' 2>&1 | FileCheck %s --check-prefix=DEEP

// The first of three new tokens sees four before it, but six are held: three would do. A
// window of six does not begin where a step of four does. Attentions of deep semantics see
// what fits.
// HOLD: error: {{.*}}stands in the way of semantics=stream: the oldest of 3 new tokens sees 4 before it, which a window of 6 does not hold
// HOLD: help: give a --window of at least 7 tokens
// DIVIDE: error: a window of 6 tokens is no multiple of the 4 tokens of a step
// DIVIDE: help: give --window=8, or a --chunk that divides 6
// FITS-LABEL: func @step(
// FITS:         onnx.Softmax {{.*}} -> tensor<1x1x4xf32>
// DEEP: warning: semantics=deep
// DEEP-LABEL: func @step(
// DEEP:         onnx.Softmax {{.*}} -> tensor<1x1x5xf32>
func.func @window(%x: tensor<1x6x2xf32> {weir.input = "x"}) -> (tensor<1x6x2xf32> {weir.output = "y"}) {
  %k = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x6x2xf32>) -> tensor<1x2x6xf32>
  %s = onnx.MatMul %x, %k : (tensor<1x6x2xf32>, tensor<1x2x6xf32>) -> tensor<1x6x6xf32>
  %p = onnx.Softmax %s {axis = -1 : si64} : (tensor<1x6x6xf32>) -> tensor<1x6x6xf32>
  %y = onnx.MatMul %p, %x : (tensor<1x6x6xf32>, tensor<1x6x2xf32>) -> tensor<1x6x2xf32>
  return %y : tensor<1x6x2xf32>
}
