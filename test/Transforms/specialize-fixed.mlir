// RUN: weir-opt %s --weir-specialize="dims=n=3 fix=mask=1 no-padding" --split-input-file | FileCheck %s
// RUN: weir-opt %s --weir-specialize="dims=n=3 fix=mask=1" --split-input-file | FileCheck %s --check-prefix=KEPT

// A fixed input is a constant and no input any more.
// CHECK-LABEL: func @fixed(
// CHECK-SAME:    %[[X:.*]]: tensor<3xf32> {weir.dims = ["n"], weir.input = "x"}) ->
// CHECK-NEXT:    %[[M:.*]] = onnx.Constant dense<1.0{{.*}}> : tensor<3xf32>
// CHECK-NEXT:    return %[[X]], %[[M]]
func.func @fixed(%mask: tensor<?xi64> {weir.input = "mask", weir.dims = ["n"]},
                 %x: tensor<?xf32> {weir.input = "x", weir.dims = ["n"]})
    -> (tensor<?xf32>, tensor<*xf32>) {
  %0 = onnx.Cast %mask {saturate = 1 : si64, to = f32} : (tensor<?xi64>) -> tensor<*xf32>
  return %x, %0 : tensor<?xf32>, tensor<*xf32>
}

// -----

// Numbers of tokens that are not 1 become 1, 2, 3; the same comparison elsewhere folds too,
// that with another id does not.
// CHECK-LABEL: func @counted(
// CHECK-SAME:    %[[IDS:.*]]: tensor<3xi64>
// CHECK-DAG:     %[[SUM:.*]] = onnx.Constant dense<[1, 2, 3]>
// CHECK-DAG:     %[[NEVER:.*]] = onnx.Constant dense<false>
// CHECK-DAG:     %[[OTHER:.*]] = onnx.Equal %[[IDS]], %{{.*}}
// CHECK:         return %[[SUM]], %[[NEVER]], %[[OTHER]]
// KEPT-LABEL: func @counted(
// KEPT:         onnx.CumSum
func.func @counted(%mask: tensor<?xi64> {weir.input = "mask", weir.dims = ["n"]},
                   %ids: tensor<?xi64> {weir.input = "ids", weir.dims = ["n"]})
    -> (tensor<*xi64>, tensor<*xi1>, tensor<*xi1>) {
  %pad = onnx.Constant dense<1> : tensor<i64>
  %end = onnx.Constant dense<2> : tensor<i64>
  %axis = onnx.Constant dense<0> : tensor<i64>
  %0 = onnx.Equal %ids, %pad : (tensor<?xi64>, tensor<i64>) -> tensor<*xi1>
  %1 = onnx.Not %0 : (tensor<*xi1>) -> tensor<*xi1>
  %2 = onnx.Cast %1 {saturate = 1 : si64, to = i64} : (tensor<*xi1>) -> tensor<*xi64>
  %3 = onnx.CumSum %2, %axis : (tensor<*xi64>, tensor<i64>) -> tensor<*xi64>
  %4 = onnx.Equal %pad, %ids : (tensor<i64>, tensor<?xi64>) -> tensor<*xi1>
  %5 = onnx.Equal %ids, %end : (tensor<?xi64>, tensor<i64>) -> tensor<*xi1>
  return %3, %4, %5 : tensor<*xi64>, tensor<*xi1>, tensor<*xi1>
}

// -----

// A sum of anything but comparisons stays.
// CHECK-LABEL: func @summed(
// CHECK:         onnx.CumSum
func.func @summed(%mask: tensor<?xi64> {weir.input = "mask", weir.dims = ["n"]},
                  %x: tensor<?xf32> {weir.input = "x", weir.dims = ["n"]}) -> tensor<*xf32> {
  %axis = onnx.Constant dense<0> : tensor<i64>
  %0 = onnx.CumSum %x, %axis : (tensor<?xf32>, tensor<i64>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}
