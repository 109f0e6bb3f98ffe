// RUN: weir-opt %s --convert-clusters-to-onnx=only-affinity | FileCheck %s --check-prefix=SOME
// RUN: weir-opt %s --convert-clusters-to-onnx | FileCheck %s

// Affinities are element-wise operators; what needs indices may stay.
// SOME-LABEL: func @affinity(
// SOME-SAME:  %[[Q:.*]]: tensor<8x3xf32>, %[[K:.*]]: tensor<8x3xf32>, %[[PHI:.*]]: tensor<8x1xf32>)
// SOME-DAG:   %[[FQ:.*]] = onnx.Softmax %[[Q]]
// SOME-DAG:   %[[FK:.*]] = onnx.Softmax %[[K]]
// SOME-DAG:   %[[G:.*]] = onnx.Sigmoid %[[PHI]]
// SOME:       %[[D:.*]] = onnx.Sub %[[FQ]], %[[FK]]
// SOME:       %[[M:.*]] = onnx.Mul %[[G]], %[[D]]
// SOME:       %[[A:.*]] = onnx.Add %[[FK]], %[[M]]
// SOME:       weir.choose_clusters topk %[[A]]
func.func @affinity(%q: tensor<8x3xf32>, %k: tensor<8x3xf32>, %phi: tensor<8x1xf32>) -> tensor<3x4xi64> {
  %a = weir.cluster_affinity softmax %q, %k, %phi : tensor<8x3xf32>, tensor<8x3xf32>, tensor<8x1xf32> -> tensor<8x3xf32>
  %i = weir.choose_clusters topk %a {size = 4 : i64} : tensor<8x3xf32> -> tensor<3x4xi64>
  return %i : tensor<3x4xi64>
}

// What fits no cluster is in none: places of -inf stay empty.
// CHECK-LABEL: func @choose(
// CHECK:       %[[T:.*]] = onnx.Transpose %{{.*}} {perm = [1, 0]} : (tensor<8x3xf32>) -> tensor<3x8xf32>
// CHECK:       %[[V:.*]], %[[I:.*]] = onnx.TopK %[[T]], %{{.*}} -> (tensor<3x4xf32>, tensor<3x4xi64>)
// CHECK:       %[[TAKEN:.*]] = onnx.Greater %[[V]], %{{.*}}
// CHECK:       onnx.Where %[[TAKEN]], %[[I]], %{{.*}} -> tensor<3x4xi64>
func.func @choose(%a: tensor<8x3xf32>) -> tensor<3x4xi64> {
  %i = weir.choose_clusters topk %a {size = 4 : i64} : tensor<8x3xf32> -> tensor<3x4xi64>
  return %i : tensor<3x4xi64>
}

// Indices that heads share are repeated for each.
// CHECK-LABEL: func @move(
// CHECK:       onnx.Expand %{{.*}}, %{{.*}} -> tensor<2x3x4xi64>
// CHECK:       %[[R:.*]] = onnx.GatherND %{{.*}}, %{{.*}} {batch_dims = 1 : si64} : (tensor<2x8x5xf32>, tensor<2x3x4x1xi64>) -> tensor<2x3x4x5xf32>
// CHECK:       %[[G:.*]] = onnx.Where %{{.*}}, %{{.*}}, %[[R]]
// CHECK:       onnx.ScatterElements %{{.*}} {axis = 1 : si64, reduction = "add"} : (tensor<2x8x5xf32>, tensor<2x12x5xi64>, tensor<2x12x5xf32>) -> tensor<2x8x5xf32>
// CHECK:       %[[M:.*]] = onnx.ScatterElements %{{.*}} {axis = 2 : si64, reduction = "add"} : (tensor<1x3x8xf32>, tensor<1x3x4xi64>, tensor<1x3x4xf32>) -> tensor<1x3x8xf32>
// CHECK:       onnx.Transpose %[[M]] {perm = [0, 2, 1]}
func.func @move(%x: tensor<2x8x5xf32>, %i: tensor<1x3x4xi64>) -> (tensor<2x8x5xf32>, tensor<1x8x3xf32>) {
  %r = weir.gather_tokens %x, %i : tensor<2x8x5xf32>, tensor<1x3x4xi64> -> tensor<2x3x4x5xf32>
  %y = weir.scatter_add_tokens %r, %i {tokens = 8 : i64} : tensor<2x3x4x5xf32>, tensor<1x3x4xi64> -> tensor<2x8x5xf32>
  %m = weir.cluster_members %i {tokens = 8 : i64} : tensor<1x3x4xi64> -> tensor<1x8x3xf32>
  return %y, %m : tensor<2x8x5xf32>, tensor<1x8x3xf32>
}
