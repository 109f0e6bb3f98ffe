// RUN: weir-opt %s --pass-pipeline='builtin.module(func.func(weir-annotate-token-flow{token-axis=x=1 keeps-past=1}))' | FileCheck %s
// RUN: weir-opt %s --pass-pipeline='builtin.module(func.func(weir-annotate-token-flow{token-axis=x=1}))' | FileCheck %s --check-prefix=WINDOW

// On the whole stream a causal convolution never changes what it has given; a window
// begins anew with padding.
// CHECK-LABEL: func @window(
// CHECK:       onnx.Conv {{.*}}weir.flow = "9 tokens in dim 2; slides with margins (0, 1)"
// CHECK:       onnx.Conv {{.*}}weir.flow = "9 tokens in dim 2; slides with margins (0, 2)"
// CHECK:       onnx.ReduceMean {{.*}}changes every step: reduces over the token axis
// WINDOW:      onnx.Conv {{.*}}weir.flow = "9 tokens in dim 2; slides with margins (2, 1)"
// WINDOW:      onnx.Conv {{.*}}weir.flow = "9 tokens in dim 2; slides with margins (3, 2)"
func.func @window(%x: tensor<1x9x2xf32> {weir.input = "x"}) -> tensor<1x2x1xf32> {
  %none = onnx.NoValue
  %w = onnx.Constant dense<0.5> : tensor<2x2x3xf32>
  %axes = onnx.Constant dense<2> : tensor<1xi64>
  %t = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x9x2xf32>) -> tensor<1x2x9xf32>
  %0 = onnx.Conv %t, %w, %none {pads = [2, 0]} : (tensor<1x2x9xf32>, tensor<2x2x3xf32>, none) -> tensor<1x2x9xf32>
  %1 = onnx.Conv %0, %w, %none {pads = [1, 1]} : (tensor<1x2x9xf32>, tensor<2x2x3xf32>, none) -> tensor<1x2x9xf32>
  %m = onnx.ReduceMean %1, %axes {keepdims = 1 : si64} : (tensor<1x2x9xf32>, tensor<1xi64>) -> tensor<1x2x1xf32>
  return %m : tensor<1x2x1xf32>
}
