// RUN: weir-opt %s --weir-widen-floats --split-input-file | FileCheck %s
// RUN: weir-opt %s --weir-widen-floats --split-input-file --remarks-filter=weir --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=REMARK

// Narrow at the boundary only: operators and constants are f32.
// CHECK-LABEL: func @boundary(
// CHECK-SAME:    %[[X:.*]]: tensor<2x3xbf16>) -> tensor<2x3xbf16>
// CHECK-DAG:     %[[WIDE:.*]] = onnx.Cast %[[X]] {to = f32} : (tensor<2x3xbf16>) -> tensor<2x3xf32>
// CHECK-DAG:     %[[W:.*]] = onnx.Constant dense<[5.000000e-01, 1.000000e+00, 1.500000e+00]> : tensor<3xf32>
// CHECK:         %[[Y:.*]] = onnx.Add %[[WIDE]], %[[W]]
// CHECK-NEXT:    %[[NARROW:.*]] = onnx.Cast %[[Y]] {to = bf16}
// CHECK-NEXT:    return %[[NARROW]]
func.func @boundary(%x: tensor<2x3xbf16>) -> tensor<2x3xbf16> {
  %w = onnx.Constant dense<[0.5, 1.0, 1.5]> : tensor<3xbf16>
  %0 = onnx.Add %x, %w : (tensor<2x3xbf16>, tensor<3xbf16>) -> tensor<2x3xbf16>
  return %0 : tensor<2x3xbf16>
}

// -----

// A model that rounds by itself is rounded there, and nowhere else.
// CHECK-LABEL: func @rounds(
// CHECK-SAME:    %[[X:.*]]: tensor<3xf32>
// CHECK-NEXT:    %[[NARROW:.*]] = onnx.Cast %[[X]] {to = f16}
// CHECK-NEXT:    %[[WIDE:.*]] = onnx.Cast %[[NARROW]] {to = f32} : (tensor<3xf16>) -> tensor<3xf32>
// CHECK-NEXT:    %[[E:.*]] = onnx.Exp %[[WIDE]]
// CHECK-NEXT:    %[[R:.*]] = onnx.Cast %[[E]] {to = f32} : (tensor<3xf32>) -> tensor<3xf32>
// CHECK-NEXT:    return %[[R]]
func.func @rounds(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0 = onnx.Cast %x {to = f16} : (tensor<3xf32>) -> tensor<3xf16>
  %1 = onnx.Exp %0 : (tensor<3xf16>) -> tensor<3xf16>
  %2 = onnx.Cast %1 {to = f32} : (tensor<3xf16>) -> tensor<3xf32>
  return %2 : tensor<3xf32>
}

// -----

// An operator that nobody knows keeps the types that the file gives it.
// CHECK-LABEL: func @unknown(
// CHECK:         %[[E:.*]] = onnx.Exp %{{.*}} : (tensor<3xf32>)
// CHECK-NEXT:    %[[N:.*]] = onnx.Cast %[[E]] {to = f16}
// CHECK-NEXT:    %[[U:.*]] = "onnx.Unknown"(%[[N]]) : (tensor<3xf16>) -> tensor<3xf16>
// CHECK-NEXT:    onnx.Cast %[[U]] {to = f32}
func.func @unknown(%x: tensor<3xf16>) -> tensor<3xf16> {
  %0 = onnx.Exp %x : (tensor<3xf16>) -> tensor<3xf16>
  %1 = "onnx.Unknown"(%0) : (tensor<3xf16>) -> tensor<3xf16>
  %2 = onnx.Exp %1 : (tensor<3xf16>) -> tensor<3xf16>
  return %2 : tensor<3xf16>
}

// -----

// Another dialect's narrow floats have rules of their own.
// CHECK-LABEL: func @foreign(
// CHECK-NEXT:    math.exp %{{.*}} : tensor<3xf16>
// CHECK-NEXT:    onnx.Exp %{{.*}} : (tensor<3xf16>) -> tensor<3xf16>
// REMARK:      [Missed] math.exp | Category:weir | Reason="computes 16-bit floats in a dialect that is not onnx"
func.func @foreign(%x: tensor<3xf16>) -> tensor<3xf16> {
  %0 = math.exp %x : tensor<3xf16>
  %1 = onnx.Exp %0 : (tensor<3xf16>) -> tensor<3xf16>
  return %1 : tensor<3xf16>
}

// -----

// Wider floats, and integers, stay what they are.
// CHECK-LABEL: func @others(
// CHECK-NEXT:    onnx.Exp %{{.*}} : (tensor<3xf64>) -> tensor<3xf64>
// CHECK-NEXT:    onnx.Abs %{{.*}} : (tensor<3xi16>) -> tensor<3xi16>
// CHECK-NOT:     onnx.Cast
func.func @others(%x: tensor<3xf64>, %i: tensor<3xi16>) -> (tensor<3xf64>, tensor<3xi16>) {
  %0 = onnx.Exp %x : (tensor<3xf64>) -> tensor<3xf64>
  %1 = onnx.Abs %i : (tensor<3xi16>) -> tensor<3xi16>
  return %0, %1 : tensor<3xf64>, tensor<3xi16>
}

// -----

// An operator of domain weir is an op that Weir has, and computes in f32 like the others.
// CHECK-LABEL: func @function(
// CHECK-NEXT:    %[[W:.*]] = onnx.Cast %{{.*}}
// CHECK-NEXT:    onnx.Custom %[[W]] {{.*}} : (tensor<8x3xf32>) -> tensor<*xf32>
func.func @function(%x: tensor<8x3xf16>) -> tensor<*xf16> {
  %0 = onnx.Custom %x {axis = 0 : si64, domain_name = "weir", function_name = "Dct", keep = 2 : si64} : (tensor<8x3xf16>) -> tensor<*xf16>
  return %0 : tensor<*xf16>
}
