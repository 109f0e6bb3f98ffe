// RUN: weir-opt %s --pass-pipeline='builtin.module(weir-prepare-model{window=8})' 2>&1 | FileCheck %s

// Inputs that name a dimension alike are streamed alike; what remains open becomes 1.
// CHECK: warning: sizes not given become 1: k=1
// CHECK-LABEL: func @window(%{{.*}}: tensor<8x4xf32> {{.*}}, %{{.*}}: tensor<8x8xf32> {{.*}}, %{{.*}}: tensor<1xf32>
func.func @window(%x: tensor<?x4xf32> {weir.input = "x", weir.dims = ["n", ""]},
                  %m: tensor<?x?xf32> {weir.input = "m", weir.dims = ["n", "n"]},
                  %s: tensor<?xf32> {weir.input = "s", weir.dims = ["k"]})
    -> (tensor<*xf32> {weir.output = "y"}) {
  %k = onnx.Transpose %x {perm = [1, 0]} : (tensor<?x4xf32>) -> tensor<*xf32>
  %a = onnx.MatMul %x, %k : (tensor<?x4xf32>, tensor<*xf32>) -> tensor<*xf32>
  %b = onnx.Add %a, %m : (tensor<*xf32>, tensor<?x?xf32>) -> tensor<*xf32>
  %p = onnx.Softmax %b : (tensor<*xf32>) -> tensor<*xf32>
  %y = onnx.Mul %p, %s : (tensor<*xf32>, tensor<?xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
