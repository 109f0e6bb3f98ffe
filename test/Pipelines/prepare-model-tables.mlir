// RUN: weir-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(weir-prepare-model{token-axis=x=1 window=2 table-rows=3})' -o /dev/null
// RUN: not weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-prepare-model{token-axis=x=1 window=2 table-rows=3})' 2>/dev/null | FileCheck %s
// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-prepare-model{token-axis=x=1 window=2 table-rows=2})' | FileCheck %s --check-prefix=WINDOW

// WINDOW-NOT: weir.table

// A table that is sliced by the length is kept as far as it is asked for.
// CHECK-LABEL: func @window(
// CHECK:         %[[T:.*]] = onnx.Constant dense<{{\[\[}}1.000000e+00], [2.000000e+00]]> : tensor<2x1xf32>
// CHECK:         onnx.Add %{{.*}}, %[[T]] {weir.table.1 = dense<{{\[\[}}1.000000e+00], [2.000000e+00], [3.000000e+00]]> : tensor<3x1xf32>}
func.func @window(%x: tensor<1x?x1xf32> {weir.input = "x", weir.dims = ["", "n", ""]}) -> (tensor<*xf32> {weir.output = "y"}) {
  %none = onnx.NoValue
  %zero = onnx.Constant dense<0> : tensor<1xi64>
  %one = onnx.Constant dense<1> : tensor<1xi64>
  %two = onnx.Constant dense<2> : tensor<1xi64>
  %table = onnx.Constant dense<[[1.0], [2.0], [3.0], [4.0]]> : tensor<4x1xf32>
  %shape = onnx.Shape %x : (tensor<1x?x1xf32>) -> tensor<*xi64>
  %n = onnx.Slice %shape, %one, %two, %zero, %none : (tensor<*xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<*xi64>
  %rows = onnx.Slice %table, %zero, %n, %zero, %none : (tensor<4x1xf32>, tensor<1xi64>, tensor<*xi64>, tensor<1xi64>, none) -> tensor<*xf32>
  %y = onnx.Add %x, %rows : (tensor<1x?x1xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// The file may fix the length of its input alone.
// CHECK-LABEL: func @window(
// CHECK:         onnx.Add %{{.*}}, %{{.*}} {weir.table.1 = dense<{{\[\[}}1.000000e+00], [2.000000e+00], [3.000000e+00]]> : tensor<3x1xf32>}
func.func @window(%x: tensor<1x2x1xf32> {weir.input = "x"}) -> (tensor<*xf32> {weir.output = "y"}) {
  %none = onnx.NoValue
  %zero = onnx.Constant dense<0> : tensor<1xi64>
  %one = onnx.Constant dense<1> : tensor<1xi64>
  %two = onnx.Constant dense<2> : tensor<1xi64>
  %table = onnx.Constant dense<[[1.0], [2.0], [3.0], [4.0]]> : tensor<4x1xf32>
  %shape = onnx.Shape %x : (tensor<1x2x1xf32>) -> tensor<3xi64>
  %n = onnx.Slice %shape, %one, %two, %zero, %none : (tensor<3xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<*xi64>
  %rows = onnx.Slice %table, %zero, %n, %zero, %none : (tensor<4x1xf32>, tensor<1xi64>, tensor<*xi64>, tensor<1xi64>, none) -> tensor<*xf32>
  %y = onnx.Add %x, %rows : (tensor<1x2x1xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// A table of the window's rows has no others.
// expected-error@+2 {{no position table of 3 rows is found: the model cannot be prepared for as many tokens}}
// expected-note@+1 {{help: use positions=recycle without a number}}
func.func @window(%x: tensor<1x?x1xf32> {weir.input = "x", weir.dims = ["", "n", ""]}) -> (tensor<*xf32> {weir.output = "y"}) {
  %table = onnx.Constant dense<[[1.0], [2.0]]> : tensor<2x1xf32>
  %y = onnx.Add %x, %table : (tensor<1x?x1xf32>, tensor<2x1xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// Positions counted from the back are other ones when there are more.
func.func @window(%x: tensor<1x?x1xf32> {weir.input = "x", weir.dims = ["", "n", ""]}) -> (tensor<*xf32> {weir.output = "y"}) {
  %none = onnx.NoValue
  %zero = onnx.Constant dense<0> : tensor<1xi64>
  %one = onnx.Constant dense<1> : tensor<1xi64>
  %two = onnx.Constant dense<2> : tensor<1xi64>
  %four = onnx.Constant dense<4> : tensor<1xi64>
  %table = onnx.Constant dense<[[1.0], [2.0], [3.0], [4.0]]> : tensor<4x1xf32>
  %shape = onnx.Shape %x : (tensor<1x?x1xf32>) -> tensor<*xi64>
  %n = onnx.Slice %shape, %one, %two, %zero, %none : (tensor<*xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<*xi64>
  %first = onnx.Sub %four, %n : (tensor<1xi64>, tensor<*xi64>) -> tensor<*xi64>
  %rows = onnx.Slice %table, %first, %four, %zero, %none : (tensor<4x1xf32>, tensor<*xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<*xf32>
  // expected-error@+1 {{adds a table of absolute positions whose first rows change with the length of the sequence}}
  %y = onnx.Add %x, %rows : (tensor<1x?x1xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
