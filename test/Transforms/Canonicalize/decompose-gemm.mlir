// RUN: weir-opt %s --weir-canonicalize --split-input-file | FileCheck %s

// Constant weights are transposed and scaled here and now.
// CHECK-LABEL: func @linear(
// CHECK-SAME:    %[[X:.*]]: tensor<4x2xf32>
// CHECK-DAG:     %[[W:.*]] = onnx.Constant dense<{{\[\[}}2.000000e+00, 6.000000e+00, 1.000000e+01], [4.000000e+00, 8.000000e+00, 1.200000e+01]]> : tensor<2x3xf32>
// CHECK-DAG:     %[[B:.*]] = onnx.Constant dense<[5.000000e-01, 1.000000e+00, 1.500000e+00]> : tensor<3xf32>
// CHECK:         %[[Y:.*]] = onnx.MatMul %[[X]], %[[W]]
// CHECK-NEXT:    onnx.Add %[[Y]], %[[B]]
func.func @linear(%x: tensor<4x2xf32>) -> tensor<4x3xf32> {
  %w = onnx.Constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %b = onnx.Constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %y = onnx.Gemm %x, %w, %b {alpha = 2.0 : f32, beta = 0.5 : f32, transB = 1 : si64}
     : (tensor<4x2xf32>, tensor<3x2xf32>, tensor<3xf32>) -> tensor<4x3xf32>
  return %y : tensor<4x3xf32>
}

// -----

// Two computed operands: the product is scaled; a bias times 0 is none.
// CHECK-LABEL: func @product(
// CHECK-SAME:    %[[A:.*]]: tensor<2x4xf32>, %[[B:.*]]: tensor<2x3xf32>
// CHECK:         %[[T:.*]] = onnx.Transpose %[[A]] {perm = [1, 0]}
// CHECK-NEXT:    %[[Y:.*]] = onnx.MatMul %[[T]], %[[B]]
// CHECK-NEXT:    %[[Z:.*]] = onnx.Mul %[[Y]]
// CHECK-NEXT:    return %[[Z]]
func.func @product(%a: tensor<2x4xf32>, %b: tensor<2x3xf32>, %c: tensor<3xf32>) -> tensor<4x3xf32> {
  %y = onnx.Gemm %a, %b, %c {alpha = 2.0 : f32, beta = 0.0 : f32, transA = 1 : si64}
     : (tensor<2x4xf32>, tensor<2x3xf32>, tensor<3xf32>) -> tensor<4x3xf32>
  return %y : tensor<4x3xf32>
}

// -----

// Integers cannot be scaled by a fraction.
// CHECK-LABEL: func @integers(
// CHECK:         onnx.Gemm
func.func @integers(%a: tensor<2x4xi32>, %b: tensor<4x3xi32>) -> tensor<2x3xi32> {
  %n = onnx.NoValue
  %y = onnx.Gemm %a, %b, %n {alpha = 0.5 : f32} : (tensor<2x4xi32>, tensor<4x3xi32>, none) -> tensor<2x3xi32>
  return %y : tensor<2x3xi32>
}

// -----

// A sum of three is two sums.
// CHECK-LABEL: func @sum(
// CHECK-SAME:    %[[A:.*]]: tensor<3xf32>, %[[B:.*]]: tensor<2x1xf32>, %[[C:.*]]: tensor<f32>
// CHECK-NEXT:    %[[AB:.*]] = onnx.Add %[[A]], %[[B]] : (tensor<3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
// CHECK-NEXT:    onnx.Add %[[AB]], %[[C]]
func.func @sum(%a: tensor<3xf32>, %b: tensor<2x1xf32>, %c: tensor<f32>) -> tensor<2x3xf32> {
  %y = onnx.Sum %a, %b, %c : (tensor<3xf32>, tensor<2x1xf32>, tensor<f32>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}
