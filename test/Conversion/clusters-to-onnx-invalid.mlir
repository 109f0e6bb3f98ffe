// RUN: weir-opt %s --convert-clusters-to-onnx --verify-diagnostics

// One token after the other: no operator of ONNX does that.
func.func @assigned(%a: tensor<8x3xf32>) -> tensor<3x4xi64> {
  // expected-error@+2 {{assigns one token after the other to clusters, for which ONNX has no operator}}
  // expected-note@+1 {{help: choose clustering=topk, or compile the model}}
  %i = weir.choose_clusters sa_greedy %a {size = 4 : i64} : tensor<8x3xf32> -> tensor<3x4xi64>
  return %i : tensor<3x4xi64>
}
