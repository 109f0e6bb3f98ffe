// RUN: weir-opt %s | weir-opt | FileCheck %s
// RUN: weir-opt %s --mlir-print-op-generic | weir-opt | FileCheck %s

// Every op prints what it parses; clusters may be shared by heads or not.
// CHECK-LABEL: func @clusters(
// CHECK:       %[[A:.*]] = weir.cluster_affinity softmax %{{.*}}, %{{.*}}, %{{.*}} : tensor<2x8x3xf32>, tensor<2x8x3xf32>, tensor<1x8x1xf32> -> tensor<2x8x3xf32>
// CHECK:       weir.cluster_affinity laplace %{{.*}}, %{{.*}}, %{{.*}} : tensor<2x8x3xf32>, tensor<8x3xf32>, tensor<1x1xf32> -> tensor<2x8x3xf32>
// CHECK:       %[[I:.*]] = weir.choose_clusters topk %[[A]] {size = 4 : i64} : tensor<2x8x3xf32> -> tensor<2x3x4xi64>
// CHECK:       weir.choose_clusters sa_greedy %[[A]]
// CHECK:       weir.choose_clusters sa_rounds %[[A]]
// CHECK:       %[[R:.*]] = weir.gather_tokens %{{.*}}, %[[I]] : tensor<2x8x5xf32>, tensor<2x3x4xi64> -> tensor<2x3x4x5xf32>
// CHECK:       weir.gather_tokens %{{.*}}, %{{.*}} : tensor<2x8x5xf32>, tensor<3x4xi64> -> tensor<2x3x4x5xf32>
// CHECK:       weir.scatter_add_tokens %[[R]], %[[I]] {tokens = 8 : i64} : tensor<2x3x4x5xf32>, tensor<2x3x4xi64> -> tensor<2x8x5xf32>
// CHECK:       weir.cluster_members %[[I]] {tokens = 8 : i64} : tensor<2x3x4xi64> -> tensor<2x8x3xf64>
func.func @clusters(%q: tensor<2x8x3xf32>, %k: tensor<8x3xf32>, %phi: tensor<1x8x1xf32>,
                    %one: tensor<1x1xf32>, %x: tensor<2x8x5xf32>, %shared: tensor<3x4xi64>) {
  %a = weir.cluster_affinity softmax %q, %q, %phi : tensor<2x8x3xf32>, tensor<2x8x3xf32>, tensor<1x8x1xf32> -> tensor<2x8x3xf32>
  %b = weir.cluster_affinity laplace %q, %k, %one : tensor<2x8x3xf32>, tensor<8x3xf32>, tensor<1x1xf32> -> tensor<2x8x3xf32>
  %i = weir.choose_clusters topk %a {size = 4 : i64} : tensor<2x8x3xf32> -> tensor<2x3x4xi64>
  %j = weir.choose_clusters sa_greedy %a {size = 2 : i64} : tensor<2x8x3xf32> -> tensor<2x3x2xi64>
  %l = weir.choose_clusters sa_rounds %a {size = 8 : i64} : tensor<2x8x3xf32> -> tensor<2x3x8xi64>
  %r = weir.gather_tokens %x, %i : tensor<2x8x5xf32>, tensor<2x3x4xi64> -> tensor<2x3x4x5xf32>
  %s = weir.gather_tokens %x, %shared : tensor<2x8x5xf32>, tensor<3x4xi64> -> tensor<2x3x4x5xf32>
  %y = weir.scatter_add_tokens %r, %i {tokens = 8 : i64} : tensor<2x3x4x5xf32>, tensor<2x3x4xi64> -> tensor<2x8x5xf32>
  %m = weir.cluster_members %i {tokens = 8 : i64} : tensor<2x3x4xi64> -> tensor<2x8x3xf64>
  return
}
