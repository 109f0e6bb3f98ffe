// RUN: not weir-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(weir-cast{from=kmeans size=4 token-axis=x=0}))' 2>&1 | FileCheck %s

// Where nothing can go into clusters, nothing is silently left as it was.
// CHECK: error: attention 0 ('{{.*}}') cannot be compressed: it has 8 queries for 9 keys, which cannot share clusters
// CHECK: note: nor can attention 1 ('{{.*}}'): its scores have a bias of positions
// CHECK: help: run the model as it is
func.func @window(%x: tensor<8x4xf32> {weir.input = "x"}, %b: tensor<8x8xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>) {
  %c = onnx.Constant dense<0.5> : tensor<1x4xf32>
  %k = onnx.Concat %c, %x {axis = 0 : si64} : (tensor<1x4xf32>, tensor<8x4xf32>) -> tensor<9x4xf32>
  %y = weir.attention softmax %x, %k, %k : tensor<8x4xf32>, tensor<9x4xf32>, tensor<9x4xf32> -> tensor<8x4xf32>
  %z = weir.attention softmax %x, %x, %x bias %b : tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x8xf32> -> tensor<8x4xf32>
  return %y, %z : tensor<8x4xf32>, tensor<8x4xf32>
}

// -----

// CHECK: error: the model has no attention over its tokens
func.func @window(%x: tensor<8x4xf32> {weir.input = "x"}) -> tensor<8x4xf32> {
  return %x : tensor<8x4xf32>
}
