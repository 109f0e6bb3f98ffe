// RUN: weir-opt %s --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 retroactive=always})' | FileCheck %s
// RUN: weir-opt %s --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 retroactive=always rotary=recompute})' | FileCheck %s --check-prefix=RECOMPUTE

// Scores of rotated queries and keys are updated by the keys that go and come: the ring
// holds tokens as they were before the rotation, and what is read is rotated by its place
// in the window. Asked to, a step computes them again.
// CHECK-LABEL: func @step(
// CHECK-SAME:    %[[X:[^ :]*]]: tensor<1x4x2xf32> {weir.state = "x"}
// CHECK:         weir.ring_read %[[X]], %{{.*}} positions = array<i64: 0>
// CHECK:         weir.ring_push
// CHECK:         weir.retroactive_attention guarded
// RECOMPUTE-LABEL: func @step(
// RECOMPUTE:         weir.roll
// RECOMPUTE-NOT:     retroactive
// RECOMPUTE:         onnx.Softmax
func.func @window(%x: tensor<1x4x2xf32> {weir.input = "x"}) -> (tensor<1x4x2xf32> {weir.output = "y"}) {
  %cos = onnx.Constant dense<[[1.0], [0.54030230], [-0.41614683], [-0.98999249]]> : tensor<4x1xf32>
  %sin = onnx.Constant dense<[[0.0], [0.84147098], [0.90929742], [0.14112000]]> : tensor<4x1xf32>
  %turn = onnx.Constant dense<[1, 0]> : tensor<2xi64>
  %sign = onnx.Constant dense<[-1.0, 1.0]> : tensor<2xf32>
  %t = onnx.Gather %x, %turn {axis = 2 : si64} : (tensor<1x4x2xf32>, tensor<2xi64>) -> tensor<1x4x2xf32>
  %m = onnx.Mul %t, %sign : (tensor<1x4x2xf32>, tensor<2xf32>) -> tensor<1x4x2xf32>
  %0 = onnx.Mul %x, %cos : (tensor<1x4x2xf32>, tensor<4x1xf32>) -> tensor<1x4x2xf32>
  %1 = onnx.Mul %m, %sin : (tensor<1x4x2xf32>, tensor<4x1xf32>) -> tensor<1x4x2xf32>
  %q = onnx.Add %0, %1 : (tensor<1x4x2xf32>, tensor<1x4x2xf32>) -> tensor<1x4x2xf32>
  %k = onnx.Transpose %q {perm = [0, 2, 1]} : (tensor<1x4x2xf32>) -> tensor<1x2x4xf32>
  %s = onnx.MatMul %q, %k : (tensor<1x4x2xf32>, tensor<1x2x4xf32>) -> tensor<1x4x4xf32>
  %p = onnx.Softmax %s {axis = -1 : si64} : (tensor<1x4x4xf32>) -> tensor<1x4x4xf32>
  %o = onnx.MatMul %p, %x : (tensor<1x4x4xf32>, tensor<1x4x2xf32>) -> tensor<1x4x2xf32> loc("o")
  return %o : tensor<1x4x2xf32>
}
