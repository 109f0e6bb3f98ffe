// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 retroactive=never})' --remarks-filter=weir --remark-format=emitRemark --verify-diagnostics

// A full attention of all rows is computed again each step, and its softmax is to blame.
// expected-remark@unknown {{node 'attention.softmax' (Softmax): softmax over the token axis}}
// expected-remark@+1 {{Remark=attention, form=regular, node=attention.softmax, rows=all}}
func.func @window(%x: tensor<1x4x2xf32> {weir.input = "x"}) -> (tensor<1x4x2xf32> {weir.output = "y"}) {
  %w = onnx.Constant dense<0.5> : tensor<2x2xf32>
  %q = onnx.MatMul %x, %w : (tensor<1x4x2xf32>, tensor<2x2xf32>) -> tensor<1x4x2xf32>
  %k = onnx.Transpose %q {perm = [0, 2, 1]} : (tensor<1x4x2xf32>) -> tensor<1x2x4xf32>
  %s = onnx.MatMul %q, %k : (tensor<1x4x2xf32>, tensor<1x2x4xf32>) -> tensor<1x4x4xf32>
  %p = onnx.Softmax %s {axis = -1 : si64} : (tensor<1x4x4xf32>) -> tensor<1x4x4xf32> loc("attention.softmax")
  %o = onnx.MatMul %p, %x : (tensor<1x4x4xf32>, tensor<1x4x2xf32>) -> tensor<1x4x2xf32>
  return %o : tensor<1x4x2xf32>
}

// -----

// A step that costs what the window costs says so, and why.
// expected-remark@unknown {{node 'mix' (Warp): 'onnx.Warp' mixes tokens in a way that is not known}}
// expected-warning@unknown {{node 'mix' (Warp): 'onnx.Warp' mixes tokens in a way that is not known: a step saves nothing over the window: it takes 16 multiply-accumulates, the window 16}}
// expected-note@unknown {{help: what treats each token alike, or reads neighbours at fixed distances (a convolution), slides}}
// expected-remark@+1 {{a step saves nothing over the window}}
func.func @window(%x: tensor<1x4x2xf32> {weir.input = "x"}) -> (tensor<1x4x2xf32> {weir.output = "y"}) {
  %w = onnx.Constant dense<0.5> : tensor<2x2xf32>
  %0 = "onnx.Warp"(%x) : (tensor<1x4x2xf32>) -> tensor<1x4x2xf32> loc("mix")
  %1 = onnx.MatMul %0, %w : (tensor<1x4x2xf32>, tensor<2x2xf32>) -> tensor<1x4x2xf32>
  return %1 : tensor<1x4x2xf32>
}
