// RUN: weir-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(weir-continual{token-axis=x=1})'
// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 positions=exact rows=last})' | FileCheck %s --check-prefix=EXACT
// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 positions=recycle rows=last})' | FileCheck %s --check-prefix=RECYCLE

// Exact: the table's last row is what the newest token gets, always.
// EXACT-LABEL: func @step(
// EXACT:         %[[ROW:.*]] = onnx.Constant dense<{{\[}}[3.000000e+00, 4.000000e+00]]> : tensor<1x2xf32>
// EXACT:         onnx.Add %{{.*}}, %[[ROW]]

// Recycled: the row follows the step counter, and a window function says what that means.
// RECYCLE-LABEL: func @window_recycled(
// RECYCLE-SAME:    tensor<i64> {weir.step}
// RECYCLE:         weir.ring_read {{.*}} positions = array<i64: 0, 1>
// RECYCLE-LABEL: func @step(
// RECYCLE:         %[[ROW:.*]] = weir.ring_read %{{.*}}, %{{.*}} {axis = #weir.axis<dim = 0, tokens = 2>, positions = array<i64: 1>} : tensor<2x2xf32> -> tensor<1x2xf32>
// RECYCLE:         onnx.Add %{{.*}}, %[[ROW]]
func.func @window(%x: tensor<1x2x2xf32> {weir.input = "x"}) -> (tensor<1x2x2xf32> {weir.output = "y"}) {
  %table = onnx.Constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  // expected-error@+2 {{adds a table that varies along the token axis: absolute positions}}
  // expected-note@+1 {{help: choose what they mean on a stream: positions=recycle}}
  %0 = onnx.Add %x, %table : (tensor<1x2x2xf32>, tensor<2x2xf32>) -> tensor<1x2x2xf32>
  return %0 : tensor<1x2x2xf32>
}
