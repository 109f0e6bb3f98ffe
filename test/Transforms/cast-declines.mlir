// RUN: weir-opt %s --pass-pipeline='builtin.module(func.func(weir-cast{from=kmeans size=4 token-axis=x=0}))' --split-input-file --verify-diagnostics --remarks-filter=weir --remark-format=emitRemark | FileCheck %s

// What is done is said, with what is known of it.
// CHECK-LABEL: func @clustered(
// CHECK:       weir.choose_clusters
func.func @clustered(%x: tensor<8x4xf32> {weir.input = "x"}) -> tensor<8x4xf32> {
  %w = onnx.Constant dense<0.5> : tensor<4x4xf32>
  %p = onnx.MatMul %x, %w : (tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32>
  // expected-remark@+1 {{attention inside of clusters", before=1024, clusters=2, macs=992, note="CAST-style: the equations are a reconstruction, not checked against the paper", size=4}}
  %y = weir.attention softmax %p, %p, %p {weir.surrogates = dense<1.0> : tensor<2x4xf32>} : tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32> -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// -----

// Positions are lost inside of clusters: what has them stays, and what has none does not.
// CHECK-LABEL: func @positions(
// CHECK:       weir.attention softmax {{.*}} bias
// CHECK:       weir.choose_clusters
func.func @positions(%x: tensor<8x4xf32> {weir.input = "x"}, %b: tensor<8x8xf32> {weir.input = "b"}) -> (tensor<8x4xf32>, tensor<8x4xf32>) {
  %w = onnx.Constant dense<0.5> : tensor<4x4xf32>
  %p = onnx.MatMul %x, %w : (tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32>
  // expected-remark@+1 {{its scores have a bias of positions, or a mask that is none of keys}}
  %y = weir.attention softmax %p, %p, %p bias %b {weir.surrogates = dense<1.0> : tensor<1x4xf32>} : tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x8xf32> -> tensor<8x4xf32>
  // expected-remark@+1 {{attention inside of clusters}}
  %z = weir.attention softmax %p, %p, %p {weir.surrogates = dense<1.0> : tensor<2x4xf32>} : tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32> -> tensor<8x4xf32>
  return %y, %z : tensor<8x4xf32>, tensor<8x4xf32>
}

// -----

// Tokens that are not projected are their own queries and keys, and nothing is counted for
// projections; tokens that are turned by their places are not.
// CHECK-LABEL: func @tokens_themselves(
// CHECK:       weir.attention softmax %[[T:[a-z0-9_]+]], %[[T]], %arg0
// CHECK:       weir.choose_clusters
func.func @tokens_themselves(%x: tensor<8x4xf32> {weir.input = "x"}, %c: tensor<8x4xf32> {weir.input = "c"}) -> (tensor<8x4xf32>, tensor<8x4xf32>) {
  %t = onnx.Mul %x, %c : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
  // expected-remark@+1 {{its queries or keys are no product of tokens with a constant, nor what its values are}}
  %y = weir.attention softmax %t, %t, %x {weir.surrogates = dense<1.0> : tensor<1x4xf32>} : tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32> -> tensor<8x4xf32>
  // expected-remark@+1 {{attention inside of clusters", before=512, clusters=2, macs=480}}
  %z = weir.attention softmax %x, %x, %x {weir.surrogates = dense<1.0> : tensor<2x4xf32>} : tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32> -> tensor<8x4xf32>
  return %y, %z : tensor<8x4xf32>, tensor<8x4xf32>
}

// -----

func.func @uncalibrated(%x: tensor<8x4xf32> {weir.input = "x"}) -> tensor<8x4xf32> {
  %w = onnx.Constant dense<0.5> : tensor<4x4xf32>
  %p = onnx.MatMul %x, %w : (tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32>
  // expected-error@+2 {{has no surrogate tokens that calibration found}}
  // expected-note@+1 {{help: calibrate the model, or give surrogates=FILE.npz}}
  %y = weir.attention softmax %p, %p, %p : tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32> -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}
