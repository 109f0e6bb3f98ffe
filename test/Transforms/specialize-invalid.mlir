// RUN: weir-opt %s --weir-specialize=dims=seq=5 --split-input-file --verify-diagnostics

// expected-error@+1 {{axis 1 of input 'x' has no size; give it by x:1=SIZE}}
func.func @size_missing(%x: tensor<?x?xf32> {weir.input = "x", weir.dims = ["seq", ""]}) {
  return
}

// -----

// expected-error@+1 {{axis 0 of input 'x' is fixed to 4, but the size asked for is 5}}
func.func @size_contradicted(%x: tensor<4xf32> {weir.input = "x", weir.dims = ["seq"]}) {
  return
}

// -----

// expected-error@+1 {{no input has a dimension 'seq'; there are: batch}}
func.func @name_unknown(%x: tensor<4xf32> {weir.input = "x", weir.dims = ["batch"]}) {
  return
}

// -----

func.func @node_does_not_fit(%x: tensor<?x8xf32> {weir.input = "x", weir.dims = ["seq", ""]},
                             %w: tensor<4x8xf32> {weir.input = "w"}) -> tensor<*xf32> {
  // expected-error@+1 {{'onnx.MatMul' op contracts 8 elements of A with 5 of B}}
  %0 = onnx.MatMul %w, %x : (tensor<4x8xf32>, tensor<?x8xf32>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}

// -----

// What no machine holds is refused where it comes in: 5 x 2^46 elements are more than 2^48.
func.func @tensor_too_large(%x: tensor<?x1xf32> {weir.input = "x", weir.dims = ["seq", ""]})
    -> tensor<*xf32> {
  %s = onnx.Constant dense<[5, 70368744177664]> : tensor<2xi64>
  // expected-error@+1 {{'onnx.Expand' op computes a tensor of 5x70368744177664 elements, but Weir takes 2^48 at most}}
  %0 = onnx.Expand %x, %s : (tensor<?x1xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}

// -----

// expected-error@+1 {{an input has 5x70368744177664 elements, but Weir takes 2^48 at most}}
func.func @input_too_large(%x: tensor<?x70368744177664xf32> {weir.input = "x", weir.dims = ["seq", ""]}) {
  return
}

// -----

// Sums of pads and of strides must not overflow either.
func.func @pads_overflow(%x: tensor<?xf32> {weir.input = "x", weir.dims = ["seq"]}) -> tensor<*xf32> {
  %n = onnx.NoValue
  %p = onnx.Constant dense<9223372036854775807> : tensor<2xi64>
  // expected-error@+1 {{'onnx.Pad' op pads axis 0 by 9223372036854775807 and 9223372036854775807 elements, which are too many}}
  %0 = onnx.Pad %x, %p, %n, %n : (tensor<?xf32>, tensor<2xi64>, none, none) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}

// -----

func.func @dilation_overflows(%x: tensor<1x1x?xf32> {weir.input = "x", weir.dims = ["", "", "seq"]}) -> tensor<*xf32> {
  %n = onnx.NoValue
  %w = onnx.Constant dense<1.0> : tensor<1x1x3xf32>
  // expected-error@+1 {{'onnx.Conv' op kernel 3 with these strides and pads does not fit an input of 5}}
  %0 = onnx.Conv %x, %w, %n {dilations = [9223372036854775807]} : (tensor<1x1x?xf32>, tensor<1x1x3xf32>, none) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}

// -----

func.func @too_many_dimensions(%x: tensor<?xf32> {weir.input = "x", weir.dims = ["seq"]}) -> tensor<*xf32> {
  %s = onnx.Constant dense<1> : tensor<65xi64>
  // expected-error@+1 {{'onnx.Expand' op computes a tensor of 65 dimensions, but Weir takes 64 at most}}
  %0 = onnx.Expand %x, %s : (tensor<?xf32>, tensor<65xi64>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}
