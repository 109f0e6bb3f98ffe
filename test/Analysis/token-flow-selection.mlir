// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(weir-annotate-token-flow{token-axis=x=1}))' | FileCheck %s

// Each token selects among its own features: both results slide.
// CHECK-LABEL: func @features(
// CHECK:       onnx.TopK {{.*}}weir.flow = "5 tokens in dim 1; slides with margins (0, 1)"
// CHECK:       onnx.Neg {{.*}}weir.flow = "5 tokens in dim 1; slides with margins (0, 1)"
// CHECK:       onnx.ScatterElements {{.*}}weir.flow = "5 tokens in dim 1; slides with margins (0, 1)"
func.func @features(%x: tensor<1x5x4xf32> {weir.input = "x"}) -> tensor<1x5x4xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %v, %i = onnx.TopK %x, %k : (tensor<1x5x4xf32>, tensor<1xi64>) -> (tensor<1x5x2xf32>, tensor<1x5x2xi64>)
  %0 = onnx.Neg %i : (tensor<1x5x2xi64>) -> tensor<1x5x2xi64>
  %1 = onnx.ScatterElements %x, %0, %v {axis = 2 : si64} : (tensor<1x5x4xf32>, tensor<1x5x2xi64>, tensor<1x5x2xf32>) -> tensor<1x5x4xf32>
  return %1 : tensor<1x5x4xf32>
}

// -----

// Among tokens, which are chosen is news in every step; what goes back is tokens again.
// CHECK-LABEL: func @tokens(
// CHECK:       onnx.TopK {{.*}}weir.flow = "changes every step: searches along the token axis"
// CHECK:       onnx.GatherElements {{.*}}weir.flow = "changes every step: searches along the token axis (at onnx.TopK)"
// CHECK:       onnx.ScatterElements {{.*}}weir.flow = "5 tokens in dim 1; full: searches along the token axis (at onnx.TopK)"
func.func @tokens(%x: tensor<1x5x1xf32> {weir.input = "x"}) -> tensor<1x5x1xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %v, %i = onnx.TopK %x, %k {axis = 1 : si64} : (tensor<1x5x1xf32>, tensor<1xi64>) -> (tensor<1x2x1xf32>, tensor<1x2x1xi64>)
  %0 = onnx.GatherElements %x, %i {axis = 1 : si64} : (tensor<1x5x1xf32>, tensor<1x2x1xi64>) -> tensor<1x2x1xf32>
  %1 = onnx.ScatterElements %x, %i, %0 {axis = 1 : si64} : (tensor<1x5x1xf32>, tensor<1x2x1xi64>, tensor<1x2x1xf32>) -> tensor<1x5x1xf32>
  return %1 : tensor<1x5x1xf32>
}

// -----

// Index vectors into features leave tokens alone, those into tokens do not.
// CHECK-LABEL: func @vectors(
// CHECK:       onnx.GatherND {{.*}}weir.flow = "5 tokens in dim 1; slides with margins (0, 1)"
// CHECK:       onnx.ScatterND {{.*}}weir.flow = "5 tokens in dim 1; slides with margins (0, 1)"
// CHECK:       onnx.GatherND {{.*}}weir.flow = "changes every step: gathers scattered tokens"
func.func @vectors(%x: tensor<2x5x3xf32> {weir.input = "x"}) -> tensor<2x3xf32> {
  %swap = onnx.Constant dense<[[1], [0]]> : tensor<2x1xi64>
  %ends = onnx.Constant dense<[[0, 4], [1, 3]]> : tensor<2x2xi64>
  %0 = onnx.GatherND %x, %swap : (tensor<2x5x3xf32>, tensor<2x1xi64>) -> tensor<2x5x3xf32>
  %1 = onnx.ScatterND %x, %swap, %0 {reduction = "add"} : (tensor<2x5x3xf32>, tensor<2x1xi64>, tensor<2x5x3xf32>) -> tensor<2x5x3xf32>
  %2 = onnx.GatherND %1, %ends : (tensor<2x5x3xf32>, tensor<2x2xi64>) -> tensor<2x3xf32>
  return %2 : tensor<2x3xf32>
}
