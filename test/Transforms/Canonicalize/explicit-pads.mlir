// RUN: weir-opt %s --weir-canonicalize --split-input-file | FileCheck %s
// RUN: weir-opt %s --weir-canonicalize --split-input-file -o /dev/null \
// RUN:   --remarks-filter=weir --remark-format=emitRemark --verify-diagnostics

// auto_pad is resolved for the size at hand.
// CHECK-LABEL: func @same(
// CHECK:         onnx.Conv %{{.*}} {pads = [1, 2], strides = [2]}
func.func @same(%x: tensor<1x2x7xf32>, %w: tensor<3x2x4xf32>) -> tensor<1x3x4xf32> {
  %n = onnx.NoValue
  %y = onnx.Conv %x, %w, %n {auto_pad = "SAME_UPPER", strides = [2]}
     : (tensor<1x2x7xf32>, tensor<3x2x4xf32>, none) -> tensor<1x3x4xf32>
  return %y : tensor<1x3x4xf32>
}

// -----

// A causal convolution's left padding becomes its own.
// CHECK-LABEL: func @causal(
// CHECK-SAME:    %[[X:.*]]: tensor<1x2x7xf32>
// CHECK-NOT:     onnx.Pad
// CHECK:         onnx.Conv %[[X]], %{{.*}} {pads = [3, 1]}
func.func @causal(%x: tensor<1x2x7xf32>, %w: tensor<3x2x4xf32>) -> tensor<1x3x8xf32> {
  %n = onnx.NoValue
  %z = onnx.Constant dense<0.0> : tensor<f32>
  %p = onnx.Constant dense<[0, 0, 2, 0, 0, 0]> : tensor<6xi64>
  %0 = onnx.Pad %x, %p, %z, %n : (tensor<1x2x7xf32>, tensor<6xi64>, tensor<f32>, none) -> tensor<1x2x9xf32>
  %y = onnx.Conv %0, %w, %n {pads = [1, 1]} : (tensor<1x2x9xf32>, tensor<3x2x4xf32>, none) -> tensor<1x3x8xf32>
  return %y : tensor<1x3x8xf32>
}

// -----

// Padding with something else stays.
// CHECK-LABEL: func @edge(
// CHECK:         onnx.Pad
func.func @edge(%x: tensor<1x2x7xf32>, %w: tensor<3x2x4xf32>) -> tensor<1x3x6xf32> {
  %n = onnx.NoValue
  %p = onnx.Constant dense<[2, 0]> : tensor<2xi64>
  %a = onnx.Constant dense<2> : tensor<1xi64>
  %0 = onnx.Pad %x, %p, %n, %a {mode = "edge"} : (tensor<1x2x7xf32>, tensor<2xi64>, none, tensor<1xi64>) -> tensor<1x2x9xf32>
  // expected-remark@+1 {{keeps its Pad: it does not pad with a known number of zeros}}
  %y = onnx.Conv %0, %w, %n : (tensor<1x2x9xf32>, tensor<3x2x4xf32>, none) -> tensor<1x3x6xf32>
  return %y : tensor<1x3x6xf32>
}

// -----

// Pads that lengthen the channels, or that cut, are none of a convolution's own.
// CHECK-LABEL: func @cut(
// CHECK:         onnx.Pad
func.func @cut(%x: tensor<1x2x7xf32>, %w: tensor<3x2x4xf32>) -> tensor<1x3x3xf32> {
  %n = onnx.NoValue
  %p = onnx.Constant dense<[0, 0, -1, 0, 0, 0]> : tensor<6xi64>
  %0 = onnx.Pad %x, %p, %n, %n : (tensor<1x2x7xf32>, tensor<6xi64>, none, none) -> tensor<1x2x6xf32>
  // expected-remark@+1 {{keeps its Pad: it pads channels, or cuts}}
  %y = onnx.Conv %0, %w, %n : (tensor<1x2x6xf32>, tensor<3x2x4xf32>, none) -> tensor<1x3x3xf32>
  return %y : tensor<1x3x3xf32>
}

// -----

// A pool's auto_pad is resolved as well; what is rounded up without it is no longer.
// CHECK-LABEL: func @pools(
// CHECK-SAME:    %[[X:.*]]: tensor<1x2x7xf32>
// CHECK:         onnx.AveragePool %[[X]] {kernel_shape = [4], pads = [2, 1], strides = [2]}
// CHECK:         onnx.MaxPool %[[X]] {kernel_shape = [3], pads = [0, 0], strides = [2]}
func.func @pools(%x: tensor<1x2x7xf32>) -> (tensor<1x2x4xf32>, tensor<1x2x3xf32>) {
  %a = onnx.AveragePool %x {auto_pad = "SAME_LOWER", kernel_shape = [4], strides = [2]}
     : (tensor<1x2x7xf32>) -> tensor<1x2x4xf32>
  %m = onnx.MaxPool %x {auto_pad = "VALID", ceil_mode = 1 : si64, kernel_shape = [3], strides = [2]}
     : (tensor<1x2x7xf32>) -> tensor<1x2x3xf32>
  return %a, %m : tensor<1x2x4xf32>, tensor<1x2x3xf32>
}

// -----

// Pads that are given stay as they are, and so does a Pad before a pool: it may count.
// CHECK-LABEL: func @given(
// CHECK:         %[[P:.*]] = onnx.Pad
// CHECK:         onnx.AveragePool %[[P]] {count_include_pad = 1 : si64, kernel_shape = [3], pads = [1, 1]}
func.func @given(%x: tensor<1x2x7xf32>) -> tensor<1x2x8xf32> {
  %n = onnx.NoValue
  %p = onnx.Constant dense<[0, 0, 1, 0, 0, 0]> : tensor<6xi64>
  %0 = onnx.Pad %x, %p, %n, %n : (tensor<1x2x7xf32>, tensor<6xi64>, none, none) -> tensor<1x2x8xf32>
  %y = onnx.AveragePool %0 {count_include_pad = 1 : si64, kernel_shape = [3], pads = [1, 1]}
     : (tensor<1x2x8xf32>) -> tensor<1x2x8xf32>
  return %y : tensor<1x2x8xf32>
}
