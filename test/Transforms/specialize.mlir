// RUN: weir-opt %s --weir-specialize=dims=seq=5,y:0=3 --split-input-file | FileCheck %s

// A symbolic and an unnamed dimension get their sizes; types follow.
// CHECK-LABEL: func @window(
// CHECK-SAME:    %[[X:.*]]: tensor<5x8xf32> {{.*}}, %[[Y:.*]]: tensor<3x5xf32>
// CHECK-SAME:    -> (tensor<3x8xf32> {weir.output = "z"})
// CHECK-NEXT:    %[[Z:.*]] = onnx.MatMul %[[Y]], %[[X]] : (tensor<3x5xf32>, tensor<5x8xf32>) -> tensor<3x8xf32>
// CHECK-NEXT:    return %[[Z]]
func.func @window(%x: tensor<?x8xf32> {weir.input = "x", weir.dims = ["seq", ""]},
                  %y: tensor<?x?xf32> {weir.input = "y", weir.dims = ["", "seq"]})
    -> (tensor<*xf32> {weir.output = "z"}) {
  %0 = onnx.MatMul %y, %x : (tensor<?x?xf32>, tensor<?x8xf32>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}

// -----

// Optional results have a type where they are used, and none where not.
// CHECK-LABEL: func @optional_results(
// CHECK:         %{{.*}}, %[[M:.*]], %{{.*}} = onnx.LayerNormalization
// CHECK-SAME:    -> (tensor<5x3xf32>, tensor<5x1xf32>, none)
// CHECK:         return %[[M]] : tensor<5x1xf32>
func.func @optional_results(%x: tensor<?x3xf32> {weir.input = "x", weir.dims = ["seq", ""]},
                            %y: tensor<?xf32> {weir.input = "y"}) -> tensor<*xf32> {
  %n = onnx.NoValue
  %0:3 = onnx.LayerNormalization %x, %y, %n
       : (tensor<?x3xf32>, tensor<?xf32>, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %0#1 : tensor<*xf32>
}
