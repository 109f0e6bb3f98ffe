// RUN: weir-opt %s --weir-canonicalize --split-input-file | FileCheck %s
// RUN: weir-opt %s --weir-canonicalize --split-input-file -o /dev/null \
// RUN:   --remarks-filter=weir --remark-format=emitRemark --verify-diagnostics

// A causal mask leaves every row a key: no row is NaN.
// CHECK-LABEL: func @causal(
// CHECK:         %[[P:.*]] = onnx.Softmax
// CHECK-NEXT:    return %[[P]]
func.func @causal(%q: tensor<2x4xf32>, %k: tensor<4x2xf32>) -> tensor<2x2xf32> {
  %mask = onnx.Constant dense<[[0.0, 0xFF800000], [0.0, 0.0]]> : tensor<2x2xf32>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %0 = onnx.MatMul %q, %k : (tensor<2x4xf32>, tensor<4x2xf32>) -> tensor<2x2xf32>
  %1 = onnx.Add %0, %mask : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %p = onnx.Softmax %1 : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %2 = onnx.IsNaN %p : (tensor<2x2xf32>) -> tensor<2x2xi1>
  %3 = onnx.Where %2, %zero, %p : (tensor<2x2xi1>, tensor<f32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %3 : tensor<2x2xf32>
}

// -----

// A mask that hides a whole row needs its guard.
// CHECK-LABEL: func @masked_row(
// CHECK:         onnx.Where
func.func @masked_row(%q: tensor<2x4xf32>, %k: tensor<4x2xf32>) -> tensor<2x2xf32> {
  %mask = onnx.Constant dense<[[0xFF800000, 0xFF800000], [0.0, 0.0]]> : tensor<2x2xf32>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %0 = onnx.MatMul %q, %k : (tensor<2x4xf32>, tensor<4x2xf32>) -> tensor<2x2xf32>
  %1 = onnx.Add %0, %mask : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %p = onnx.Softmax %1 : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %2 = onnx.IsNaN %p : (tensor<2x2xf32>) -> tensor<2x2xi1>
  // expected-remark@+1 {{keeps the NaN guard}}
  %3 = onnx.Where %2, %zero, %p : (tensor<2x2xi1>, tensor<f32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %3 : tensor<2x2xf32>
}

// -----

// Nothing is known of a mask that comes from outside.
// CHECK-LABEL: func @mask_from_outside(
// CHECK:         onnx.Where
func.func @mask_from_outside(%q: tensor<2x4xf32>, %k: tensor<4x2xf32>, %m: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %0 = onnx.MatMul %q, %k : (tensor<2x4xf32>, tensor<4x2xf32>) -> tensor<2x2xf32>
  %1 = onnx.Add %0, %m : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %p = onnx.Softmax %1 : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %2 = onnx.IsNaN %p : (tensor<2x2xf32>) -> tensor<2x2xi1>
  // expected-remark@+1 {{keeps the NaN guard}}
  %3 = onnx.Where %2, %zero, %p : (tensor<2x2xi1>, tensor<f32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %3 : tensor<2x2xf32>
}
