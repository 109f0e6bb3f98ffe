// RUN: weir-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(weir-continual{chunk=3})'
// RUN: not weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-continual{token-axis=x=7})' 2>&1 | FileCheck %s --check-prefix=AXIS
// RUN: not weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-continual{token-axis=z=1})' 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 rows=newest})' 2>&1 | FileCheck %s --check-prefix=ROWS
// RUN: not weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 chunk=5})' 2>&1 | FileCheck %s --check-prefix=CHUNK
// RUN: not weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 require-incremental=1})' 2>&1 | FileCheck %s --check-prefix=SAVES
// RUN: not weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 retroactive=always state-layout=shift})' 2>&1 | FileCheck %s --check-prefix=LAYOUT

// LAYOUT: retroactive=always updates rows in slot order, but state-layout=shift keeps window order
// AXIS: token axis 7 is outside input 'x' of rank 3
// NAME: there is no input 'z'
// ROWS: rows=newest is none of all, last, first or a position
// CHUNK: a step of 5 tokens does not fit a window of 4
// SAVES: error: {{.*}}contracts the token axis: a step saves nothing over the window: it takes 32 multiply-accumulates, the window 32
// expected-error@+2 {{no axis of the inputs makes queries meet keys in a softmax}}
// expected-note@+1 {{help: name the token axis with --token-axis x=AXIS}}
func.func @window(%x: tensor<1x4x2xf32> {weir.input = "x"}) -> (tensor<1x4x2xf32> {weir.output = "y"}) {
  %w = onnx.Constant dense<[[1.0, 0.0, 2.0, 0.0], [0.0, 1.0, 0.0, 3.0], [1.0, 1.0, 1.0, 1.0], [0.0, 2.0, 0.0, 1.0]]> : tensor<4x4xf32>
  %0 = onnx.MatMul %w, %x : (tensor<4x4xf32>, tensor<1x4x2xf32>) -> tensor<1x4x2xf32>
  return %0 : tensor<1x4x2xf32>
}
