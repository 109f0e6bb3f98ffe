// RUN: weir-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 rows=-5})'
// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 rows=-4})' | FileCheck %s

// The oldest row of four is read from a ring: a delay.
// CHECK-LABEL: func @step(
// CHECK:         weir.ring_read {{.*}} positions = array<i64: 0>
// expected-error@+1 {{row -5 is outside an output of 4 rows}}
func.func @window(%x: tensor<1x4x2xf32> {weir.input = "x"}) -> (tensor<1x4x2xf32> {weir.output = "y"}) {
  %0 = onnx.Relu %x : (tensor<1x4x2xf32>) -> tensor<1x4x2xf32>
  return %0 : tensor<1x4x2xf32>
}
