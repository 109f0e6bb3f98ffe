// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 frequencies=always entries=all},canonicalize)' | FileCheck %s
// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 frequencies=never})' | FileCheck %s --check-prefix=NEVER
// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 chunk=2 frequencies=always state-layout=shift})' | FileCheck %s --check-prefix=NEVER

// What leaves is read of the ring before the newest token is pushed; a first window is
// summed at once.
// CHECK-LABEL: func @step(
// CHECK-SAME:    %[[X:[a-z0-9]*]]: tensor<1x1x2xf32>
// CHECK-SAME:    %[[RING:[a-z0-9]*]]: tensor<1x6x2xf32> {weir.state = "x"}, %[[R:[a-z0-9]*]]: tensor<1x3x2xf32> {weir.state = "f.real"}, %[[I:[a-z0-9]*]]: tensor<1x3x2xf32> {weir.state = "f.imaginary"}, %[[SR:[a-z0-9]*]]: tensor<1x3x2xf32> {weir.state = "f.shadow_real"}, %[[SI:[a-z0-9]*]]: tensor<1x3x2xf32> {weir.state = "f.shadow_imaginary"}
// CHECK:         %[[BEFORE:.*]] = arith.subi
// CHECK:         %[[OLD:.*]] = weir.ring_read %[[RING]], %[[BEFORE]] {{.*}} positions = array<i64: 0>
// CHECK:         %[[SUM:.*]], %[[SUMI:[a-zA-Z0-9]*]], %{{.*}}, %{{.*}} = weir.sliding_dct %[[X]] leaving(%[[OLD]] : {{.*}}), %{{.*}} states(%[[R]], %[[I]], %[[SR]], %[[SI]])
// CHECK:         %[[F:.*]] = weir.dct_read %[[SUM]], %[[SUMI]], %{{.*}} scale = 1.0
// CHECK:         return %[[F]]
// CHECK-LABEL: func @predict(
// CHECK-NOT:     weir.sliding_dct
// CHECK:         weir.dct_read
// CHECK-LABEL: func @prime(
// CHECK:         weir.sliding_dct %{{.*}}, %{{.*}} states(
// NEVER-LABEL: func @step(
// NEVER-NOT:     weir.sliding_dct
// NEVER:         weir.dct
func.func @window(%x: tensor<1x6x2xf32> {weir.input = "x"}) -> (tensor<1x3x2xf32> {weir.output = "y"}) {
  %f = weir.dct %x {dim = 1} : tensor<1x6x2xf32> -> tensor<1x3x2xf32> loc("f")
  return %f : tensor<1x3x2xf32>
}

// -----

// Resampling is an inverse transform of frequencies that slide.
// CHECK-LABEL: func @step(
// CHECK:         %[[F:.*]] = weir.dct_read {{.*}} scale = 0.70710678
// CHECK:         weir.idct %[[F]] {dim = 1 : i64} : tensor<1x3x2xf32> -> tensor<1x3x2xf32>
// NEVER-LABEL: func @step(
// NEVER:         weir.resample
func.func @window(%x: tensor<1x6x2xf32> {weir.input = "x"}) -> (tensor<1x3x2xf32> {weir.output = "y"}) {
  %f = weir.resample %x {dim = 1} : tensor<1x6x2xf32> -> tensor<1x3x2xf32> loc("f")
  return %f : tensor<1x3x2xf32>
}

// -----

// Tokens that a constant ties to their places, and those beside fixed rows, are
// transformed again.
// CHECK-LABEL: func @step(
// CHECK-NOT:     weir.sliding_dct
// CHECK:         weir.dct
// CHECK:         weir.dct
// CHECK-LABEL: func @push(
func.func @window(%x: tensor<1x4x2xf32> {weir.input = "x"}) -> (tensor<1x3x2xf32> {weir.output = "y"}) {
  %w = onnx.Constant dense<[[[1.0], [2.0], [3.0], [4.0]]]> : tensor<1x4x1xf32>
  %c = onnx.Constant dense<5.0> : tensor<1x1x2xf32>
  %0 = onnx.Mul %x, %w : (tensor<1x4x2xf32>, tensor<1x4x1xf32>) -> tensor<1x4x2xf32>
  %1 = weir.dct %0 {dim = 1} : tensor<1x4x2xf32> -> tensor<1x3x2xf32>
  %2 = onnx.Concat %c, %x {axis = 1 : si64} : (tensor<1x1x2xf32>, tensor<1x4x2xf32>) -> tensor<1x5x2xf32>
  %3 = weir.dct %2 {dim = 1} : tensor<1x5x2xf32> -> tensor<1x3x2xf32>
  %4 = onnx.Add %1, %3 : (tensor<1x3x2xf32>, tensor<1x3x2xf32>) -> tensor<1x3x2xf32>
  return %4 : tensor<1x3x2xf32>
}
