// RUN: weir-opt %s --convert-onnx-to-linalg | FileCheck %s

// Few entries are ranked by those before them, and written where their rank says.
// CHECK-LABEL: func @few(
// CHECK:         linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "reduction"]
// CHECK:         scf.for
// CHECK:           tensor.insert
// CHECK-NOT:     5x5
func.func @few(%x: tensor<3x5xf32>) -> (tensor<3x2xf32>, tensor<3x2xi64>) {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %v, %i = onnx.TopK %x, %k : (tensor<3x5xf32>, tensor<1xi64>) -> (tensor<3x2xf32>, tensor<3x2xi64>)
  return %v, %i : tensor<3x2xf32>, tensor<3x2xi64>
}

// Of many, the key of the last one wanted is found bit by bit; no tensor is larger than the operand.
// CHECK-LABEL: func @many(
// CHECK:         %[[BITS:.*]] = arith.constant 32 : index
// CHECK:         scf.for %{{.*}} = %{{.*}} to %[[BITS]]
// CHECK:           linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]
// CHECK-NOT:     4096x4096
func.func @many(%x: tensor<4096xf32>) -> tensor<9xi64> {
  %k = onnx.Constant dense<9> : tensor<1xi64>
  %v, %i = onnx.TopK %x, %k {largest = 0 : si64} : (tensor<4096xf32>, tensor<1xi64>) -> (tensor<9xf32>, tensor<9xi64>)
  return %i : tensor<9xi64>
}

// Updates come one after the other, each into what the last one left.
// CHECK-LABEL: func @scatter(
// CHECK:         scf.for
// CHECK:           scf.for
// CHECK:             tensor.extract
// CHECK:             arith.addf
// CHECK:             tensor.insert
func.func @scatter(%x: tensor<4x6xf32>, %i: tensor<4x3xi64>, %u: tensor<4x3xf32>) -> tensor<4x6xf32> {
  %y = onnx.ScatterElements %x, %i, %u {axis = 1 : si64, reduction = "add"}
     : (tensor<4x6xf32>, tensor<4x3xi64>, tensor<4x3xf32>) -> tensor<4x6xf32>
  return %y : tensor<4x6xf32>
}
