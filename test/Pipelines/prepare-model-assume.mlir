// RUN: weir-opt %s --pass-pipeline='builtin.module(weir-prepare-model{token-axis=ids=0 window=3 assume=no-padding})' | FileCheck %s
// RUN: weir-opt %s --pass-pipeline='builtin.module(weir-prepare-model{token-axis=ids=0 window=3})' | FileCheck %s --check-prefix=KEPT
// RUN: not weir-opt %s --pass-pipeline='builtin.module(weir-prepare-model{token-axis=ids=0 window=3 assume=luck})' 2>&1 | FileCheck %s --check-prefix=WRONG

// WRONG: error: 'luck' is no assumption; there is no-padding

// Tokens that are no padding are numbered without counting.
// CHECK-LABEL: func @window(
// CHECK:         onnx.Constant dense<[1, 2, 3]>
// CHECK-NOT:     onnx.CumSum
// KEPT-LABEL: func @window(
// KEPT:         onnx.CumSum
func.func @window(%ids: tensor<?xi64> {weir.input = "ids", weir.dims = ["n"]}) -> (tensor<*xi64> {weir.output = "y"}) {
  %pad = onnx.Constant dense<1> : tensor<i64>
  %axis = onnx.Constant dense<0> : tensor<i64>
  %0 = onnx.Equal %ids, %pad : (tensor<?xi64>, tensor<i64>) -> tensor<*xi1>
  %1 = onnx.Not %0 : (tensor<*xi1>) -> tensor<*xi1>
  %2 = onnx.Cast %1 {saturate = 1 : si64, to = i64} : (tensor<*xi1>) -> tensor<*xi64>
  %3 = onnx.CumSum %2, %axis : (tensor<*xi64>, tensor<i64>) -> tensor<*xi64>
  %4 = onnx.Add %3, %ids : (tensor<*xi64>, tensor<?xi64>) -> tensor<*xi64>
  return %4 : tensor<*xi64>
}
