// RUN: weir-opt %s --weir-pack-states --split-input-file | FileCheck %s

// Floats join behind each other; the counter stays what it is.
// CHECK-LABEL: func @step(
// CHECK-SAME:    %[[T:.*]]: tensor<i64> {weir.state = "step"}, %[[S:.*]]: tensor<10xf32> {weir.state = "states"}
// CHECK:         %[[A:.*]] = onnx.Slice %[[S]], {{.*}} -> tensor<6xf32>
// CHECK:         %[[AR:.*]] = onnx.Reshape %[[A]], {{.*}} -> tensor<2x3xf32>
// CHECK:         %[[B:.*]] = onnx.Slice %[[S]], {{.*}} -> tensor<4xf32>
// CHECK:         %[[N:.*]] = onnx.Relu %[[AR]]
// CHECK:         %[[NR:.*]] = onnx.Reshape %[[N]], {{.*}} -> tensor<6xf32>
// CHECK:         %[[ALL:.*]] = onnx.Concat %[[NR]], %[[B]] {axis = 0 : si64}
// CHECK:         return %[[AR]], %[[T]], %[[ALL]]
func.func @step(%t: tensor<i64> {weir.state = "step"}, %a: tensor<2x3xf32> {weir.state = "a"}, %b: tensor<4xf32> {weir.state = "b"})
    -> (tensor<2x3xf32>, tensor<i64> {weir.state = "step"}, tensor<2x3xf32> {weir.state = "a"}, tensor<4xf32> {weir.state = "b"}) {
  %n = onnx.Relu %a : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %a, %t, %n, %b : tensor<2x3xf32>, tensor<i64>, tensor<2x3xf32>, tensor<4xf32>
}

// -----

// One state is joined already.
// CHECK-LABEL: func @step(
// CHECK-SAME:    weir.state = "a"
// CHECK-NOT:     "states"
func.func @step(%a: tensor<2xf32> {weir.state = "a"}) -> (tensor<2xf32> {weir.state = "a"}) {
  return %a : tensor<2xf32>
}
