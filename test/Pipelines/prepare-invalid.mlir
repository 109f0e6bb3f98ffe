// RUN: not weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-prepare{token-axis=x=1 window=5})' 2>&1 | FileCheck %s --check-prefix=FIXED

// A fixed length contradicts another window.
// FIXED: error: the window is 5, but the model fixes 8 tokens in 'x:1'
func.func @window(%x: tensor<1x8x4xf32> {weir.input = "x"}) -> (tensor<1x8x4xf32> {weir.output = "y"}) {
  %0 = onnx.Softmax %x : (tensor<1x8x4xf32>) -> tensor<1x8x4xf32>
  return %0 : tensor<1x8x4xf32>
}
