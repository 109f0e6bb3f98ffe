// RUN: weir-opt %s | weir-opt | FileCheck %s
// RUN: weir-opt %s --mlir-print-op-generic | weir-opt | FileCheck %s

// Every op of OnnxReductionOps.td is read, printed and read again, in short and in generic form.

// CHECK-LABEL: func @Softmax(
// CHECK:         onnx.Softmax %{{.*}} {axis = 1 : si64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @Softmax(%x: tensor<2x3xf32>) {
  %y = onnx.Softmax %x {axis = 1 : si64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @LogSoftmax(
// CHECK:         onnx.LogSoftmax %{{.*}} {axis = 1 : si64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @LogSoftmax(%x: tensor<2x3xf32>) {
  %y = onnx.LogSoftmax %x {axis = 1 : si64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @LayerNormalization(
// CHECK:         onnx.LayerNormalization %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x8xf32>, none, none)
func.func @LayerNormalization(%x: tensor<2x8xf32>, %g: tensor<8xf32>, %b: tensor<8xf32>) {
  %y, %m, %s = onnx.LayerNormalization %x, %g, %b {epsilon = 1.0e-5 : f32} : (tensor<2x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x8xf32>, none, none)
  return
}

// CHECK-LABEL: func @RMSNormalization(
// CHECK:         onnx.RMSNormalization %{{.*}}, %{{.*}} : (tensor<2x8xf32>, tensor<8xf32>) -> tensor<2x8xf32>
func.func @RMSNormalization(%x: tensor<2x8xf32>, %g: tensor<8xf32>) {
  %y = onnx.RMSNormalization %x, %g : (tensor<2x8xf32>, tensor<8xf32>) -> tensor<2x8xf32>
  return
}

// CHECK-LABEL: func @BatchNormalization(
// CHECK:         onnx.BatchNormalization %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x4x3xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x3xf32>
func.func @BatchNormalization(%x: tensor<2x4x3xf32>, %g: tensor<4xf32>, %b: tensor<4xf32>, %m: tensor<4xf32>, %v: tensor<4xf32>) {
  %y = onnx.BatchNormalization %x, %g, %b, %m, %v : (tensor<2x4x3xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x3xf32>
  return
}

// CHECK-LABEL: func @InstanceNormalization(
// CHECK:         onnx.InstanceNormalization %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x4x9xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x9xf32>
func.func @InstanceNormalization(%x: tensor<2x4x9xf32>, %g: tensor<4xf32>, %b: tensor<4xf32>) {
  %y = onnx.InstanceNormalization %x, %g, %b : (tensor<2x4x9xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x9xf32>
  return
}

// CHECK-LABEL: func @ReduceMean(
// CHECK:         onnx.ReduceMean %{{.*}}, %{{.*}} {keepdims = 0 : si64} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
func.func @ReduceMean(%x: tensor<2x3xf32>, %axes: tensor<1xi64>) {
  %y = onnx.ReduceMean %x, %axes {keepdims = 0 : si64} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
  return
}

// CHECK-LABEL: func @ReduceSum(
// CHECK:         onnx.ReduceSum %{{.*}}, %{{.*}} {keepdims = 0 : si64} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
func.func @ReduceSum(%x: tensor<2x3xf32>, %axes: tensor<1xi64>) {
  %y = onnx.ReduceSum %x, %axes {keepdims = 0 : si64} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
  return
}

// CHECK-LABEL: func @ReduceMax(
// CHECK:         onnx.ReduceMax %{{.*}}, %{{.*}} {keepdims = 0 : si64} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
func.func @ReduceMax(%x: tensor<2x3xf32>, %axes: tensor<1xi64>) {
  %y = onnx.ReduceMax %x, %axes {keepdims = 0 : si64} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
  return
}

// CHECK-LABEL: func @ReduceMin(
// CHECK:         onnx.ReduceMin %{{.*}}, %{{.*}} {keepdims = 0 : si64} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
func.func @ReduceMin(%x: tensor<2x3xf32>, %axes: tensor<1xi64>) {
  %y = onnx.ReduceMin %x, %axes {keepdims = 0 : si64} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
  return
}

// CHECK-LABEL: func @ReduceProd(
// CHECK:         onnx.ReduceProd %{{.*}}, %{{.*}} {keepdims = 0 : si64} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
func.func @ReduceProd(%x: tensor<2x3xf32>, %axes: tensor<1xi64>) {
  %y = onnx.ReduceProd %x, %axes {keepdims = 0 : si64} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
  return
}

// CHECK-LABEL: func @ReduceL1(
// CHECK:         onnx.ReduceL1 %{{.*}}, %{{.*}} {keepdims = 0 : si64} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
func.func @ReduceL1(%x: tensor<2x3xf32>, %axes: tensor<1xi64>) {
  %y = onnx.ReduceL1 %x, %axes {keepdims = 0 : si64} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
  return
}

// CHECK-LABEL: func @ReduceL2(
// CHECK:         onnx.ReduceL2 %{{.*}}, %{{.*}} {keepdims = 0 : si64} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
func.func @ReduceL2(%x: tensor<2x3xf32>, %axes: tensor<1xi64>) {
  %y = onnx.ReduceL2 %x, %axes {keepdims = 0 : si64} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
  return
}

// CHECK-LABEL: func @ReduceSumSquare(
// CHECK:         onnx.ReduceSumSquare %{{.*}}, %{{.*}} {keepdims = 0 : si64} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
func.func @ReduceSumSquare(%x: tensor<2x3xf32>, %axes: tensor<1xi64>) {
  %y = onnx.ReduceSumSquare %x, %axes {keepdims = 0 : si64} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
  return
}

// CHECK-LABEL: func @ReduceLogSumExp(
// CHECK:         onnx.ReduceLogSumExp %{{.*}}, %{{.*}} {keepdims = 0 : si64} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
func.func @ReduceLogSumExp(%x: tensor<2x3xf32>, %axes: tensor<1xi64>) {
  %y = onnx.ReduceLogSumExp %x, %axes {keepdims = 0 : si64} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
  return
}

// CHECK-LABEL: func @ArgMax(
// CHECK:         onnx.ArgMax %{{.*}} {axis = 1 : si64} : (tensor<2x3xf32>) -> tensor<2x1xi64>
func.func @ArgMax(%x: tensor<2x3xf32>) {
  %y = onnx.ArgMax %x {axis = 1 : si64} : (tensor<2x3xf32>) -> tensor<2x1xi64>
  return
}

// CHECK-LABEL: func @ArgMin(
// CHECK:         onnx.ArgMin %{{.*}} {axis = 1 : si64} : (tensor<2x3xf32>) -> tensor<2x1xi64>
func.func @ArgMin(%x: tensor<2x3xf32>) {
  %y = onnx.ArgMin %x {axis = 1 : si64} : (tensor<2x3xf32>) -> tensor<2x1xi64>
  return
}

// CHECK-LABEL: func @CumSum(
// CHECK:         onnx.CumSum %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<i64>) -> tensor<2x3xf32>
func.func @CumSum(%x: tensor<2x3xf32>, %axis: tensor<i64>) {
  %y = onnx.CumSum %x, %axis : (tensor<2x3xf32>, tensor<i64>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @AveragePool(
// CHECK:         onnx.AveragePool %{{.*}} {kernel_shape = [2], strides = [2]} : (tensor<1x4x8xf32>) -> tensor<1x4x4xf32>
func.func @AveragePool(%x: tensor<1x4x8xf32>) {
  %y = onnx.AveragePool %x {kernel_shape = [2], strides = [2]} : (tensor<1x4x8xf32>) -> tensor<1x4x4xf32>
  return
}

// CHECK-LABEL: func @MaxPool(
// CHECK:         onnx.MaxPool %{{.*}} {kernel_shape = [2], strides = [2]} : (tensor<1x4x8xf32>) -> tensor<1x4x4xf32>
func.func @MaxPool(%x: tensor<1x4x8xf32>) {
  %y = onnx.MaxPool %x {kernel_shape = [2], strides = [2]} : (tensor<1x4x8xf32>) -> tensor<1x4x4xf32>
  return
}

// CHECK-LABEL: func @GlobalAveragePool(
// CHECK:         onnx.GlobalAveragePool %{{.*}} : (tensor<1x4x8xf32>) -> tensor<1x4x1xf32>
func.func @GlobalAveragePool(%x: tensor<1x4x8xf32>) {
  %y = onnx.GlobalAveragePool %x : (tensor<1x4x8xf32>) -> tensor<1x4x1xf32>
  return
}

// CHECK-LABEL: func @GlobalMaxPool(
// CHECK:         onnx.GlobalMaxPool %{{.*}} : (tensor<1x4x8xf32>) -> tensor<1x4x1xf32>
func.func @GlobalMaxPool(%x: tensor<1x4x8xf32>) {
  %y = onnx.GlobalMaxPool %x : (tensor<1x4x8xf32>) -> tensor<1x4x1xf32>
  return
}

// CHECK-LABEL: func @TopK(
// CHECK:         onnx.TopK %{{.*}}, %{{.*}} {axis = 0 : si64, largest = 0 : si64} : (tensor<3x2xf32>, tensor<1xi64>) -> (tensor<2x2xf32>, tensor<2x2xi64>)
func.func @TopK(%x: tensor<3x2xf32>) {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %v, %i = onnx.TopK %x, %k {axis = 0 : si64, largest = 0 : si64} : (tensor<3x2xf32>, tensor<1xi64>) -> (tensor<2x2xf32>, tensor<2x2xi64>)
  return
}
