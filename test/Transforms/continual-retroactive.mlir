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

// -----

// Behind a convolution the keys at both ends are new too: they leave as the step before
// left them, and enter as they are. A class token is a key that is replaced.
// CHECK-LABEL: func @step(
// CHECK-SAME:    %[[C:[^:]*]]: tensor<1x2x7xf32> {weir.state = "c"}
// CHECK:         weir.ring_read %[[C]], %{{.*}} positions = array<i64: 0, 1, 6>
// CHECK:         weir.retroactive_attention guarded {{.*}} attributes {built = array<i64: 1, 2>
// SHADOW-LABEL: func @step(
// SHADOW-NOT:    retroactive
// NEVER-LABEL: func @step(
// NEVER:         onnx.Softmax
func.func @window(%x: tensor<1x7x2xf32> {weir.input = "x"}) -> (tensor<1x7x2xf32> {weir.output = "y"}) {
  %w = onnx.Constant dense<0.5> : tensor<2x2x3xf32>
  %n = onnx.NoValue
  %t = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x7x2xf32>) -> tensor<1x2x7xf32>
  %c = onnx.Conv %t, %w, %n {pads = [1, 1]} : (tensor<1x2x7xf32>, tensor<2x2x3xf32>, none) -> tensor<1x2x7xf32> loc("c")
  %q = onnx.Transpose %c {perm = [0, 2, 1]} : (tensor<1x2x7xf32>) -> tensor<1x7x2xf32>
  %s = onnx.MatMul %q, %c : (tensor<1x7x2xf32>, tensor<1x2x7xf32>) -> tensor<1x7x7xf32>
  %p = onnx.Softmax %s {axis = -1 : si64} : (tensor<1x7x7xf32>) -> tensor<1x7x7xf32>
  %o = onnx.MatMul %p, %q : (tensor<1x7x7xf32>, tensor<1x7x2xf32>) -> tensor<1x7x2xf32>
  return %o : tensor<1x7x2xf32>
}

// -----

// CHECK-LABEL: func @step(
// CHECK:         weir.ring_read %{{.*}}, %{{.*}} positions = array<i64: 0, 1>
// CHECK:         weir.ring_push {{.*}} positions = array<i64: 0, 5>
// CHECK:         weir.retroactive_attention guarded {{.*}}keys = #weir.axis<dim = 2, lead = 1, tokens = 5>
// SHADOW-LABEL: func @step(
// NEVER-LABEL: func @step(
func.func @window(%x: tensor<1x5x2xf32> {weir.input = "x"}) -> (tensor<1x6x2xf32> {weir.output = "y"}) {
  %cls = onnx.Constant dense<1.0> : tensor<1x1x2xf32>
  %c = onnx.Concat %cls, %x {axis = 1 : si64} : (tensor<1x1x2xf32>, tensor<1x5x2xf32>) -> tensor<1x6x2xf32>
  %k = onnx.Transpose %c {perm = [0, 2, 1]} : (tensor<1x6x2xf32>) -> tensor<1x2x6xf32>
  %s = onnx.MatMul %c, %k : (tensor<1x6x2xf32>, tensor<1x2x6xf32>) -> tensor<1x6x6xf32>
  %p = onnx.Softmax %s {axis = -1 : si64} : (tensor<1x6x6xf32>) -> tensor<1x6x6xf32>
  %o = onnx.MatMul %p, %c : (tensor<1x6x6xf32>, tensor<1x6x2xf32>) -> tensor<1x6x2xf32>
  return %o : tensor<1x6x2xf32>
}
