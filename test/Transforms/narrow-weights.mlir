// RUN: weir-opt %s --weir-narrow-weights='kind=int8 min-elements=32' | FileCheck %s
// RUN: weir-opt %s --weir-narrow-weights='kind=f16 min-elements=32' -o /dev/null \
// RUN:   --remarks-filter=weir --remark-format=emitRemark 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REMARK
// RUN: weir-opt %s --weir-narrow-weights='kind=f16 min-elements=32' \
// RUN:   | FileCheck %s --check-prefix=HALF
// RUN: weir-opt %s --weir-narrow-weights='kind=bf16 min-elements=32' \
// RUN:   | FileCheck %s --check-prefix=BRAIN
// RUN: weir-opt %s --weir-narrow-weights | FileCheck %s --check-prefix=WIDE

#row = affine_map<(m, j, k, v) -> (m, k)>
#panel = affine_map<(m, j, k, v) -> (j, k, v)>
#split = affine_map<(m, j, k, v) -> (m, j, v)>
#left = affine_map<(m, n, k) -> (m, k)>
#right = affine_map<(m, n, k) -> (k, n)>
#turned = affine_map<(m, n, k) -> (n, k)>
#result = affine_map<(m, n, k) -> (m, n)>

// CHECK-DAG: #[[$ROW:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d2 * 4 + d4)>
// CHECK-DAG: #[[$WEIGHTS:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d1, d2, d3, d4)>
// CHECK-DAG: #[[$SCALE:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d1, d3)>

// Four neighbours in depth lie together; 16 columns have a scale each.
// CHECK-LABEL: func @panels(
// CHECK-DAG:     %[[Q:.*]] = onnx.Constant dense<127> : tensor<2x2x16x4xi8>
// CHECK-DAG:     %[[S:.*]] = onnx.Constant dense<0.00787401571> : tensor<2x16xf32>
// CHECK:         linalg.generic {indexing_maps = [#[[$ROW]], #[[$WEIGHTS]], #[[$SCALE]],
// CHECK-SAME:      ins(%{{.*}}, %[[Q]], %[[S]] :
// CHECK:           %[[W:.*]] = arith.sitofp %{{.*}} : i8 to f32
// CHECK:           %[[WS:.*]] = arith.mulf %[[W]], %{{.*}} : f32
// CHECK:           %[[P:.*]] = arith.mulf %{{.*}}, %[[WS]] : f32
// CHECK:           arith.addf %{{.*}}, %[[P]] : f32
// HALF-LABEL:  func @panels(
// HALF:          onnx.Constant dense<1.000000e+00> : tensor<2x8x16xf16>
// HALF:          arith.extf %{{.*}} : f16 to f32
// BRAIN-LABEL: func @panels(
// BRAIN:         onnx.Constant dense<1.000000e+00> : tensor<2x8x16xbf16>
// BRAIN:         arith.extf %{{.*}} : bf16 to f32
// WIDE-LABEL:  func @panels(
// WIDE-NOT:      arith.extf
// WIDE-NOT:      arith.sitofp
func.func @panels(%x: tensor<3x8xf32>, %y: tensor<3x2x16xf32>) -> tensor<3x2x16xf32> {
  %w = onnx.Constant dense<1.0> : tensor<2x8x16xf32>
  %0 = linalg.generic {indexing_maps = [#row, #panel, #split],
                       iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
      ins(%x, %w : tensor<3x8xf32>, tensor<2x8x16xf32>) outs(%y : tensor<3x2x16xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %1 = arith.mulf %a, %b : f32
    %2 = arith.addf %sum, %1 : f32
    linalg.yield %2 : f32
  } -> tensor<3x2x16xf32>
  return %0 : tensor<3x2x16xf32>
}

// What makes no panels, or no groups of four, keeps its order. Columns that lie turned
// are columns all the same.
// CHECK-LABEL: func @odd(
// CHECK-DAG:     onnx.Constant dense<{{.*}}> : tensor<5x7xi8>
// CHECK-DAG:     onnx.Constant dense<{{.*}}> : tensor<5xf32>
// CHECK:         arith.sitofp
func.func @odd(%x: tensor<3x7xf32>, %y: tensor<3x5xf32>) -> tensor<3x5xf32> {
  %w = onnx.Constant dense<2.0> : tensor<5x7xf32>
  %0 = linalg.generic {indexing_maps = [#left, #turned, #result],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<3x7xf32>, tensor<5x7xf32>) outs(%y : tensor<3x5xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %1 = arith.mulf %a, %b : f32
    %2 = arith.addf %sum, %1 : f32
    linalg.yield %2 : f32
  } -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}

// Beyond the largest f16, which bf16 and 8 bits with a scale reach.
// REMARK: keeps its weights in f32: {{.*}} is no number in f16
// HALF-LABEL:  func @large(
// HALF-NOT:      arith.extf
// BRAIN-LABEL: func @large(
// BRAIN:         arith.extf
// CHECK-LABEL: func @large(
// CHECK:         arith.sitofp
func.func @large(%x: tensor<3x7xf32>, %y: tensor<3x5xf32>) -> tensor<3x5xf32> {
  %w = onnx.Constant dense<65520.0> : tensor<7x5xf32>
  %0 = linalg.generic {indexing_maps = [#left, #right, #result],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<3x7xf32>, tensor<7x5xf32>) outs(%y : tensor<3x5xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %1 = arith.mulf %a, %b : f32
    %2 = arith.addf %sum, %1 : f32
    linalg.yield %2 : f32
  } -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}

// A matrix from the left, of fewer weights, or one that is added has no columns to scale.
// CHECK-LABEL: func @others(
// CHECK-NOT:     arith.sitofp
// HALF-LABEL:  func @others(
// HALF-NOT:      arith.extf
func.func @others(%x: tensor<7x5xf32>, %y: tensor<9x5xf32>, %z: tensor<7x4xf32>)
    -> (tensor<9x5xf32>, tensor<7x4xf32>) {
  %w = onnx.Constant dense<1.0> : tensor<9x7xf32>
  %v = onnx.Constant dense<1.0> : tensor<5x4xf32>
  %0 = linalg.generic {indexing_maps = [#left, #right, #result],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%w, %x : tensor<9x7xf32>, tensor<7x5xf32>) outs(%y : tensor<9x5xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %1 = arith.mulf %a, %b : f32
    %2 = arith.addf %sum, %1 : f32
    linalg.yield %2 : f32
  } -> tensor<9x5xf32>
  %3 = linalg.generic {indexing_maps = [#left, #right, #result],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %v : tensor<7x5xf32>, tensor<5x4xf32>) outs(%z : tensor<7x4xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %1 = arith.mulf %a, %b : f32
    %2 = arith.addf %sum, %1 : f32
    linalg.yield %2 : f32
  } -> tensor<7x4xf32>
  return %0, %3 : tensor<9x5xf32>, tensor<7x4xf32>
}
