// RUN: weir-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(weir-prepare-model)'
// RUN: not weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-prepare-model{token-axis=x=1 window=5})' 2>&1 | FileCheck %s --check-prefix=FIXED
// RUN: not weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-prepare-model{token-axis=x=7 window=8})' 2>&1 | FileCheck %s --check-prefix=AXIS

// A fixed length contradicts another window; an axis must be there.
// FIXED: error: the window is 5, but the model fixes 8 tokens in 'x:1'
// AXIS: error: 'x=7' names no axis of an input (INPUT=AXIS)
// expected-error@+2 {{no axis of the inputs makes queries meet keys in a softmax}}
// expected-note@+1 {{help: name the token axis with --token-axis x=AXIS; what mixes its tokens is computed again at each step}}
func.func @window(%x: tensor<1x8x4xf32> {weir.input = "x"}) -> (tensor<1x8x4xf32> {weir.output = "y"}) {
  %0 = onnx.Softmax %x : (tensor<1x8x4xf32>) -> tensor<1x8x4xf32>
  return %0 : tensor<1x8x4xf32>
}

// -----

// Rows meet rows along both axes.
// expected-error@+2 {{more than one axis of the inputs can be the token axis}}
// expected-note@+1 {{help: name it with --token-axis x=AXIS}}
func.func @window(%x: tensor<6x5x4xf32> {weir.input = "x"})
    -> (tensor<6x5x5xf32> {weir.output = "y"}, tensor<5x6x6xf32> {weir.output = "z"}) {
  %a = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<6x5x4xf32>) -> tensor<6x4x5xf32>
  %b = onnx.MatMul %x, %a : (tensor<6x5x4xf32>, tensor<6x4x5xf32>) -> tensor<6x5x5xf32>
  %y = onnx.Softmax %b : (tensor<6x5x5xf32>) -> tensor<6x5x5xf32>
  %c = onnx.Transpose %x {perm = [1, 0, 2]} : (tensor<6x5x4xf32>) -> tensor<5x6x4xf32>
  %d = onnx.Transpose %x {perm = [1, 2, 0]} : (tensor<6x5x4xf32>) -> tensor<5x4x6xf32>
  %e = onnx.MatMul %c, %d : (tensor<5x6x4xf32>, tensor<5x4x6xf32>) -> tensor<5x6x6xf32>
  %z = onnx.Softmax %e : (tensor<5x6x6xf32>) -> tensor<5x6x6xf32>
  return %y, %z : tensor<6x5x5xf32>, tensor<5x6x6xf32>
}

// -----

// Without attention, what becomes of each axis is told.
// expected-error@+4 {{no axis of the inputs makes queries meet keys in a softmax}}
// expected-note@+3 {{along 'x:1' node '' (MatMul) leaves no token axis: contracts the token axis}}
// expected-note@+2 {{along 'x:2' node '' (ReduceMax) leaves no token axis: reduces over the token axis}}
// expected-note@+1 {{help: name the token axis with --token-axis x=AXIS}}
func.func @window(%x: tensor<1x8x4xf32> {weir.input = "x"}) -> (tensor<1x8x1xf32> {weir.output = "y"}) {
  %w = onnx.Constant dense<0.5> : tensor<8x8xf32>
  %axes = onnx.Constant dense<2> : tensor<1xi64>
  %0 = onnx.MatMul %w, %x : (tensor<8x8xf32>, tensor<1x8x4xf32>) -> tensor<1x8x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<1x8x4xf32>, tensor<1xi64>) -> tensor<1x8x1xf32>
  return %1 : tensor<1x8x1xf32>
}

// -----

// A convolution that strides by two needs two tokens a step.
func.func @window(%x: tensor<1x2x8xf32> {weir.input = "x"}) -> (tensor<1x4x4xf32> {weir.output = "y"}) {
  %n = onnx.NoValue
  %w = onnx.Constant dense<0.5> : tensor<3x2x2xf32>
  // expected-error@+2 {{strides over more tokens than a step of 1 brings}}
  // expected-note@+1 {{help: give --chunk=2}}
  %k = onnx.Conv %x, %w, %n {strides = [2]} : (tensor<1x2x8xf32>, tensor<3x2x2xf32>, none) -> tensor<1x3x4xf32>
  %q = onnx.Transpose %k {perm = [0, 2, 1]} : (tensor<1x3x4xf32>) -> tensor<1x4x3xf32>
  %s = onnx.MatMul %q, %k : (tensor<1x4x3xf32>, tensor<1x3x4xf32>) -> tensor<1x4x4xf32>
  %y = onnx.Softmax %s : (tensor<1x4x4xf32>) -> tensor<1x4x4xf32>
  return %y : tensor<1x4x4xf32>
}

// -----

// Nothing is known behind an operator that nobody knows.
func.func @window(%x: tensor<1x8x4xf32> {weir.input = "x"}) -> (tensor<*xf32> {weir.output = "y"}) {
  // expected-error@+2 {{node '' (Warp): is no operator that Weir knows}}
  // expected-note@+1 {{help: replace it by standard ONNX operators that Weir has, or add it to Weir}}
  %0 = "onnx.Warp"(%x) : (tensor<1x8x4xf32>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}

// -----

// expected-error@+1 {{input x:0 has no rank; give the model's inputs shapes}}
func.func @window(%x: tensor<*xf32> {weir.input = "x"}) -> (tensor<*xf32> {weir.output = "y"}) {
  return %x : tensor<*xf32>
}

// -----

// A state that grows by what is new is a decoder's, which has no window.
func.func @window(%x: tensor<1x1x4xf32> {weir.input = "x"}, %past: tensor<1x7x4xf32> {weir.input = "past"})
    -> (tensor<1x1x8xf32> {weir.output = "y"}, tensor<1x8x4xf32> {weir.output = "present"}) {
  %new = onnx.Tanh %x : (tensor<1x1x4xf32>) -> tensor<1x1x4xf32>
  // expected-error@+2 {{joins the past, which an input brings, to what is new}}
  // expected-note@+1 {{help: export the model without its past}}
  %keys = onnx.Concat %past, %new {axis = 1 : si64} : (tensor<1x7x4xf32>, tensor<1x1x4xf32>) -> tensor<1x8x4xf32>
  %t = onnx.Transpose %keys {perm = [0, 2, 1]} : (tensor<1x8x4xf32>) -> tensor<1x4x8xf32>
  %s = onnx.MatMul %x, %t : (tensor<1x1x4xf32>, tensor<1x4x8xf32>) -> tensor<1x1x8xf32>
  %y = onnx.Softmax %s : (tensor<1x1x8xf32>) -> tensor<1x1x8xf32>
  return %y, %keys : tensor<1x1x8xf32>, tensor<1x8x4xf32>
}

// -----

// expected-error@+1 {{the model has no inputs to stream}}
func.func @window() -> (tensor<3xf32> {weir.output = "y"}) {
  %0 = onnx.Constant dense<1.0> : tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

// expected-error@+1 {{there is no function 'window'}}
module {}
