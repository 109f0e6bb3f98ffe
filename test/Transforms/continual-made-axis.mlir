// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 frequencies=never})' | FileCheck %s
// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 frequencies=never state-layout=shift})' | FileCheck %s --check-prefix=SHIFT

// Tokens are made in window order and brought into slot order, that of the ring they meet.
// CHECK-LABEL: func @step(
// CHECK:         %[[RING:.*]] = weir.ring_push
// CHECK:         %[[MADE:.*]] = weir.idct
// CHECK:         %[[SLOTS:.*]] = weir.roll %[[MADE]]
// CHECK:         onnx.Add %[[RING]], %[[SLOTS]]
// SHIFT-LABEL: func @step(
// SHIFT-NOT:     weir.roll
// SHIFT:         return
func.func @window(%x: tensor<1x6x2xf32> {weir.input = "x"}) -> (tensor<1x6x2xf32> {weir.output = "y"}) {
  %0 = weir.dct %x {dim = 1} : tensor<1x6x2xf32> -> tensor<1x3x2xf32>
  %1 = weir.idct %0 {dim = 1} : tensor<1x3x2xf32> -> tensor<1x6x2xf32>
  %2 = onnx.Add %x, %1 : (tensor<1x6x2xf32>, tensor<1x6x2xf32>) -> tensor<1x6x2xf32>
  return %2 : tensor<1x6x2xf32>
}

// -----

// An output is in window order: nothing is rolled there and back.
// CHECK-LABEL: func @step(
// CHECK:         %[[MADE:.*]] = weir.idct
// CHECK-NOT:     weir.roll
// CHECK:         return %[[MADE]]
func.func @window(%x: tensor<1x6x2xf32> {weir.input = "x"}) -> (tensor<1x6x2xf32> {weir.output = "y"}) {
  %0 = weir.dct %x {dim = 1} : tensor<1x6x2xf32> -> tensor<1x3x2xf32>
  %1 = weir.idct %0 {dim = 1} : tensor<1x3x2xf32> -> tensor<1x6x2xf32>
  return %1 : tensor<1x6x2xf32>
}
