// RUN: weir-opt %s --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 semantics=stream})' | FileCheck %s --check-prefixes=CHECK,STREAM
// RUN: weir-opt %s --pass-pipeline='builtin.module(weir-continual{token-axis=x=1})' | FileCheck %s --check-prefix=WINDOW
// RUN: weir-opt %s --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 semantics=deep})' 2>/dev/null | FileCheck %s --check-prefixes=CHECK,DEEP

// On the whole stream what has left a band stays in the rows that it has made: the newest
// ones alone are computed, where a window begins anew on the left. Outputs come from the
// first token on, and keys that have not come get no weight. The window function stays.
// WINDOW-LABEL: func @step(
// WINDOW-SAME:    weir.full = 5 : i64, weir.skipped = 0 : i64, weir.warmup = 5 : i64
// WINDOW:         weir.ring_push {{.*}} positions = array<i64: 0, 1, 4>
// CHECK-LABEL: func @window(
// CHECK-COUNT-3: onnx.Add
// CHECK-NOT:   {{= onnx.Add|window_banded}}
// CHECK-LABEL: func @step(
// STREAM-SAME:   weir.full = 1 : i64, weir.semantics = "stream", weir.skipped = 0 : i64, weir.warmup = 1 : i64
// DEEP-SAME:     weir.full = 1 : i64, weir.semantics = "deep", weir.skipped = 0 : i64, weir.warmup = 1 : i64
// CHECK-NOT:     weir.ring_push {{.*}} positions = array<i64: 0
// CHECK:         weir.mask_absent lowest %{{.*}} positions = array<i64: 3, 4>} : tensor<1x1x2xf32>
// CHECK-NOT:     weir.ring_push {{.*}} positions = array<i64: 0
// CHECK:         return
func.func @window(%x: tensor<1x5x2xf32> {weir.input = "x"}) -> (tensor<1x5x2xf32> {weir.output = "y"}) {
  %m = onnx.Constant dense<[[0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000],
                            [0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000],
                            [0xFF800000, 0.0, 0.0, 0xFF800000, 0xFF800000],
                            [0xFF800000, 0xFF800000, 0.0, 0.0, 0xFF800000],
                            [0xFF800000, 0xFF800000, 0xFF800000, 0.0, 0.0]]> : tensor<5x5xf32>
  %k0 = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x5x2xf32>) -> tensor<1x2x5xf32>
  %s0 = onnx.MatMul %x, %k0 : (tensor<1x5x2xf32>, tensor<1x2x5xf32>) -> tensor<1x5x5xf32>
  %b0 = onnx.Add %s0, %m : (tensor<1x5x5xf32>, tensor<5x5xf32>) -> tensor<1x5x5xf32>
  %p0 = onnx.Softmax %b0 {axis = -1 : si64} : (tensor<1x5x5xf32>) -> tensor<1x5x5xf32>
  %y0 = onnx.MatMul %p0, %x : (tensor<1x5x5xf32>, tensor<1x5x2xf32>) -> tensor<1x5x2xf32>
  %k1 = onnx.Transpose %y0 {perm = [0, 2, 1]} : (tensor<1x5x2xf32>) -> tensor<1x2x5xf32>
  %s1 = onnx.MatMul %y0, %k1 : (tensor<1x5x2xf32>, tensor<1x2x5xf32>) -> tensor<1x5x5xf32>
  %b1 = onnx.Add %s1, %m : (tensor<1x5x5xf32>, tensor<5x5xf32>) -> tensor<1x5x5xf32>
  %p1 = onnx.Softmax %b1 {axis = -1 : si64} : (tensor<1x5x5xf32>) -> tensor<1x5x5xf32>
  %y1 = onnx.MatMul %p1, %y0 : (tensor<1x5x5xf32>, tensor<1x5x2xf32>) -> tensor<1x5x2xf32>
  %r = onnx.Add %y1, %x : (tensor<1x5x2xf32>, tensor<1x5x2xf32>) -> tensor<1x5x2xf32>
  return %r : tensor<1x5x2xf32>
}
