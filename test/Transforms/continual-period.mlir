// RUN: weir-opt %s --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 positions=recycle period=3 rows=last})' | FileCheck %s
// RUN: not weir-opt %s --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 positions=recycle period=5})' 2>&1 | FileCheck %s --check-prefix=ROWS
// RUN: not weir-opt %s --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 positions=recycle period=1})' 2>&1 | FileCheck %s --check-prefix=WINDOW

// The newest of two tokens has come at stream time t, and has row t mod 3: the table lies
// so that token 0 finds the first row. The longer table is gone where it is not read.
// ROWS: error: {{.*}}adds a table of absolute positions of fewer than the 5 rows after which it shall recycle
// ROWS: help: use positions=recycle, which recycles after 2
// WINDOW: error: positions that recycle after 1 tokens would repeat inside of a window of 2
// CHECK-NOT: weir.table
// CHECK-LABEL: func @window_recycled(
// CHECK:         %[[ALL:.*]] = onnx.Constant dense<{{\[\[}}2.000000e+00, 0.000000e+00], [3.000000e+00, 0.000000e+00], [1.000000e+00, 0.000000e+00]]> : tensor<3x2xf32>
// CHECK:         weir.ring_read %[[ALL]], %{{.*}} {axis = #weir.axis<dim = 0, tokens = 3>, positions = array<i64: 0, 1>} : tensor<3x2xf32> -> tensor<2x2xf32>
// CHECK-LABEL: func @step(
// CHECK:         weir.ring_read %{{.*}}, %{{.*}} {axis = #weir.axis<dim = 0, tokens = 3>, positions = array<i64: 1>} : tensor<3x2xf32> -> tensor<1x2xf32>
func.func @window(%x: tensor<1x2x2xf32> {weir.input = "x"}) -> (tensor<1x2x2xf32> {weir.output = "y"}) {
  %table = onnx.Constant dense<[[1.0, 0.0], [2.0, 0.0]]> : tensor<2x2xf32>
  %0 = onnx.Add %x, %table {weir.table.1 = dense<[[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]> : tensor<3x2xf32>}
     : (tensor<1x2x2xf32>, tensor<2x2xf32>) -> tensor<1x2x2xf32>
  return %0 : tensor<1x2x2xf32>
}
