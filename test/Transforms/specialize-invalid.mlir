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
