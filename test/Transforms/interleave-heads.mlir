// RUN: weir-opt %s --split-input-file --weir-interleave-heads --remarks-filter=weir --remark-format=emitRemark --verify-diagnostics | FileCheck %s

// Rows of a ring end in heads, in all functions that have its state. What is pushed and what is returned follows; attentions read what was there before, seen from the ring.
// CHECK-LABEL: func @init(
// CHECK-SAME:    -> (tensor<1x8x3x4xf32> {weir.state = "kv"})
// CHECK:         onnx.Transpose %{{.*}} {perm = [0, 1, 3, 2]} : (tensor<1x8x4x3xf32>)
func.func @init(%z: tensor<1x8x12xf32>) -> (tensor<1x8x12xf32> {weir.state = "kv"}) {
  return %z : tensor<1x8x12xf32>
}
// CHECK-LABEL: func @step(
// CHECK-SAME:    %[[R:[a-z0-9]+]]: tensor<1x8x3x4xf32> {weir.state = "kv"})
// CHECK:         %[[X:.*]] = onnx.Transpose %{{.*}} {perm = [0, 1, 3, 2]} : (tensor<1x1x4x3xf32>)
// CHECK:         %[[P:.*]] = weir.ring_push %[[X]], %[[R]], %{{.*}} {axis = #weir.axis<dim = 1, tokens = 8>
// CHECK:         %[[V:.*]] = onnx.Transpose %[[P]] {perm = [0, 1, 3, 2]}
// CHECK:         %[[H:.*]] = onnx.Transpose %[[V]] {perm = [0, 2, 1, 3]}
// CHECK:         weir.attention softmax %{{.*}}, %[[H]], %[[H]]
// CHECK:         return %{{.*}}, %[[P]]
func.func @step(%q: tensor<1x4x1x3xf32>, %t: index, %x: tensor<1x1x12xf32>, %r: tensor<1x8x12xf32> {weir.state = "kv"}) -> (tensor<1x4x1x3xf32>, tensor<1x8x12xf32> {weir.state = "kv"}) {
  %p = weir.ring_push %x, %r, %t {axis = #weir.axis<dim = 1, tokens = 8>, positions = array<i64: 7>} : tensor<1x1x12xf32>, tensor<1x8x12xf32>
  %shape = onnx.Constant dense<[1, 8, 4, 3]> : tensor<4xi64>
  %s = onnx.Reshape %p, %shape : (tensor<1x8x12xf32>, tensor<4xi64>) -> tensor<1x8x4x3xf32>
  %h = onnx.Transpose %s {perm = [0, 2, 1, 3]} : (tensor<1x8x4x3xf32>) -> tensor<1x4x8x3xf32>
  %y = weir.attention softmax %q, %h, %h : tensor<1x4x1x3xf32>, tensor<1x4x8x3xf32>, tensor<1x4x8x3xf32> -> tensor<1x4x1x3xf32>
  return %y, %p : tensor<1x4x1x3xf32>, tensor<1x8x12xf32>
}

// -----

// Heads in front of the tokens move behind them, and so the axis moves.
// CHECK-LABEL: func @in_front(
// CHECK-SAME:    %[[R:[a-z0-9]+]]: tensor<8x3x4xf32> {weir.state = "kv"})
// CHECK:         %[[X:.*]] = onnx.Transpose %{{.*}} {perm = [1, 2, 0]} : (tensor<4x2x3xf32>)
// CHECK:         weir.ring_push %[[X]], %[[R]], %{{.*}} {axis = #weir.axis<dim = 0, tokens = 8, chunk = 2>
// CHECK:         onnx.Transpose %{{.*}} {perm = [2, 0, 1]}
func.func @in_front(%q: tensor<4x2x3xf32>, %t: index, %x: tensor<4x2x3xf32>, %r: tensor<4x8x3xf32> {weir.state = "kv"}) -> (tensor<4x2x3xf32>, tensor<4x8x3xf32> {weir.state = "kv"}) {
  %p = weir.ring_push %x, %r, %t {axis = #weir.axis<dim = 1, tokens = 8, chunk = 2>, positions = array<i64: 6, 7>} : tensor<4x2x3xf32>, tensor<4x8x3xf32>
  %y = weir.attention softmax %q, %p, %p : tensor<4x2x3xf32>, tensor<4x8x3xf32>, tensor<4x8x3xf32> -> tensor<4x2x3xf32>
  return %y, %p : tensor<4x2x3xf32>, tensor<4x8x3xf32>
}

// -----

// Somebody else reads the keys: they stay, and so do the values that they meet.
// CHECK-LABEL: func @shared(
// CHECK-SAME:    tensor<4x8x3xf32> {weir.state = "k"}, %{{.*}}: tensor<4x8x2xf32> {weir.state = "v"}
func.func @shared(%q: tensor<4x1x3xf32>, %k: tensor<4x8x3xf32> {weir.state = "k"}, %v: tensor<4x8x2xf32> {weir.state = "v"}) -> (tensor<4x1x2xf32>, tensor<4x8x3xf32>, tensor<4x8x3xf32> {weir.state = "k"}, tensor<4x8x2xf32> {weir.state = "v"}) {
  %y = weir.attention softmax %q, %k, %v : tensor<4x1x3xf32>, tensor<4x8x3xf32>, tensor<4x8x2xf32> -> tensor<4x1x2xf32>
  // expected-remark @below {{reads the ring 'k' as it is: its heads stay apart}}
  %n = onnx.Neg %k : (tensor<4x8x3xf32>) -> tensor<4x8x3xf32>
  return %y, %n, %k, %v : tensor<4x1x2xf32>, tensor<4x8x3xf32>, tensor<4x8x3xf32>, tensor<4x8x2xf32>
}

// -----

// Three heads are fewer than a vector has room for, 32 features fill one, and eight queries are a product.
// CHECK-LABEL: func @large(
// CHECK-SAME:    tensor<3x9x4xf32> {weir.state = "few"}, %{{.*}}: tensor<4x9x32xf32> {weir.state = "wide"}, %{{.*}}: tensor<4x9x4xf32> {weir.state = "many"}
func.func @large(%a: tensor<3x1x4xf32>, %b: tensor<4x1x32xf32>, %c: tensor<4x8x4xf32>, %r: tensor<3x9x4xf32> {weir.state = "few"}, %s: tensor<4x9x32xf32> {weir.state = "wide"}, %t: tensor<4x9x4xf32> {weir.state = "many"}) -> (tensor<3x1x4xf32>, tensor<4x1x32xf32>, tensor<4x8x4xf32>) {
  %0 = weir.attention softmax %a, %r, %r : tensor<3x1x4xf32>, tensor<3x9x4xf32>, tensor<3x9x4xf32> -> tensor<3x1x4xf32>
  %1 = weir.attention softmax %b, %s, %s : tensor<4x1x32xf32>, tensor<4x9x32xf32>, tensor<4x9x32xf32> -> tensor<4x1x32xf32>
  %2 = weir.attention softmax %c, %t, %t : tensor<4x8x4xf32>, tensor<4x9x4xf32>, tensor<4x9x4xf32> -> tensor<4x8x4xf32>
  return %0, %1, %2 : tensor<3x1x4xf32>, tensor<4x1x32xf32>, tensor<4x8x4xf32>
}
