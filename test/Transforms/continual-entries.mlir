// RUN: weir-opt %s --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 rows=last entries=all})' | FileCheck %s
// RUN: weir-opt %s --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 rows=last})' | FileCheck %s --check-prefix=STEP

// STEP-NOT: @push
// STEP-NOT: @predict
// STEP-NOT: @prime

// A push is a step without outputs; what it keeps of x a prediction reads as the newest
// token; a window leaves its rows in slot order and counts as the steps it replaces.
// CHECK-LABEL: func @push(
// CHECK-SAME:    -> (tensor<i64> {weir.state = "step"}, tensor<1x3x2xf32> {weir.state = "x"}, tensor<1xf32> {weir.state = "scale"})
// CHECK-NOT:     onnx.ReduceMax
// CHECK-LABEL: func @predict(
// CHECK-SAME:    %{{.*}}: tensor<i64> {weir.state = "step"}, %[[X:.*]]: tensor<1x3x2xf32> {weir.state = "x"}, %[[SCALE:.*]]: tensor<1xf32> {weir.state = "scale"})
// CHECK-NOT:     weir.ring_push
// CHECK:         %[[NEW:.*]] = weir.ring_read %[[X]], %{{.*}} positions = array<i64: 2>
// CHECK:         onnx.ReduceMax %[[X]]
// CHECK:         onnx.Add %[[NEW]]
// CHECK:         onnx.Mul %{{.*}}, %[[SCALE]]
// CHECK-LABEL: func @prime(
// CHECK-SAME:    %[[W:.*]]: tensor<1x3x2xf32> {weir.axis = #weir.axis<dim = 1, tokens = 3>, weir.input = "x"}
// CHECK:         %[[R:.*]] = weir.roll %[[W]]
// CHECK:         return %{{.*}}, %{{.*}}, %[[R]], %{{.*}}
func.func @window(%x: tensor<1x3x2xf32> {weir.input = "x"}, %scale: tensor<1xf32> {weir.input = "scale"})
    -> (tensor<1x3x2xf32> {weir.output = "y"}) {
  %axes = onnx.Constant dense<1> : tensor<1xi64>
  %0 = onnx.ReduceMax %x, %axes {keepdims = 1 : si64} : (tensor<1x3x2xf32>, tensor<1xi64>) -> tensor<1x1x2xf32>
  %1 = onnx.Add %x, %0 : (tensor<1x3x2xf32>, tensor<1x1x2xf32>) -> tensor<1x3x2xf32>
  %2 = onnx.Mul %1, %scale : (tensor<1x3x2xf32>, tensor<1xf32>) -> tensor<1x3x2xf32>
  return %2 : tensor<1x3x2xf32>
}
