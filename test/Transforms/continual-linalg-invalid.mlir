// RUN: weir-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(weir-continual{token-axis=x=1})'

// A body that looks up what the window computes has an operand that nobody sees.
// expected-note@+1 {{help: make this value an operand of the op}}
func.func @window(%x: tensor<1x4x2xf32> {weir.input = "x"}, %i: tensor<1x4xi64> {weir.input = "i"}) -> (tensor<1x4xf32> {weir.output = "y"}) {
  %e = tensor.empty() : tensor<1x4xf32>
  // expected-error@+1 {{has a body that reads a value from outside of it}}
  %y = linalg.generic {indexing_maps = [affine_map<(b, j) -> (b, j)>, affine_map<(b, j) -> (b, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%i : tensor<1x4xi64>) outs(%e : tensor<1x4xf32>) {
  ^bb0(%in: i64, %out: f32):
    %at = arith.index_cast %in : i64 to index
    %zero = arith.constant 0 : index
    %v = tensor.extract %x[%zero, %at, %zero] : tensor<1x4x2xf32>
    linalg.yield %v : f32
  } -> tensor<1x4xf32>
  return %y : tensor<1x4xf32>
}
