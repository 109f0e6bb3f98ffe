// RUN: weir-opt %s --weir-reassociate-products | FileCheck %s
// RUN: weir-opt %s --weir-reassociate-products -o /dev/null \
// RUN:   --remarks-filter=weir --remark-format=emitRemark --verify-diagnostics

// One query of each of 2 heads is projected back, and meets 16 tokens of 8 numbers: the
// keys are not made. Its product with the bias is the same for all keys.
// CHECK-LABEL: func @scores(
// CHECK-SAME:    %[[X:.*]]: tensor<1x16x8xf32>, %[[Q:.*]]: tensor<1x2x1x3xf32>
// CHECK-DAG:     %[[H:.*]] = onnx.Reshape %[[Q]], %{{.*}} -> tensor<2x1x3xf32>
// CHECK-DAG:     %[[W:.*]] = onnx.Constant {{.*}} : tensor<2x3x8xf32>
// CHECK:         %[[U:.*]] = onnx.MatMul %[[H]], %[[W]] : {{.*}} -> tensor<2x1x8xf32>
// CHECK:         %[[R:.*]] = onnx.Reshape %[[U]], %{{.*}} -> tensor<2x8xf32>
// CHECK:         %[[T:.*]] = onnx.Transpose %{{.*}} -> tensor<8x16xf32>
// CHECK:         %[[S:.*]] = onnx.MatMul %[[R]], %[[T]] : {{.*}} -> tensor<2x16xf32>
// CHECK:         onnx.MatMul %[[H]], %{{.*}} -> tensor<2x1x1xf32>
// CHECK:         onnx.Add %[[S]], %{{.*}} : (tensor<2x16xf32>, tensor<2x1xf32>) -> tensor<2x16xf32>
func.func @scores(%x: tensor<1x16x8xf32>, %q: tensor<1x2x1x3xf32>) -> tensor<1x2x1x16xf32> {
  %w = onnx.Constant dense<0.5> : tensor<8x6xf32>
  %b = onnx.Constant dense<0.25> : tensor<6xf32>
  %y = onnx.MatMul %x, %w : (tensor<1x16x8xf32>, tensor<8x6xf32>) -> tensor<1x16x6xf32>
  %k = onnx.Add %b, %y : (tensor<6xf32>, tensor<1x16x6xf32>) -> tensor<1x16x6xf32>
  %heads = onnx.Constant dense<[1, 16, 2, 3]> : tensor<4xi64>
  %c = onnx.Reshape %k, %heads : (tensor<1x16x6xf32>, tensor<4xi64>) -> tensor<1x16x2x3xf32>
  %t = onnx.Transpose %c {perm = [0, 2, 3, 1]} : (tensor<1x16x2x3xf32>) -> tensor<1x2x3x16xf32>
  // expected-remark@below {{meets tokens before they are projected}}
  %s = onnx.MatMul %q, %t : (tensor<1x2x1x3xf32>, tensor<1x2x3x16xf32>) -> tensor<1x2x1x16xf32>
  return %s : tensor<1x2x1x16xf32>
}

// Weights mix the tokens first; what they sum to weighs the bias.
// CHECK-LABEL: func @values(
// CHECK-SAME:    %[[X:.*]]: tensor<16x8xf32>, %[[P:.*]]: tensor<2x1x16xf32>
// CHECK:         %[[R:.*]] = onnx.Reshape %[[P]], %{{.*}} -> tensor<2x16xf32>
// CHECK:         %[[M:.*]] = onnx.MatMul %[[R]], %[[X]] : {{.*}} -> tensor<2x8xf32>
// CHECK:         %[[O:.*]] = onnx.MatMul %{{.*}}, %{{.*}} : (tensor<2x1x8xf32>, tensor<2x8x3xf32>) -> tensor<2x1x3xf32>
// CHECK:         onnx.MatMul %[[R]], %{{.*}} : (tensor<2x16xf32>, tensor<16x1xf32>) -> tensor<2x1xf32>
// CHECK:         onnx.Mul
// CHECK:         onnx.Add %[[O]]
func.func @values(%x: tensor<16x8xf32>, %p: tensor<2x1x16xf32>) -> tensor<2x1x3xf32> {
  %w = onnx.Constant dense<0.5> : tensor<8x6xf32>
  %b = onnx.Constant dense<0.25> : tensor<1x6xf32>
  %y = onnx.MatMul %x, %w : (tensor<16x8xf32>, tensor<8x6xf32>) -> tensor<16x6xf32>
  %v = onnx.Add %y, %b : (tensor<16x6xf32>, tensor<1x6xf32>) -> tensor<16x6xf32>
  %heads = onnx.Constant dense<[16, 2, 3]> : tensor<3xi64>
  %c = onnx.Reshape %v, %heads : (tensor<16x6xf32>, tensor<3xi64>) -> tensor<16x2x3xf32>
  %t = onnx.Transpose %c {perm = [1, 0, 2]} : (tensor<16x2x3xf32>) -> tensor<2x16x3xf32>
  // expected-remark@below {{meets tokens before they are projected}}
  %o = onnx.MatMul %p, %t : (tensor<2x1x16xf32>, tensor<2x16x3xf32>) -> tensor<2x1x3xf32>
  return %o : tensor<2x1x3xf32>
}

