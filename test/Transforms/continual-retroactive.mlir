// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 retroactive=always},canonicalize)' | FileCheck %s
// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 retroactive=always retroactive-form=shadow})' | FileCheck %s --check-prefix=SHADOW
// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 retroactive=never})' | FileCheck %s --check-prefix=NEVER

// What leaves is read from the rings before the newest token is pushed, by the slots of
// the step before; the body scores one query against all keys.
// CHECK-LABEL: func @step(
// CHECK-SAME:    %{{.*}}: tensor<i64> {weir.state = "step"}, %[[X:.*]]: tensor<1x6x2xf32> {weir.state = "x"}, %[[K:.*]]: tensor<1x6x2xf32> {weir.state = "k"}, %{{.*}}: tensor<1x6xf32> {weir.state = "o.reference"}
// CHECK:         %[[T:.*]] = arith.index_cast
// CHECK:         %[[BEFORE:.*]] = arith.subi %[[T]]
// CHECK:         weir.ring_read %[[K]], %[[BEFORE]] {{.*}} positions = array<i64: 0>
// CHECK:         weir.ring_read %[[X]], %[[BEFORE]] {{.*}} positions = array<i64: 0>
// CHECK:         weir.ring_push
// CHECK:         weir.retroactive_attention guarded
// CHECK:         ^bb0(%[[SLOT:.*]]: index):
// CHECK:           tensor.extract_slice %{{.*}}[0, %[[SLOT]], 0] [1, 1, 2]
// CHECK:         weir.weighted_mean
// SHADOW-LABEL: func @step(
// SHADOW:         {weir.state = "o.shadow_weighted"}
// NEVER-LABEL: func @step(
// NEVER-NOT:     retroactive
// NEVER:         onnx.Softmax
func.func @window(%x: tensor<1x6x2xf32> {weir.input = "x"}) -> (tensor<1x6x2xf32> {weir.output = "y"}) {
  %w = onnx.Constant dense<0.5> : tensor<2x2xf32>
  %k = onnx.MatMul %x, %w : (tensor<1x6x2xf32>, tensor<2x2xf32>) -> tensor<1x6x2xf32> loc("k")
  %kt = onnx.Transpose %k {perm = [0, 2, 1]} : (tensor<1x6x2xf32>) -> tensor<1x2x6xf32>
  %s = onnx.MatMul %x, %kt : (tensor<1x6x2xf32>, tensor<1x2x6xf32>) -> tensor<1x6x6xf32>
  %p = onnx.Softmax %s {axis = -1 : si64} : (tensor<1x6x6xf32>) -> tensor<1x6x6xf32>
  %o = onnx.MatMul %p, %x : (tensor<1x6x6xf32>, tensor<1x6x2xf32>) -> tensor<1x6x2xf32> loc("o")
  return %o : tensor<1x6x2xf32>
}

// -----

// Weights that something else reads too must be there: they are computed again.
// CHECK-LABEL: func @step(
// CHECK-NOT:     retroactive
func.func @window(%x: tensor<1x6x2xf32> {weir.input = "x"})
    -> (tensor<1x6x2xf32> {weir.output = "y"}, tensor<1x6x6xf32> {weir.output = "weights"}) {
  %kt = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x6x2xf32>) -> tensor<1x2x6xf32>
  %s = onnx.MatMul %x, %kt : (tensor<1x6x2xf32>, tensor<1x2x6xf32>) -> tensor<1x6x6xf32>
  %p = onnx.Softmax %s {axis = -1 : si64} : (tensor<1x6x6xf32>) -> tensor<1x6x6xf32>
  %o = onnx.MatMul %p, %x : (tensor<1x6x6xf32>, tensor<1x6x2xf32>) -> tensor<1x6x2xf32>
  return %o, %p : tensor<1x6x2xf32>, tensor<1x6x6xf32>
}
