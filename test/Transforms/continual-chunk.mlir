// RUN: weir-opt %s --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 chunk=2})' | FileCheck %s

// Two tokens enter a step: the window of five is full after three steps, and the first
// step begins one token before the stream.
// CHECK-LABEL: func @step(
// CHECK-SAME:    tensor<1x2x2xf32> {weir.axis = #weir.axis<dim = 1, tokens = 5, chunk = 2>, weir.input = "x"}
// CHECK-SAME:    weir.full = 3 : i64, weir.skipped = 1 : i64, weir.warmup = 3 : i64
// CHECK:         weir.ring_push {{.*}} positions = array<i64: 3, 4>
// CHECK:         weir.ring_read {{.*}} positions = array<i64: 0, 1, 2, 3, 4>
func.func @window(%x: tensor<1x5x2xf32> {weir.input = "x"}) -> (tensor<1x5x2xf32> {weir.output = "y"}) {
  %0 = onnx.Relu %x : (tensor<1x5x2xf32>) -> tensor<1x5x2xf32>
  return %0 : tensor<1x5x2xf32>
}
