// RUN: weir-opt %s --convert-onnx-to-linalg --split-input-file --verify-diagnostics

func.func @unknown(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @+2 {{keeps a state from token to token, which is not one of a window}}
  // expected-note @+1 {{help: split the model at this node}}
  %0 = "onnx.LSTM"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @bounds(%x: tensor<6xf32>, %from: tensor<1xi64>, %to: tensor<1xi64>)
    -> tensor<2xf32> {
  %n = onnx.NoValue
  // expected-error @+1 {{its bounds depend on the data; they must be constant}}
  %0 = onnx.Slice %x, %from, %to, %n, %n
     : (tensor<6xf32>, tensor<1xi64>, tensor<1xi64>, none, none) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @unranked(%x: tensor<4xi64>) -> tensor<*xf32> {
  // expected-error @+2 {{whose shape is not known before the model runs}}
  // expected-note @+1 {{fix the sizes of all inputs}}
  %0 = onnx.ConstantOfShape %x : (tensor<4xi64>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}

// -----

// Canonicalization makes a mask of it.
func.func @window_of_keys(%q: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  %n = onnx.NoValue
  // expected-error @+1 {{its window of keys must be spelled out as a mask}}
  %y, %pk, %pv, %qk = onnx.Attention %q, %q, %q, %n, %n, %n, %n {left_window_size = 1 : si64}
     : (tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, none, none, none, none)
     -> (tensor<1x2x4x8xf32>, none, none, none)
  return %y : tensor<1x2x4x8xf32>
}

// -----

func.func @nibbles(%x: tensor<2x3xf32>, %s: tensor<f32>) -> tensor<2x3xi4> {
  %n = onnx.NoValue
  // expected-error @+1 {{values of type i4 are read in constants, not computed}}
  %0 = onnx.QuantizeLinear %x, %s, %n {output_dtype = i4} : (tensor<2x3xf32>, tensor<f32>, none) -> tensor<2x3xi4>
  return %0 : tensor<2x3xi4>
}

// -----

func.func @integer_product(%x: tensor<2x3xi8>) -> tensor<2x3xi8> {
  // expected-error @+2 {{computes on quantized integers, which Weir does not}}
  // expected-note @+1 {{quantize the model in the QDQ format}}
  %0 = "onnx.QLinearMatMul"(%x) : (tensor<2x3xi8>) -> tensor<2x3xi8>
  return %0 : tensor<2x3xi8>
}