// As many queries as tokens share the keys: they are made once. Keys that are a result
// are made in any case, and a batch of two has tokens of its own for each.
// CHECK-LABEL: func @many(
// CHECK:         onnx.MatMul %{{.*}} -> tensor<16x6xf32>
// CHECK-LABEL: func @shared(
// CHECK:         onnx.MatMul %{{.*}} -> tensor<16x6xf32>
// CHECK-LABEL: func @batch(
// CHECK:         onnx.MatMul %{{.*}} -> tensor<2x16x6xf32>
func.func @many(%x: tensor<16x8xf32>, %q: tensor<2x16x3xf32>) -> tensor<2x16x16xf32> {
  %w = onnx.Constant dense<0.5> : tensor<8x6xf32>
  %k = onnx.MatMul %x, %w : (tensor<16x8xf32>, tensor<8x6xf32>) -> tensor<16x6xf32>
  %heads = onnx.Constant dense<[16, 2, 3]> : tensor<3xi64>
  %c = onnx.Reshape %k, %heads : (tensor<16x6xf32>, tensor<3xi64>) -> tensor<16x2x3xf32>
  %t = onnx.Transpose %c {perm = [1, 2, 0]} : (tensor<16x2x3xf32>) -> tensor<2x3x16xf32>
  // expected-remark@below {{projects its tokens, which takes 2304 multiply-accumulates, and of its rows 4864}}
  %s = onnx.MatMul %q, %t : (tensor<2x16x3xf32>, tensor<2x3x16xf32>) -> tensor<2x16x16xf32>
  return %s : tensor<2x16x16xf32>
}
func.func @shared(%x: tensor<16x8xf32>, %q: tensor<2x1x3xf32>) -> (tensor<2x1x16xf32>, tensor<16x6xf32>) {
  %w = onnx.Constant dense<0.5> : tensor<8x6xf32>
  %k = onnx.MatMul %x, %w : (tensor<16x8xf32>, tensor<8x6xf32>) -> tensor<16x6xf32>
  %heads = onnx.Constant dense<[16, 2, 3]> : tensor<3xi64>
  %c = onnx.Reshape %k, %heads : (tensor<16x6xf32>, tensor<3xi64>) -> tensor<16x2x3xf32>
  %t = onnx.Transpose %c {perm = [1, 2, 0]} : (tensor<16x2x3xf32>) -> tensor<2x3x16xf32>
  %s = onnx.MatMul %q, %t : (tensor<2x1x3xf32>, tensor<2x3x16xf32>) -> tensor<2x1x16xf32>
  return %s, %k : tensor<2x1x16xf32>, tensor<16x6xf32>
}
func.func @batch(%x: tensor<2x16x8xf32>, %q: tensor<2x2x1x3xf32>) -> tensor<2x2x1x16xf32> {
  %w = onnx.Constant dense<0.5> : tensor<8x6xf32>
  %k = onnx.MatMul %x, %w : (tensor<2x16x8xf32>, tensor<8x6xf32>) -> tensor<2x16x6xf32>
  %heads = onnx.Constant dense<[2, 16, 2, 3]> : tensor<4xi64>
  %c = onnx.Reshape %k, %heads : (tensor<2x16x6xf32>, tensor<4xi64>) -> tensor<2x16x2x3xf32>
  %t = onnx.Transpose %c {perm = [0, 2, 3, 1]} : (tensor<2x16x2x3xf32>) -> tensor<2x2x3x16xf32>
  %s = onnx.MatMul %q, %t : (tensor<2x2x1x3xf32>, tensor<2x2x3x16xf32>) -> tensor<2x2x1x16xf32>
  return %s : tensor<2x2x1x16xf32>
}
