// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(weir-raise-attention{token-axis=x=1}))' --remarks-filter=weir --remark-format=emitRemark --verify-diagnostics | FileCheck %s

// Scale, bias and a mask between the products become the op's own.
// CHECK-LABEL: func @plain(
// CHECK-SAME:    %[[X:.*]]: tensor<1x3x2xf32>
// CHECK:       %[[M:.*]] = onnx.Where
// CHECK:       %[[Y:.*]] = weir.attention softmax %[[X]], %[[X]], %[[X]] bias %[[M]] {scale = 5.000000e-01 : f64} : tensor<1x3x2xf32>, tensor<1x3x2xf32>, tensor<1x3x2xf32>, tensor<1x3xf32> -> tensor<1x3x2xf32>
// CHECK-NEXT:  return %[[Y]]
func.func @plain(%x: tensor<1x3x2xf32> {weir.input = "x"}, %mask: tensor<1x3xi1> {weir.input = "mask"}) -> tensor<1x3x2xf32> {
  %two = onnx.Constant dense<2.0> : tensor<f32>
  %low = onnx.Constant dense<-1.0e9> : tensor<f32>
  %k = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x3x2xf32>) -> tensor<1x2x3xf32>
  %s = onnx.MatMul %x, %k : (tensor<1x3x2xf32>, tensor<1x2x3xf32>) -> tensor<1x3x3xf32>
  %d = onnx.Div %s, %two : (tensor<1x3x3xf32>, tensor<f32>) -> tensor<1x3x3xf32>
  %m = onnx.Where %mask, %low, %d : (tensor<1x3xi1>, tensor<f32>, tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  %p = onnx.Softmax %m {axis = -1 : si64} : (tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  %y = onnx.MatMul %p, %x : (tensor<1x3x3xf32>, tensor<1x3x2xf32>) -> tensor<1x3x2xf32>
  return %y : tensor<1x3x2xf32>
}

// -----

// Heads are cut out of the batch on the way and merged again: views of the scores are views of queries and keys.
// CHECK-LABEL: func @merged_heads(
// CHECK-SAME:    %[[X:.*]]: tensor<4x3x2xf32>
// CHECK:       %[[B:.*]] = onnx.Reshape {{.*}} -> tensor<4x1x3xf32>
// CHECK:       weir.attention softmax %[[X]], %[[X]], %[[X]] bias %[[B]]
func.func @merged_heads(%x: tensor<4x3x2xf32> {weir.input = "x"}, %mask: tensor<2x1x1x3xf32> {weir.input = "mask"}) -> tensor<4x3x2xf32> {
  %four = onnx.Constant dense<[2, 2, 3, 3]> : tensor<4xi64>
  %three = onnx.Constant dense<[4, 3, 3]> : tensor<3xi64>
  %k = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<4x3x2xf32>) -> tensor<4x2x3xf32>
  %s = onnx.MatMul %x, %k : (tensor<4x3x2xf32>, tensor<4x2x3xf32>) -> tensor<4x3x3xf32>
  %h = onnx.Reshape %s, %four : (tensor<4x3x3xf32>, tensor<4xi64>) -> tensor<2x2x3x3xf32>
  %m = onnx.Add %h, %mask : (tensor<2x2x3x3xf32>, tensor<2x1x1x3xf32>) -> tensor<2x2x3x3xf32>
  %r = onnx.Reshape %m, %three : (tensor<2x2x3x3xf32>, tensor<3xi64>) -> tensor<4x3x3xf32>
  %p = onnx.Softmax %r {axis = -1 : si64} : (tensor<4x3x3xf32>) -> tensor<4x3x3xf32>
  %y = onnx.MatMul %p, %x : (tensor<4x3x3xf32>, tensor<4x3x2xf32>) -> tensor<4x3x2xf32>
  return %y : tensor<4x3x2xf32>
}

// -----

