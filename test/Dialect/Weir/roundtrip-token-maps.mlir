// RUN: weir-opt %s | weir-opt | FileCheck %s
// RUN: weir-opt %s --mlir-print-op-generic | weir-opt | FileCheck %s

// Every map prints what it parses.
// CHECK-LABEL: func @maps(
// CHECK:       weir.dct %{{.*}} {dim = 1 : i64} : tensor<2x7x3xf32> -> tensor<2x5x3xf32>
// CHECK:       weir.idct %{{.*}} {dim = 1 : i64} : tensor<2x5x3xf32> -> tensor<2x7x3xf32>
// CHECK:       weir.resample %{{.*}} {dim = 1 : i64} : tensor<2x7x3xf32> -> tensor<2x4x3xf32>
// CHECK:       weir.pool %{{.*}} {dim = 2 : i64} : tensor<2x4x3xf32> -> tensor<2x4x1xf32>
func.func @maps(%x: tensor<2x7x3xf32>) -> tensor<2x4x1xf32> {
  %0 = weir.dct %x {dim = 1} : tensor<2x7x3xf32> -> tensor<2x5x3xf32>
  %1 = weir.idct %0 {dim = 1} : tensor<2x5x3xf32> -> tensor<2x7x3xf32>
  %2 = weir.resample %1 {dim = 1} : tensor<2x7x3xf32> -> tensor<2x4x3xf32>
  %3 = weir.pool %2 {dim = 2} : tensor<2x4x3xf32> -> tensor<2x4x1xf32>
  return %3 : tensor<2x4x1xf32>
}
