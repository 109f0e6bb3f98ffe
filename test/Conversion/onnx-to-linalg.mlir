// RUN: weir-opt %s --convert-onnx-to-linalg | FileCheck %s

// The rows of all batches meet one matrix in a single product.
// CHECK-LABEL: func @matmul(
// CHECK-SAME:    %[[X:.*]]: tensor<2x3x4xf32>, %[[W:.*]]: tensor<4x5xf32>
// CHECK:         %[[ROWS:.*]] = tensor.collapse_shape %[[X]] {{\[\[}}0, 1], [2]]
// CHECK:         %[[Y:.*]] = linalg.generic
// CHECK-SAME:      ["parallel", "parallel", "reduction"]
// CHECK-SAME:      ins(%[[ROWS]], %[[W]] : tensor<6x4xf32>, tensor<4x5xf32>)
// CHECK:         tensor.expand_shape %[[Y]] {{\[\[}}0, 1], [2]]
func.func @matmul(%x: tensor<2x3x4xf32>, %w: tensor<4x5xf32>) -> tensor<2x3x5xf32> {
  %0 = onnx.MatMul %x, %w : (tensor<2x3x4xf32>, tensor<4x5xf32>) -> tensor<2x3x5xf32>
  return %0 : tensor<2x3x5xf32>
}

// A scalar constant is part of the body, not an operand.
// CHECK-LABEL: func @scale(
// CHECK-SAME:    %[[X:.*]]: tensor<2x3xf32>
// CHECK:         linalg.generic {{.*}} ins(%[[X]] : tensor<2x3xf32>)
// CHECK:           %[[HALF:.*]] = arith.constant 5.000000e-01
// CHECK:           arith.mulf %{{.*}}, %[[HALF]]
func.func @scale(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %half = onnx.Constant dense<0.5> : tensor<f32>
  %0 = onnx.Mul %x, %half : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// Booleans are stored as bytes and computed as bits.
// CHECK-LABEL: func @booleans(
// CHECK-SAME:    %{{.*}}: tensor<3xi8>, %{{.*}}: tensor<2x1xi8>) -> tensor<2x3xi8>
// CHECK:         arith.andi %{{.*}}, %{{.*}} : i1
// CHECK:         arith.extui %{{.*}} : i1 to i8
func.func @booleans(%a: tensor<3xi1>, %b: tensor<2x1xi1>) -> tensor<2x3xi1> {
  %0 = onnx.And %a, %b : (tensor<3xi1>, tensor<2x1xi1>) -> tensor<2x3xi1>
  return %0 : tensor<2x3xi1>
}

// Half precision is computed in f32.
// CHECK-LABEL: func @half(
// CHECK:         %[[WIDE:.*]] = arith.extf %{{.*}} : f16 to f32
// CHECK:         %[[Y:.*]] = math.exp %[[WIDE]] : f32
// CHECK:         arith.truncf %[[Y]] : f32 to f16
func.func @half(%x: tensor<4xf16>) -> tensor<4xf16> {
  %0 = onnx.Exp %x : (tensor<4xf16>) -> tensor<4xf16>
  return %0 : tensor<4xf16>
}

// Reshapes that neither merge nor split whole dimensions go through the flat order.
// CHECK-LABEL: func @reshape(
// CHECK:         tensor.collapse_shape %{{.*}} : tensor<4x6xf32> into tensor<24xf32>
// CHECK:         tensor.expand_shape %{{.*}} : tensor<24xf32> into tensor<3x8xf32>
func.func @reshape(%x: tensor<4x6xf32>) -> tensor<3x8xf32> {
  %s = onnx.Constant dense<[3, 8]> : tensor<2xi64>
  %0 = onnx.Reshape %x, %s : (tensor<4x6xf32>, tensor<2xi64>) -> tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}

// So is the first value of a state of booleans.
// CHECK-LABEL: func @first_state(
// CHECK-SAME:    ) -> tensor<2xi8>
// CHECK:         arith.constant dense<0> : tensor<2xi8>
func.func @first_state() -> tensor<2xi1> {
  %0 = arith.constant dense<false> : tensor<2xi1>
  return %0 : tensor<2xi1>
}

// Rounding to a grid ends in its storage type; each column has its own scale.
// CHECK-LABEL: func @quantize(
// CHECK:         linalg.generic {{.*}} ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<2x3xf32>, tensor<3xf32>, tensor<3xi8>)
// CHECK:           %[[Q:.*]] = arith.divf
// CHECK-NEXT:      math.roundeven %[[Q]]
// CHECK-NEXT:      arith.uitofp %{{.*}} : i8 to f32
// CHECK:           arith.fptoui %{{.*}} : f32 to i8
func.func @quantize(%x: tensor<2x3xf32>, %s: tensor<3xf32>, %z: tensor<3xui8>) -> tensor<2x3xui8> {
  %0 = onnx.QuantizeLinear %x, %s, %z : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xui8>) -> tensor<2x3xui8>
  return %0 : tensor<2x3xui8>
}
