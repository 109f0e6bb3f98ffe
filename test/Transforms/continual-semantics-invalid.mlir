// RUN: weir-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 semantics=stream positions=exact})'

// All keys of the stream are more than a window holds.
func.func @window(%x: tensor<1x4x2xf32> {weir.input = "x"}) -> (tensor<1x4x4xf32> {weir.output = "y"}) {
  %k = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x4x2xf32>) -> tensor<1x2x4xf32>
  %s = onnx.MatMul %x, %k : (tensor<1x4x2xf32>, tensor<1x2x4xf32>) -> tensor<1x4x4xf32>
  // expected-error@+2 {{stands in the way of semantics=stream: softmax over the token axis: all tokens of the stream}}
  // expected-note@+1 {{help: use semantics=window; or semantics=deep}}
  %p = onnx.Softmax %s {axis = -1 : si64} : (tensor<1x4x4xf32>) -> tensor<1x4x4xf32>
  return %p : tensor<1x4x4xf32>
}

// -----

// A causal mask does not end inside of the window.
func.func @window(%x: tensor<1x3x2xf32> {weir.input = "x"}) -> (tensor<1x3x3xf32> {weir.output = "y"}) {
  %m = onnx.Constant dense<[[0.0, 0xFF800000, 0xFF800000], [0.0, 0.0, 0xFF800000], [0.0, 0.0, 0.0]]> : tensor<3x3xf32>
  %k = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x3x2xf32>) -> tensor<1x2x3xf32>
  %s = onnx.MatMul %x, %k : (tensor<1x3x2xf32>, tensor<1x2x3xf32>) -> tensor<1x3x3xf32>
  %b = onnx.Add %s, %m : (tensor<1x3x3xf32>, tensor<3x3xf32>) -> tensor<1x3x3xf32>
  // expected-error@+2 {{lets a token see all 2 of the window before it, and more where there are more}}
  // expected-note@+1 {{help: give a --window longer than what a token sees}}
  %p = onnx.Softmax %b {axis = -1 : si64} : (tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  return %p : tensor<1x3x3xf32>
}

// -----

// A key ahead changes what an earlier step has given.
func.func @window(%x: tensor<1x3x2xf32> {weir.input = "x"}) -> (tensor<1x3x3xf32> {weir.output = "y"}) {
  %m = onnx.Constant dense<[[0.0, 0.0, 0xFF800000], [0xFF800000, 0.0, 0.0], [0xFF800000, 0xFF800000, 0.0]]> : tensor<3x3xf32>
  %k = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x3x2xf32>) -> tensor<1x2x3xf32>
  %s = onnx.MatMul %x, %k : (tensor<1x3x2xf32>, tensor<1x2x3xf32>) -> tensor<1x3x3xf32>
  %b = onnx.Add %s, %m : (tensor<1x3x3xf32>, tensor<3x3xf32>) -> tensor<1x3x3xf32>
  // expected-error@+2 {{reads up to 1 tokens ahead, so that the results of a step would change later}}
  // expected-note@+1 {{help: use semantics=window, or a model that looks back only}}
  %p = onnx.Softmax %b {axis = -1 : si64} : (tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  return %p : tensor<1x3x3xf32>
}

// -----

// A mean over all tokens needs them all.
func.func @window(%x: tensor<1x3x2xf32> {weir.input = "x"}) -> (tensor<1x2xf32> {weir.output = "y"}) {
  %a = onnx.Constant dense<1> : tensor<1xi64>
  // expected-error@+2 {{stands in the way of semantics=stream: reduces over the token axis: all tokens of the stream}}
  // expected-note@+1 {{help: use semantics=window}}
  %y = onnx.ReduceMean %x, %a {keepdims = 0 : si64} : (tensor<1x3x2xf32>, tensor<1xi64>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// -----

// A table that is tied to the slots of a window says nothing of other tokens.
func.func @window(%x: tensor<1x2x2xf32> {weir.input = "x"}) -> (tensor<1x2x2xf32> {weir.output = "y"}) {
  %t = onnx.Constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  // expected-error@+2 {{stands in the way of semantics=stream: a constant varies along the token axis}}
  // expected-note@+1 {{help: use semantics=window; absolute positions can follow their tokens with positions=recycle}}
  %y = onnx.Add %x, %t : (tensor<1x2x2xf32>, tensor<2x2xf32>) -> tensor<1x2x2xf32>
  return %y : tensor<1x2x2xf32>
}

// -----

// The first token of the stream has left when later ones come.
func.func @window(%x: tensor<1x3x2xf32> {weir.input = "x"}) -> (tensor<1x1x2xf32> {weir.output = "y"}) {
  // expected-error@+2 {{stands in the way of semantics=stream: takes a token that has not come}}
  // expected-note@+1 {{help: use semantics=window}}
  %y = weir.select_rows %x {dim = 1, inner = 1, extent = 3, indices = array<i64: 0>} : tensor<1x3x2xf32> -> tensor<1x1x2xf32>
  return %y : tensor<1x1x2xf32>
}
