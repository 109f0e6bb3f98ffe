// RUN: not weir-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(weir-dct{token-axis=x=1 variant=qkv keep=3 approximate=true}))' 2>&1 | FileCheck %s

// A bias that depends on the queries speaks of positions, which frequencies have not.
// CHECK: attention 0 ('weir.attention') cannot be compressed: what is added to its scores depends on the queries
func.func @window(%x: tensor<1x8x4xf32> {weir.input = "x"}, %b: tensor<8x8xf32>) -> tensor<1x8x4xf32> {
  %y = weir.attention softmax %x, %x, %x bias %b : tensor<1x8x4xf32>, tensor<1x8x4xf32>,
    tensor<1x8x4xf32>, tensor<8x8xf32> -> tensor<1x8x4xf32>
  return %y : tensor<1x8x4xf32>
}

// -----

// Pseudo-tokens share out the weights of a softmax; other weights are none to share.
// CHECK: cannot be compressed: its weights are no softmax
func.func @window(%x: tensor<1x8x4xf32> {weir.input = "x"}) -> tensor<1x8x4xf32> {
  %y = weir.attention laplace %x, %x, %x
    : tensor<1x8x4xf32>, tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  return %y : tensor<1x8x4xf32>
}

// -----

// A class token among the keys alone gives them other frequencies than the queries.
// CHECK: cannot be compressed: it has 8 queries and 9 keys, which have no frequencies in common
func.func @window(%x: tensor<1x8x4xf32> {weir.input = "x"}) -> tensor<1x8x4xf32> {
  %c = onnx.Constant dense<0.5> : tensor<1x1x4xf32>
  %k = onnx.Concat %c, %x {axis = 1 : si64} : (tensor<1x1x4xf32>, tensor<1x8x4xf32>) -> tensor<1x9x4xf32>
  %y = weir.attention softmax %x, %k, %k
    : tensor<1x8x4xf32>, tensor<1x9x4xf32>, tensor<1x9x4xf32> -> tensor<1x8x4xf32>
  return %y : tensor<1x8x4xf32>
}

// -----

// CHECK: error: the model has no attention over its tokens
func.func @window(%x: tensor<1x8x4xf32> {weir.input = "x"}) -> tensor<1x8x4xf32> {
  return %x : tensor<1x8x4xf32>
}
