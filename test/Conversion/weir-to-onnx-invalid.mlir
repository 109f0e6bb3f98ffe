// RUN: weir-opt %s --convert-weir-to-onnx --verify-diagnostics

func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{has no counterpart among ONNX's operators}}
  %0 = arith.negf %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
