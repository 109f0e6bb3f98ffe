// RUN: weir-opt %s --convert-weir-to-linalg --canonicalize | FileCheck %s
// RUN: weir-opt %s --convert-weir-to-linalg --canonicalize | FileCheck %s --check-prefix=MEMORY

// One head after the other, its keys transposed once; strips of queries against all keys.
// CHECK-LABEL: func @strips(
// CHECK-SAME:    %[[Q:.*]]: tensor<2x4096x8xf32>, %[[K:.*]]: tensor<2x4096x8xf32>, %[[V:.*]]: tensor<2x4096x4xf32>
// CHECK:         scf.for %[[HEAD:.*]] = %{{.*}} to %c2
// CHECK:           tensor.extract_slice %[[K]][%[[HEAD]], 0, 0]
// CHECK:           linalg.transpose {{.*}} outs(%{{.*}} : tensor<8x4096xf32>)
// CHECK:           scf.for {{.*}} to %c128
// CHECK:             tensor.extract_slice %[[Q]][%[[HEAD]], %[[ROW:.*]], 0] [1, 32, 8]
// CHECK:             math.exp
// CHECK:             tensor.insert_slice {{.*}}[%[[HEAD]], %[[ROW]], 0] [1, 32, 4]
// MEMORY-NOT:  4096x4096
func.func @strips(%q: tensor<2x4096x8xf32>, %k: tensor<2x4096x8xf32>, %v: tensor<2x4096x4xf32>) -> tensor<2x4096x4xf32> {
  %y = weir.attention softmax %q, %k, %v : tensor<2x4096x8xf32>, tensor<2x4096x8xf32>, tensor<2x4096x4xf32> -> tensor<2x4096x4xf32>
  return %y : tensor<2x4096x4xf32>
}

// Strips are of nearly one size; the last may have fewer queries. A mask of keys has one row for all of them.
// CHECK-LABEL: func @odd(
// CHECK-SAME:    %[[B:[a-z0-9]+]]: tensor<1x9xf32>)
// CHECK:         scf.for {{.*}} to %c4
// CHECK:           tensor.extract_slice %{{.*}}[%{{.*}}, 0] [61, 4]
// CHECK:           ins(%{{.*}}, %[[B]] : tensor<61x9xf32>, tensor<1x9xf32>)
// CHECK:         tensor.extract_slice %{{.*}}[244, 0] [57, 4]
// CHECK:         tensor.insert_slice %{{.*}} into %{{.*}}[244, 0] [57, 5]
func.func @odd(%q: tensor<301x4xf32>, %k: tensor<9x4xf32>, %v: tensor<9x5xf32>, %b: tensor<1x9xf32>) -> tensor<301x5xf32> {
  %y = weir.attention softmax %q, %k, %v bias %b : tensor<301x4xf32>, tensor<9x4xf32>, tensor<9x5xf32>, tensor<1x9xf32> -> tensor<301x5xf32>
  return %y : tensor<301x5xf32>
}

// Few queries read the keys as they lie.
// CHECK-LABEL: func @few(
// CHECK-NOT:     scf.for
// CHECK-NOT:     linalg.transpose
// CHECK:         math.erf
func.func @few(%q: tensor<3x4xf32>, %k: tensor<9x4xf32>, %v: tensor<9x5xf32>) -> tensor<3x5xf32> {
  %y = weir.attention laplace %q, %k, %v : tensor<3x4xf32>, tensor<9x4xf32>, tensor<9x5xf32> -> tensor<3x5xf32>
  return %y : tensor<3x5xf32>
}
