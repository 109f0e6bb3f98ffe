// RUN: weir-opt %s --weir-canonicalize --split-input-file | FileCheck %s

// The scale is that of the data, and bytes are made by the op for constant scales.
// CHECK-LABEL: func @dynamic(
// CHECK-SAME:    %[[X:.*]]: tensor<2x3xf32>
// CHECK-DAG:     %[[H:.*]] = onnx.ReduceMax %[[X]]
// CHECK-DAG:     %[[L:.*]] = onnx.ReduceMin %[[X]]
// CHECK:         %[[D:.*]] = onnx.Div
// CHECK:         %[[S:.*]] = onnx.Where %{{.*}}, %{{.*}}, %[[D]]
// CHECK:         %[[Z:.*]] = onnx.Cast %{{.*}} {to = ui8}
// CHECK:         %[[Y:.*]] = onnx.QuantizeLinear %[[X]], %[[S]], %[[Z]]
// CHECK-NEXT:    return %[[Y]], %[[S]], %[[Z]]
func.func @dynamic(%x: tensor<2x3xf32>) -> (tensor<2x3xui8>, tensor<f32>, tensor<ui8>) {
  %y, %s, %z = onnx.DynamicQuantizeLinear %x : (tensor<2x3xf32>) -> (tensor<2x3xui8>, tensor<f32>, tensor<ui8>)
  return %y, %s, %z : tensor<2x3xui8>, tensor<f32>, tensor<ui8>
}

// -----

// Constant weights lose their zero points here and now.
// CHECK-LABEL: func @integer(
// CHECK-SAME:    %[[A:.*]]: tensor<2x3xui8>, %[[Z:.*]]: tensor<2xui8>
// CHECK-DAG:     %[[W:.*]] = onnx.Constant dense<{{\[\[}}0, 1], [2, 3], [4, 5]]> : tensor<3x2xi32>
// CHECK-DAG:     %[[WIDE:.*]] = onnx.Cast %[[A]] {to = i32}
// CHECK-DAG:     %[[ROWS:.*]] = onnx.Reshape %[[Z]]
// CHECK:         %[[ZERO:.*]] = onnx.Cast %[[ROWS]] {to = i32} : (tensor<2x1xui8>)
// CHECK:         %[[C:.*]] = onnx.Sub %[[WIDE]], %[[ZERO]]
// CHECK-NEXT:    onnx.MatMul %[[C]], %[[W]] : (tensor<2x3xi32>, tensor<3x2xi32>) -> tensor<2x2xi32>
func.func @integer(%a: tensor<2x3xui8>, %z: tensor<2xui8>) -> tensor<2x2xi32> {
  %b = onnx.Constant dense<[[1, 3], [3, 5], [5, 7]]> : tensor<3x2xi8>
  %bz = onnx.Constant dense<[1, 2]> : tensor<2xi8>
  %0 = onnx.MatMulInteger %a, %b, %z, %bz
     : (tensor<2x3xui8>, tensor<3x2xi8>, tensor<2xui8>, tensor<2xi8>) -> tensor<2x2xi32>
  return %0 : tensor<2x2xi32>
}

// -----

// Without the shape nothing is known of what a zero point spreads over.
// CHECK-LABEL: func @no_shape(
// CHECK-NEXT:    onnx.DynamicQuantizeLinear
// CHECK-NEXT:    return
func.func @no_shape(%x: tensor<*xf32>) -> tensor<*xui8> {
  %y, %s, %z = onnx.DynamicQuantizeLinear %x : (tensor<*xf32>) -> (tensor<*xui8>, tensor<f32>, tensor<ui8>)
  return %y : tensor<*xui8>
}
