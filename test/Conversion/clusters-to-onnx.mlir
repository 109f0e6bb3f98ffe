// RUN: weir-opt %s --convert-clusters-to-onnx=only-affinity | FileCheck %s --check-prefix=SOME

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
