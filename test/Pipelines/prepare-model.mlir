// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-prepare-model{window=8})' | FileCheck %s
// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-prepare-model{token-axis=x=1 window=8 dims=b=3})' | FileCheck %s --check-prefix=NAMED
// RUN: not weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-prepare-model)' 2>&1 | FileCheck %s --check-prefix=OPEN

// The token axis is the one under which queries meet keys, not the batch; sizes that are
// given are taken.
// NAMED-LABEL: func @window(%{{.*}}: tensor<3x8x4xf32>
// CHECK-LABEL: func @window(%{{.*}}: tensor<1x8x4xf32> {{.*}} -> (tensor<1x8x8xf32>
// OPEN: error: the length of the window is not fixed by the model
func.func @window(%x: tensor<?x?x4xf32> {weir.input = "x", weir.dims = ["b", "n", ""]})
    -> (tensor<*xf32> {weir.output = "y"}) {
  %k = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<?x?x4xf32>) -> tensor<*xf32>
  %s = onnx.MatMul %x, %k : (tensor<?x?x4xf32>, tensor<*xf32>) -> tensor<*xf32>
  %p = onnx.Softmax %s : (tensor<*xf32>) -> tensor<*xf32>
  return %p : tensor<*xf32>
}