// Keys may stand before queries, and weights on the right of the values.
// CHECK-LABEL: func @keys_first(
// CHECK-SAME:    %[[X:.*]]: tensor<1x3x2xf32>
// CHECK:       %[[Y:.*]] = weir.attention softmax %[[X]], %[[X]], %[[X]] : tensor<1x3x2xf32>, tensor<1x3x2xf32>, tensor<1x3x2xf32> -> tensor<1x3x2xf32>
// CHECK-NEXT:  %[[T:.*]] = onnx.Transpose %[[Y]] {perm = [0, 2, 1]}
// CHECK-NEXT:  return %[[T]]
func.func @keys_first(%x: tensor<1x3x2xf32> {weir.input = "x"}) -> tensor<1x2x3xf32> {
  %k = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x3x2xf32>) -> tensor<1x2x3xf32>
  %s = onnx.MatMul %x, %k : (tensor<1x3x2xf32>, tensor<1x2x3xf32>) -> tensor<1x3x3xf32>
  %p = onnx.Softmax %s {axis = 1 : si64} : (tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  %y = onnx.MatMul %k, %p : (tensor<1x2x3xf32>, tensor<1x3x3xf32>) -> tensor<1x2x3xf32>
  return %y : tensor<1x2x3xf32>
}

// -----

