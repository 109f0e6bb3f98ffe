// RUN: weir-opt %s | weir-opt | FileCheck %s
// RUN: weir-opt %s --mlir-print-op-generic | weir-opt | FileCheck %s

// Every op of OnnxContractionOps.td is read, printed and read again, in short and in generic form.

// CHECK-LABEL: func @MatMul(
// CHECK:         onnx.MatMul %{{.*}}, %{{.*}} : (tensor<2x4x8xf32>, tensor<8x3xf32>) -> tensor<2x4x3xf32>
func.func @MatMul(%a: tensor<2x4x8xf32>, %b: tensor<8x3xf32>) {
  %y = onnx.MatMul %a, %b : (tensor<2x4x8xf32>, tensor<8x3xf32>) -> tensor<2x4x3xf32>
  return
}

// CHECK-LABEL: func @Gemm(
// CHECK:         onnx.Gemm %{{.*}}, %{{.*}}, %{{.*}} {transB = 1 : si64} : (tensor<4x8xf32>, tensor<3x8xf32>, tensor<3xf32>) -> tensor<4x3xf32>
func.func @Gemm(%a: tensor<4x8xf32>, %b: tensor<3x8xf32>, %c: tensor<3xf32>) {
  %y = onnx.Gemm %a, %b, %c {transB = 1 : si64} : (tensor<4x8xf32>, tensor<3x8xf32>, tensor<3xf32>) -> tensor<4x3xf32>
  return
}

// CHECK-LABEL: func @Einsum(
// CHECK:         onnx.Einsum %{{.*}}, %{{.*}} {equation = "bqd,bkd->bqk"} : (tensor<1x4x8xf32>, tensor<1x5x8xf32>) -> tensor<1x4x5xf32>
func.func @Einsum(%a: tensor<1x4x8xf32>, %b: tensor<1x5x8xf32>) {
  %y = onnx.Einsum %a, %b {equation = "bqd,bkd->bqk"} : (tensor<1x4x8xf32>, tensor<1x5x8xf32>) -> tensor<1x4x5xf32>
  return
}

// CHECK-LABEL: func @Conv(
// CHECK:         onnx.Conv %{{.*}}, %{{.*}}, %{{.*}} {pads = [1, 1]} : (tensor<1x8x16xf32>, tensor<4x8x3xf32>, none) -> tensor<1x4x16xf32>
func.func @Conv(%x: tensor<1x8x16xf32>, %w: tensor<4x8x3xf32>) {
  %n = onnx.NoValue
  %y = onnx.Conv %x, %w, %n {pads = [1, 1]} : (tensor<1x8x16xf32>, tensor<4x8x3xf32>, none) -> tensor<1x4x16xf32>
  return
}

// CHECK-LABEL: func @Attention(
// CHECK:         onnx.Attention %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : (tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, none, none, none, none) -> (tensor<1x2x4x8xf32>, none, none, none)
func.func @Attention(%q: tensor<1x2x4x8xf32>, %k: tensor<1x2x4x8xf32>, %v: tensor<1x2x4x8xf32>) {
  %n = onnx.NoValue
  %y, %pk, %pv, %qk = onnx.Attention %q, %k, %v, %n, %n, %n, %n : (tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, none, none, none, none) -> (tensor<1x2x4x8xf32>, none, none, none)
  return
}

// CHECK-LABEL: func @RotaryEmbedding(
// CHECK:         onnx.RotaryEmbedding %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : (tensor<1x2x4x8xf32>, tensor<1x4x4xf32>, tensor<1x4x4xf32>, none) -> tensor<1x2x4x8xf32>
func.func @RotaryEmbedding(%x: tensor<1x2x4x8xf32>, %cos: tensor<1x4x4xf32>, %sin: tensor<1x4x4xf32>) {
  %n = onnx.NoValue
  %y = onnx.RotaryEmbedding %x, %cos, %sin, %n : (tensor<1x2x4x8xf32>, tensor<1x4x4xf32>, tensor<1x4x4xf32>, none) -> tensor<1x2x4x8xf32>
  return
}
