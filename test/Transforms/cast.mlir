// RUN: weir-opt %s --pass-pipeline='builtin.module(func.func(weir-cast{from=kmeans size=4 token-axis=x=1}))' | FileCheck %s
// RUN: weir-opt %s --pass-pipeline='builtin.module(func.func(weir-cast{from=kmeans size=4 summaries=false intra-weight=false heads=per-head clustering=sa-rounds f=laplace token-axis=x=1}))' | FileCheck %s --check-prefix=BARE

// Two heads, which share their clusters by the sum of their affinities.
// CHECK-LABEL: func @heads(
// CHECK:       %[[AQ:.*]] = onnx.MatMul %[[Q:.*]], %{{.*}} : (tensor<1x2x8x3xf32>, tensor<1x2x3x2xf32>) -> tensor<1x2x8x2xf32>
// CHECK:       %[[A:.*]] = weir.cluster_affinity softmax %[[AQ]], %{{.*}}, %{{.*}} -> tensor<1x2x8x2xf32>
// CHECK:       %[[S:.*]] = onnx.ReduceSum %[[A]], %{{.*}} -> tensor<1x1x8x2xf32>
// CHECK:       %[[I:.*]] = weir.choose_clusters topk %[[S]] {size = 4 : i64} : tensor<1x1x8x2xf32> -> tensor<1x1x2x4xi64>
// CHECK:       weir.gather_tokens %[[Q]], %[[I]] : tensor<1x2x8x3xf32>, tensor<1x1x2x4xi64> -> tensor<1x2x2x4x3xf32>
// CHECK:       %[[IN:.*]] = weir.attention softmax
// CHECK:       %[[OWN:.*]] = onnx.Mul %[[IN]], %{{.*}} : (tensor<1x2x2x4x3xf32>, tensor<1x2x2x4x1xf32>)
// CHECK:       %[[SUM:.*]] = weir.scatter_add_tokens %[[OWN]], %[[I]] {tokens = 8 : i64}
// CHECK:       weir.cluster_members %[[I]] {tokens = 8 : i64} : tensor<1x1x2x4xi64> -> tensor<1x1x8x2xf32>
// CHECK:       onnx.Add %[[SUM]], %{{.*}} -> tensor<1x2x8x3xf32>
// BARE-LABEL:  func @heads(
// BARE-NOT:    onnx.ReduceSum
// BARE:        %[[I:.*]] = weir.choose_clusters sa_rounds %{{.*}} -> tensor<1x2x2x4xi64>
// BARE:        %[[E:.*]] = onnx.Less %[[I]]
// BARE:        onnx.Where %[[E]]
// BARE:        %[[IN:.*]] = weir.attention laplace %{{.*}} bias
// BARE-NEXT:   weir.scatter_add_tokens %[[IN]], %[[I]]
// BARE-NOT:    weir.cluster_members
func.func @heads(%x: tensor<1x8x6xf32> {weir.input = "x"}) -> tensor<1x2x8x3xf32> {
  %w = onnx.Constant dense<0.5> : tensor<6x6xf32>
  %shape = onnx.Constant dense<[1, 8, 2, 3]> : tensor<4xi64>
  %p = onnx.MatMul %x, %w : (tensor<1x8x6xf32>, tensor<6x6xf32>) -> tensor<1x8x6xf32>
  %r = onnx.Reshape %p, %shape : (tensor<1x8x6xf32>, tensor<4xi64>) -> tensor<1x8x2x3xf32>
  %h = onnx.Transpose %r {perm = [0, 2, 1, 3]} : (tensor<1x8x2x3xf32>) -> tensor<1x2x8x3xf32>
  %y = weir.attention softmax %h, %h, %h {weir.surrogates = dense<1.0> : tensor<2x6xf32>} : tensor<1x2x8x3xf32>, tensor<1x2x8x3xf32>, tensor<1x2x8x3xf32> -> tensor<1x2x8x3xf32>
  return %y : tensor<1x2x8x3xf32>
}

// A factor of the queries, which surrogate tokens do not know, divides those instead; of
// keys that a mask hides none is chosen.
// CHECK-LABEL: func @scaled(
// CHECK:       onnx.Constant dense<2.500000e-01> : tensor<1x1x6x1xf32>
// CHECK:       %[[K:.*]] = onnx.Greater %{{.*}}, %{{.*}} -> tensor<1x1x8x1xi1>
// CHECK:       onnx.Where %[[K]], %{{.*}}, %{{.*}} -> tensor<1x1x8x1xf32>
func.func @scaled(%x: tensor<1x8x6xf32> {weir.input = "x"}, %m: tensor<1x1x8xi1> {weir.input = "m"}) -> tensor<1x8x6xf32> {
  %w = onnx.Constant dense<0.5> : tensor<6x6xf32>
  %four = onnx.Constant dense<4.0> : tensor<f32>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %low = onnx.Constant dense<-1.0e9> : tensor<f32>
  %b = onnx.Where %m, %zero, %low : (tensor<1x1x8xi1>, tensor<f32>, tensor<f32>) -> tensor<1x1x8xf32>
  %p = onnx.MatMul %x, %w : (tensor<1x8x6xf32>, tensor<6x6xf32>) -> tensor<1x8x6xf32>
  %q = onnx.Mul %p, %four : (tensor<1x8x6xf32>, tensor<f32>) -> tensor<1x8x6xf32>
  %y = weir.attention softmax %q, %p, %p bias %b {weir.surrogates = dense<1.0> : tensor<1x6xf32>} : tensor<1x8x6xf32>, tensor<1x8x6xf32>, tensor<1x8x6xf32>, tensor<1x1x8xf32> -> tensor<1x8x6xf32>
  return %y : tensor<1x8x6xf32>
}