// A guard against rows that are all masked becomes the op's; a factor of each query goes into the queries.
// CHECK-LABEL: func @guarded(
// CHECK:       %[[Q:.*]] = onnx.Mul %{{.*}}, %{{.*}} : (tensor<1x3x2xf32>, tensor<1x3x1xf32>) -> tensor<1x3x2xf32>
// CHECK:       weir.attention softmax %[[Q]], %{{.*}}, %{{.*}} bias %{{.*}} {guarded}
// CHECK-NOT:   onnx.IsNaN
func.func @guarded(%x: tensor<1x3x2xf32> {weir.input = "x"}, %f: tensor<1x3x1xf32> {weir.input = "f"}, %mask: tensor<1x3x3xf32> {weir.input = "mask"}) -> tensor<1x3x2xf32> {
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %k = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x3x2xf32>) -> tensor<1x2x3xf32>
  %s = onnx.MatMul %x, %k : (tensor<1x3x2xf32>, tensor<1x2x3xf32>) -> tensor<1x3x3xf32>
  %d = onnx.Mul %s, %f : (tensor<1x3x3xf32>, tensor<1x3x1xf32>) -> tensor<1x3x3xf32>
  %m = onnx.Add %d, %mask : (tensor<1x3x3xf32>, tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  %p = onnx.Softmax %m {axis = -1 : si64} : (tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  %n = onnx.IsNaN %p : (tensor<1x3x3xf32>) -> tensor<1x3x3xi1>
  %g = onnx.Where %n, %zero, %p : (tensor<1x3x3xi1>, tensor<f32>, tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  %y = onnx.MatMul %g, %x : (tensor<1x3x3xf32>, tensor<1x3x2xf32>) -> tensor<1x3x2xf32>
  return %y : tensor<1x3x2xf32>
}

// -----

// Masks that a model expands to all queries are kept as those of keys.
// CHECK-LABEL: func @expanded_mask(
// CHECK:       weir.attention softmax {{.*}} tensor<1x1x3xf32> -> tensor<1x3x2xf32>
func.func @expanded_mask(%x: tensor<1x3x2xf32> {weir.input = "x"}, %mask: tensor<1x1x3xf32> {weir.input = "mask"}) -> tensor<1x3x2xf32> {
  %shape = onnx.Constant dense<[1, 3, 3]> : tensor<3xi64>
  %low = onnx.Constant dense<-10000.0> : tensor<f32>
  %e = onnx.Expand %mask, %shape : (tensor<1x1x3xf32>, tensor<3xi64>) -> tensor<1x3x3xf32>
  %b = onnx.Mul %e, %low : (tensor<1x3x3xf32>, tensor<f32>) -> tensor<1x3x3xf32>
  %k = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x3x2xf32>) -> tensor<1x2x3xf32>
  %s = onnx.MatMul %x, %k : (tensor<1x3x2xf32>, tensor<1x2x3xf32>) -> tensor<1x3x3xf32>
  %m = onnx.Add %b, %s : (tensor<1x3x3xf32>, tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  %p = onnx.Softmax %m {axis = -1 : si64} : (tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  %y = onnx.MatMul %p, %x : (tensor<1x3x3xf32>, tensor<1x3x2xf32>) -> tensor<1x3x2xf32>
  return %y : tensor<1x3x2xf32>
}

// -----

// What is done to the scores cannot be said of queries, keys or a bias.
// CHECK-LABEL: func @soft_cap(
// CHECK-NOT:   weir.attention
func.func @soft_cap(%x: tensor<1x3x2xf32> {weir.input = "x"}) -> tensor<1x3x2xf32> {
  %k = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x3x2xf32>) -> tensor<1x2x3xf32>
  %s = onnx.MatMul %x, %k : (tensor<1x3x2xf32>, tensor<1x2x3xf32>) -> tensor<1x3x3xf32>
  %c = onnx.Tanh %s : (tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  // expected-remark-re@+1 {{its scores pass node {{.*}} (Tanh)}}
  %p = onnx.Softmax %c {axis = -1 : si64} : (tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  %y = onnx.MatMul %p, %x : (tensor<1x3x3xf32>, tensor<1x3x2xf32>) -> tensor<1x3x2xf32>
  return %y : tensor<1x3x2xf32>
}

// -----

// Somebody else wants the weights.
// CHECK-LABEL: func @weights_given_out(
// CHECK-NOT:   weir.attention
func.func @weights_given_out(%x: tensor<1x3x2xf32> {weir.input = "x"}) -> (tensor<1x3x2xf32>, tensor<1x3x3xf32>) {
  %k = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x3x2xf32>) -> tensor<1x2x3xf32>
  %s = onnx.MatMul %x, %k : (tensor<1x3x2xf32>, tensor<1x2x3xf32>) -> tensor<1x3x3xf32>
  // expected-remark@+1 {{its weights are used elsewhere}}
  %p = onnx.Softmax %s {axis = -1 : si64} : (tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  %y = onnx.MatMul %p, %x : (tensor<1x3x3xf32>, tensor<1x3x2xf32>) -> tensor<1x3x2xf32>
  return %y, %p : tensor<1x3x2xf32>, tensor<1x3x3xf32>
}

// -----

// A number that scores may come near replaces some of them, and more is added: not a sum.
// CHECK-LABEL: func @near_mask(
// CHECK-NOT:   weir.attention
func.func @near_mask(%x: tensor<1x3x2xf32> {weir.input = "x"}, %mask: tensor<1x3x3xi1> {weir.input = "mask"}, %b: tensor<1x3x3xf32> {weir.input = "b"}) -> tensor<1x3x2xf32> {
  %low = onnx.Constant dense<-10000.0> : tensor<f32>
  %k = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x3x2xf32>) -> tensor<1x2x3xf32>
  %s = onnx.MatMul %x, %k : (tensor<1x3x2xf32>, tensor<1x2x3xf32>) -> tensor<1x3x3xf32>
  %w = onnx.Where %mask, %s, %low : (tensor<1x3x3xi1>, tensor<1x3x3xf32>, tensor<f32>) -> tensor<1x3x3xf32>
  %m = onnx.Add %w, %b : (tensor<1x3x3xf32>, tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  // expected-remark@+1 {{it goes on from scores that a mask has replaced by a number}}
  %p = onnx.Softmax %m {axis = -1 : si64} : (tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  %y = onnx.MatMul %p, %x : (tensor<1x3x3xf32>, tensor<1x3x2xf32>) -> tensor<1x3x2xf32>
  return %y : tensor<1x3x2xf32>
}

// -----

// Several masks by the same number, and one of -inf: a row that is all masked weighs its keys as before.
// CHECK-LABEL: func @same_number(
// CHECK:       %[[LOW:.*]] = onnx.Constant dense<-1.000000e+30>
// CHECK:       weir.attention softmax {{.*}} bias
func.func @same_number(%x: tensor<1x3x2xf32> {weir.input = "x"}, %a: tensor<1x3x3xi1> {weir.input = "a"}, %b: tensor<1x1x3xi1> {weir.input = "b"}) -> tensor<1x3x2xf32> {
  %two = onnx.Constant dense<2.0> : tensor<f32>
  %low = onnx.Constant dense<-2.0e4> : tensor<f32>
  %half = onnx.Constant dense<-1.0e4> : tensor<f32>
  %causal = onnx.Constant dense<[[0.0, 0xFF800000, 0xFF800000], [0.0, 0.0, 0xFF800000], [0.0, 0.0, 0.0]]> : tensor<3x3xf32>
  %k = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x3x2xf32>) -> tensor<1x2x3xf32>
  %s = onnx.MatMul %x, %k : (tensor<1x3x2xf32>, tensor<1x2x3xf32>) -> tensor<1x3x3xf32>
  %w = onnx.Where %a, %s, %low : (tensor<1x3x3xi1>, tensor<1x3x3xf32>, tensor<f32>) -> tensor<1x3x3xf32>
  %d = onnx.Div %w, %two : (tensor<1x3x3xf32>, tensor<f32>) -> tensor<1x3x3xf32>
  %v = onnx.Where %b, %d, %half : (tensor<1x1x3xi1>, tensor<1x3x3xf32>, tensor<f32>) -> tensor<1x3x3xf32>
  %m = onnx.Add %v, %causal : (tensor<1x3x3xf32>, tensor<3x3xf32>) -> tensor<1x3x3xf32>
  %p = onnx.Softmax %m {axis = -1 : si64} : (tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  %y = onnx.MatMul %p, %x : (tensor<1x3x3xf32>, tensor<1x3x2xf32>) -> tensor<1x3x2xf32>
  return %y : tensor<1x3x2xf32>
}

// -----

// What masks are made of goes with them where nobody else wants it, in whatever order it is used.
// CHECK-LABEL: func @shared_condition(
// CHECK-COUNT-1: onnx.Equal
// CHECK-NOT:     onnx.Softmax
// CHECK:         weir.attention
func.func @shared_condition(%x: tensor<1x3x2xf32> {weir.input = "x"}, %i: tensor<1x3x3xi64> {weir.input = "i"}) -> tensor<1x3x2xf32> {
  %one = onnx.Constant dense<1> : tensor<i64>
  %low = onnx.Constant dense<0xFF800000> : tensor<f32>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %c = onnx.Equal %i, %one : (tensor<1x3x3xi64>, tensor<i64>) -> tensor<1x3x3xi1>
  %k = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x3x2xf32>) -> tensor<1x2x3xf32>
  %s = onnx.MatMul %x, %k : (tensor<1x3x2xf32>, tensor<1x2x3xf32>) -> tensor<1x3x3xf32>
  %m = onnx.Where %c, %s, %low : (tensor<1x3x3xi1>, tensor<1x3x3xf32>, tensor<f32>) -> tensor<1x3x3xf32>
  %p = onnx.Softmax %m {axis = -1 : si64} : (tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  %n = onnx.IsNaN %p : (tensor<1x3x3xf32>) -> tensor<1x3x3xi1>
  %g = onnx.Where %n, %zero, %p : (tensor<1x3x3xi1>, tensor<f32>, tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  %y = onnx.MatMul %g, %x : (tensor<1x3x3xf32>, tensor<1x3x2xf32>) -> tensor<1x3x2xf32>
  return %y : tensor<1x3x2xf32>
}

// -----

// A row that is all masked weighs keys of both masks alike: a lower number for one of them would not.
// CHECK-LABEL: func @two_kinds(
// CHECK-NOT:   weir.attention
func.func @two_kinds(%x: tensor<1x3x2xf32> {weir.input = "x"}, %a: tensor<1x1x3xi1> {weir.input = "a"}) -> tensor<1x3x2xf32> {
  %low = onnx.Constant dense<-1.0e9> : tensor<f32>
  %causal = onnx.Constant dense<[[0.0, -1.0e9, -1.0e9], [0.0, 0.0, -1.0e9], [0.0, 0.0, 0.0]]> : tensor<3x3xf32>
  %k = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x3x2xf32>) -> tensor<1x2x3xf32>
  %s = onnx.MatMul %x, %k : (tensor<1x3x2xf32>, tensor<1x2x3xf32>) -> tensor<1x3x3xf32>
  %m = onnx.Add %s, %causal : (tensor<1x3x3xf32>, tensor<3x3xf32>) -> tensor<1x3x3xf32>
  %w = onnx.Where %a, %m, %low : (tensor<1x1x3xi1>, tensor<1x3x3xf32>, tensor<f32>) -> tensor<1x3x3xf32>
  // expected-remark@+1 {{it masks scores by a number, and adds numbers that are as low}}
  %p = onnx.Softmax %w {axis = -1 : si64} : (tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  %y = onnx.MatMul %p, %x : (tensor<1x3x3xf32>, tensor<1x3x2xf32>) -> tensor<1x3x2xf32>
  return %y : tensor<1x3x2xf32>
}
