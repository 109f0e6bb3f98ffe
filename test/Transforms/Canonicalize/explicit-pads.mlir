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
