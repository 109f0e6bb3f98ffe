// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(weir-annotate-token-flow{token-axis=x=-2 chunk=2 recycle=1}))' | FileCheck %s
// RUN: not weir-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(weir-annotate-token-flow{token-axis=x=7}))' 2>&1 | FileCheck %s --check-prefix=AXIS
// RUN: not weir-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(weir-annotate-token-flow{token-axis=z=1}))' 2>&1 | FileCheck %s --check-prefix=NAME

// RUN: not weir-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(weir-annotate-token-flow{token-axis=x=0 chunk=9}))' 2>&1 | FileCheck %s --check-prefix=CHUNK

// CHUNK: error: a step of 9 tokens does not fit a window of 6
// AXIS: error: token axis 7 is outside input 'x' of rank 2
// NAME: error: there is no input 'z'

// Two tokens enter a step: two rows are new, and the axis may be counted from the back.
// CHECK-LABEL: func @chunk(
// CHECK:       onnx.Relu {{.*}}weir.flow = "6 tokens in dim 0 by 2; slides with margins (0, 2)"
func.func @chunk(%x: tensor<6x3xf32> {weir.input = "x"}) -> tensor<6x3xf32> {
  %0 = onnx.Relu %x : (tensor<6x3xf32>) -> tensor<6x3xf32>
  return %0 : tensor<6x3xf32>
}

// -----

// A table of positions slides where positions are recycled with their tokens.
// CHECK-LABEL: func @table(
// CHECK:       onnx.Add {{.*}}weir.flow = "4 tokens in dim 0 by 2; slides with margins (0, 2)"
func.func @table(%x: tensor<4x3xf32> {weir.input = "x"}) -> tensor<4x3xf32> {
  %t = onnx.Constant dense<[[1.0], [2.0], [3.0], [4.0]]> : tensor<4x1xf32>
  %0 = onnx.Add %x, %t : (tensor<4x3xf32>, tensor<4x1xf32>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// -----

// What no token reaches stands still.
// CHECK-LABEL: func @still(
// CHECK:       onnx.Relu {{.*}}weir.flow = "still"
func.func @still(%x: tensor<6x3xf32> {weir.input = "x"}, %p: tensor<5xf32> {weir.input = "p"})
    -> tensor<5xf32> {
  %0 = onnx.Relu %p : (tensor<5xf32>) -> tensor<5xf32>
  return %0 : tensor<5xf32>
}

// -----

// A window that a step fills slides nowhere.
// CHECK-LABEL: func @filled(
// CHECK:       onnx.Relu {{.*}}weir.flow = "2 tokens in dim 0 by 2; full: every step brings a whole window"
func.func @filled(%x: tensor<2x3xf32> {weir.input = "x"}) -> tensor<2x3xf32> {
  %0 = onnx.Relu %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}
