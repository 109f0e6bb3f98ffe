// RUN: weir-reduce %s --weir-reduce=test=%S/Inputs/is-reversed.sh | FileCheck %s
// RUN: not weir-reduce %s --weir-reduce=test=%S/Inputs/finds-nothing.sh 2>&1 | FileCheck %s --check-prefix=NOTHING

// What the tester does not ask for goes: functions, results, ops.
// NOTHING: finds-nothing.sh' finds no bug in the module as it is
// CHECK-LABEL: func.func @window(
// CHECK-SAME:    -> tensor<4x4xf32>
// CHECK-NEXT:    %[[AXIS:.*]] = onnx.Constant
// CHECK-NEXT:    %[[Y:.*]] = onnx.CumSum %arg0, %[[AXIS]] {reverse = 1 : si64}
// CHECK-NEXT:    return %[[Y]]
// CHECK-NOT:   func
func.func @window(%x: tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>) {
  %axis = onnx.Constant dense<0> : tensor<i64>
  %0 = onnx.Tanh %x : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = onnx.CumSum %0, %axis {reverse = 1 : si64} : (tensor<4x4xf32>, tensor<i64>) -> tensor<4x4xf32>
  %2 = onnx.MatMul %1, %0 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %3 = onnx.Softmax %2 : (tensor<4x4xf32>) -> tensor<4x4xf32>
  return %0, %3 : tensor<4x4xf32>, tensor<4x4xf32>
}
func.func @other(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  return %x : tensor<4x4xf32>
}
