// RUN: weir-opt %s --weir-pack-weights | FileCheck %s
// RUN: weir-opt %s --weir-pack-weights -o /dev/null \
// RUN:   --remarks-filter=weir --remark-format=emitRemark --verify-diagnostics

#row = affine_map<(m, n, k) -> (m, k)>
#column = affine_map<(m, n, k) -> (k, n)>
#result = affine_map<(m, n, k) -> (m, n)>

// 32 columns are two panels of 16.
// CHECK-DAG:   #[[$PANEL:.*]] = affine_map<(d0, d1, d2, d3) -> (d1, d2, d3)>
// CHECK-LABEL: func @packs(
// CHECK:         %[[P:.*]] = onnx.Constant {{.*}} : tensor<2x2x16xf32>
// CHECK:         linalg.generic {{.*}}#[[$PANEL]]{{.*}} ins(%{{.*}}, %[[P]] :
// CHECK:         tensor.collapse_shape %{{.*}} : tensor<3x2x16xf32> into tensor<3x32xf32>
func.func @packs(%x: tensor<3x2xf32>, %y: tensor<3x32xf32>) -> tensor<3x32xf32> {
  %w = onnx.Constant dense<1.0> : tensor<2x32xf32>
  %0 = linalg.generic {indexing_maps = [#row, #column, #result],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<3x2xf32>, tensor<2x32xf32>) outs(%y : tensor<3x32xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %1 = arith.mulf %a, %b : f32
    %2 = arith.addf %sum, %1 : f32
    linalg.yield %2 : f32
  } -> tensor<3x32xf32>
  return %0 : tensor<3x32xf32>
}

// 20 columns are no whole panels.
// CHECK-LABEL: func @leaves(
// CHECK-NOT:     tensor.collapse_shape
func.func @leaves(%x: tensor<3x2xf32>, %y: tensor<3x20xf32>) -> tensor<3x20xf32> {
  %w = onnx.Constant dense<1.0> : tensor<2x20xf32>
  // expected-remark@+1 {{keeps its weights in rows: 20 columns are no panels of 16}}
  %0 = linalg.generic {indexing_maps = [#row, #column, #result],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<3x2xf32>, tensor<2x20xf32>) outs(%y : tensor<3x20xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %1 = arith.mulf %a, %b : f32
    %2 = arith.addf %sum, %1 : f32
    linalg.yield %2 : f32
  } -> tensor<3x20xf32>
  return %0 : tensor<3x20xf32>
}

// 16 columns are a panel as they stand.
// CHECK-LABEL: func @one_panel(
// CHECK-NOT:     tensor.collapse_shape
func.func @one_panel(%x: tensor<3x2xf32>, %y: tensor<3x16xf32>) -> tensor<3x16xf32> {
  %w = onnx.Constant dense<1.0> : tensor<2x16xf32>
  %0 = linalg.generic {indexing_maps = [#row, #column, #result],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<3x2xf32>, tensor<2x16xf32>) outs(%y : tensor<3x16xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %1 = arith.mulf %a, %b : f32
    %2 = arith.addf %sum, %1 : f32
    linalg.yield %2 : f32
  } -> tensor<3x16xf32>
  return %0 : tensor<3x16xf32>
}

// Weights that lie turned are packed from their columns.
// CHECK-LABEL: func @turned(
// CHECK:         onnx.Constant {{.*}} : tensor<2x1x16xf32>
// CHECK:         tensor.collapse_shape %{{.*}} : tensor<3x2x16xf32> into tensor<3x32xf32>
func.func @turned(%x: tensor<3x1xf32>, %y: tensor<3x32xf32>) -> tensor<3x32xf32> {
  %w = onnx.Constant dense<1.0> : tensor<32x1xf32>
  %0 = linalg.generic {indexing_maps = [#row, affine_map<(m, n, k) -> (n, k)>, #result],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<3x1xf32>, tensor<32x1xf32>) outs(%y : tensor<3x32xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %1 = arith.mulf %a, %b : f32
    %2 = arith.addf %sum, %1 : f32
    linalg.yield %2 : f32
  } -> tensor<3x32xf32>
  return %0 : tensor<3x32xf32>
}
