// RUN: weir-opt %s --convert-weir-to-linalg | FileCheck %s --check-prefix=LINALG
// RUN: weir-opt %s --convert-weir-to-onnx | FileCheck %s --check-prefix=ONNX

// Phases are read of one table by integers; sums are products of phases and tokens. A step
// in which the shadow sums begin empties them, and one in which they are full takes them.
// LINALG-LABEL: func @step(
// LINALG:         onnx.Constant {{.*}} : tensor<28xf32>
// LINALG:         linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]
// LINALG:         arith.remui
// LINALG:         scf.if
// LINALG:           linalg.fill
// LINALG:         linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]
// LINALG:         arith.mulf
// LINALG:         arith.addf
// LINALG:         scf.if
// LINALG:           linalg.copy
// LINALG-NOT:     weir.
// ONNX-LABEL:   func @step(
// ONNX:           onnx.Mod
// ONNX:           onnx.Gather
// ONNX:           onnx.Where
// ONNX:           onnx.MatMul {{.*}} (tensor<5x2xf32>, tensor<{{.*}}2x3xf32>)
// ONNX-NOT:       weir.
func.func @step(%new: tensor<2x3xf32>, %old: tensor<2x3xf32>, %count: tensor<i64>,
                %r: tensor<5x3xf32>, %i: tensor<5x3xf32>, %sr: tensor<5x3xf32>,
                %si: tensor<5x3xf32>) -> tensor<5x3xf32> {
  %n = tensor.extract %count[] : tensor<i64>
  %t = arith.index_cast %n : i64 to index
  %0:4 = weir.sliding_dct %new leaving(%old : tensor<2x3xf32>), %t states(%r, %i, %sr, %si)
      {axis = #weir.axis<dim = 0, tokens = 7, chunk = 2>} : tensor<2x3xf32>, tensor<5x3xf32>
  %1 = weir.dct_read %0#0, %0#1, %t {axis = #weir.axis<dim = 0, tokens = 7, chunk = 2>,
      scale = 1.0 : f64} : tensor<5x3xf32>
  return %1 : tensor<5x3xf32>
}

// A whole window is summed at once, from nothing.
// LINALG-LABEL: func @build(
// LINALG:         linalg.fill
// LINALG-NOT:     scf.if
// LINALG:         return
// ONNX-LABEL:   func @build(
// ONNX:           onnx.MatMul {{.*}} (tensor<5x7xf32>, tensor<{{.*}}7x3xf32>)
func.func @build(%window: tensor<7x3xf32>, %count: tensor<i64>, %zero: tensor<5x3xf32>) -> tensor<5x3xf32> {
  %n = tensor.extract %count[] : tensor<i64>
  %t = arith.index_cast %n : i64 to index
  %0:4 = weir.sliding_dct %window, %t states(%zero, %zero, %zero, %zero)
      {axis = #weir.axis<dim = 0, tokens = 7>} : tensor<7x3xf32>, tensor<5x3xf32>
  return %0#0 : tensor<5x3xf32>
}
