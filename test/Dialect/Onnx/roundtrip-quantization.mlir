// RUN: weir-opt %s | weir-opt | FileCheck %s
// RUN: weir-opt %s --mlir-print-op-generic | weir-opt | FileCheck %s

// Every op of OnnxQuantizationOps.td is read, printed and read again, in short and in generic form.

// CHECK-LABEL: func @QuantizeLinear(
// CHECK:         onnx.QuantizeLinear %{{.*}}, %{{.*}}, %{{.*}} {output_dtype = ui16} : (tensor<2x3xf32>, tensor<3xf32>, none) -> tensor<2x3xui16>
func.func @QuantizeLinear(%x: tensor<2x3xf32>, %s: tensor<3xf32>) {
  %n = onnx.NoValue
  %y = onnx.QuantizeLinear %x, %s, %n {output_dtype = ui16} : (tensor<2x3xf32>, tensor<3xf32>, none) -> tensor<2x3xui16>
  return
}

// CHECK-LABEL: func @DequantizeLinear(
// CHECK:         onnx.DequantizeLinear %{{.*}}, %{{.*}}, %{{.*}} {block_size = 2 : si64} : (tensor<2x6xi4>, tensor<2x3xf16>, tensor<2x3xi4>) -> tensor<2x6xf16>
func.func @DequantizeLinear(%x: tensor<2x6xi4>, %s: tensor<2x3xf16>, %z: tensor<2x3xi4>) {
  %y = onnx.DequantizeLinear %x, %s, %z {block_size = 2 : si64} : (tensor<2x6xi4>, tensor<2x3xf16>, tensor<2x3xi4>) -> tensor<2x6xf16>
  return
}

// CHECK-LABEL: func @DynamicQuantizeLinear(
// CHECK:         onnx.DynamicQuantizeLinear %{{.*}} : (tensor<2x3xf32>) -> (tensor<2x3xui8>, tensor<f32>, tensor<ui8>)
func.func @DynamicQuantizeLinear(%x: tensor<2x3xf32>) {
  %y, %s, %z = onnx.DynamicQuantizeLinear %x : (tensor<2x3xf32>) -> (tensor<2x3xui8>, tensor<f32>, tensor<ui8>)
  return
}

// CHECK-LABEL: func @MatMulInteger(
// CHECK:         onnx.MatMulInteger %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x3xui8>, tensor<3x4xi8>, tensor<2xui8>, none) -> tensor<2x4xi32>
func.func @MatMulInteger(%a: tensor<2x3xui8>, %b: tensor<3x4xi8>, %az: tensor<2xui8>) {
  %n = onnx.NoValue
  %y = onnx.MatMulInteger %a, %b, %az, %n : (tensor<2x3xui8>, tensor<3x4xi8>, tensor<2xui8>, none) -> tensor<2x4xi32>
  return
}
