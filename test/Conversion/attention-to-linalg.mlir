// RUN: weir-opt %s --convert-weir-to-linalg --canonicalize --cse | FileCheck %s
// RUN: weir-opt %s --convert-weir-to-linalg --canonicalize | FileCheck %s --check-prefix=MEMORY

// One head after the other, its keys and values packed once; strips of queries against all keys. All loops may run side by side.
// CHECK-LABEL: func @strips(
// CHECK-SAME:    %[[Q:.*]]: tensor<2x4096x8xf32>, %[[K:.*]]: tensor<2x4096x8xf32>, %[[V:.*]]: tensor<2x4096x4xf32>
// CHECK:         scf.for %[[HEAD:.*]] = %{{.*}} to %c2
// CHECK:           tensor.extract_slice %[[K]][%[[HEAD]], 0, 0]
// CHECK:           linalg.generic {{.*}} outs(%{{.*}} : tensor<256x8x16xf32>)
// CHECK:           scf.for {{.*}} to %c128
// CHECK:             tensor.extract_slice %[[Q]][%[[HEAD]], %[[ROW:.*]], 0] [1, 32, 8]
// CHECK:             math.exp {{.*}} : vector<16xf32>
// CHECK:             tensor.insert_slice {{.*}}[%[[HEAD]], %[[ROW]], 0] [1, 32, 4]
// CHECK:           } {weir.parallel}
// CHECK:         } {weir.parallel}
// MEMORY-NOT:  4096x4096
func.func @strips(%q: tensor<2x4096x8xf32>, %k: tensor<2x4096x8xf32>, %v: tensor<2x4096x4xf32>) -> tensor<2x4096x4xf32> {
  %y = weir.attention softmax %q, %k, %v : tensor<2x4096x8xf32>, tensor<2x4096x8xf32>, tensor<2x4096x4xf32> -> tensor<2x4096x4xf32>
  return %y : tensor<2x4096x4xf32>
}

// Strips are of nearly one size; the last may have fewer queries. Places behind the last key score lowest; a mask of keys has one row for all queries.
// CHECK-LABEL: func @odd(
// CHECK-SAME:    %[[B:[a-z0-9]+]]: tensor<1x9xf32>)
// CHECK:         %[[LOW:.*]] = arith.constant 0xFF800000
// CHECK:         scf.for {{.*}} to %c4
// CHECK:           tensor.extract_slice %{{.*}}[%{{.*}}, 0] [61, 4]
// CHECK:           linalg.fill ins(%[[LOW]] : f32) outs(%{{.*}} : tensor<61x7xf32>)
// CHECK:           ins(%{{.*}}, %[[B]] : tensor<61x9xf32>, tensor<1x9xf32>)
// CHECK:         tensor.extract_slice %{{.*}}[244, 0] [58, 4]
// CHECK:         tensor.insert_slice %{{.*}} into %{{.*}}[244, 0] [58, 5]
func.func @odd(%q: tensor<302x4xf32>, %k: tensor<9x4xf32>, %v: tensor<9x5xf32>, %b: tensor<1x9xf32>) -> tensor<302x5xf32> {
  %y = weir.attention softmax %q, %k, %v bias %b : tensor<302x4xf32>, tensor<9x4xf32>, tensor<9x5xf32>, tensor<1x9xf32> -> tensor<302x5xf32>
  return %y : tensor<302x5xf32>
}

// Few queries read the keys as they lie.
// CHECK-LABEL: func @few(
// CHECK-NOT:     scf.for
// CHECK-NOT:     4x16xf32
// CHECK:         math.erf
func.func @few(%q: tensor<3x4xf32>, %k: tensor<9x4xf32>, %v: tensor<9x5xf32>) -> tensor<3x5xf32> {
  %y = weir.attention laplace %q, %k, %v : tensor<3x4xf32>, tensor<9x4xf32>, tensor<9x5xf32> -> tensor<3x5xf32>
  return %y : tensor<3x5xf32>
}

// Heads are read where a projection wrote them, and written where the next one reads them.
// CHECK-LABEL: func @heads(
// CHECK-SAME:    %[[X:.*]]: tensor<1x64x2x16xf32>)
// CHECK-NOT:     onnx.Transpose
// CHECK:         scf.for %[[HEAD:.*]] = %{{.*}} to %c2 {{.*}} -> (tensor<1x64x2x16xf32>)
// CHECK:           tensor.extract_slice %[[X]][0, 0, %[[HEAD]], 0] [1, 64, 1, 16]
// CHECK:           tensor.insert_slice %{{.*}} into %{{.*}}[0, 0, %[[HEAD]], 0] [1, 64, 1, 16]
func.func @heads(%x: tensor<1x64x2x16xf32>) -> tensor<1x64x2x16xf32> {
  %h = onnx.Transpose %x {perm = [0, 2, 1, 3]} : (tensor<1x64x2x16xf32>) -> tensor<1x2x64x16xf32>
  %y = weir.attention softmax %h, %h, %h {scale = 0.25 : f64} : tensor<1x2x64x16xf32>, tensor<1x2x64x16xf32>, tensor<1x2x64x16xf32> -> tensor<1x2x64x16xf32>
  %r = onnx.Transpose %y {perm = [0, 2, 1, 3]} : (tensor<1x2x64x16xf32>) -> tensor<1x64x2x16xf32>
  return %r : tensor<1x64x2x16xf32>
}

// One query meets keys and values whose rows end in heads: vectors run along the heads, and each of keys and values is read by one op of all heads.
// CHECK-LABEL: func @heads_last(
// CHECK-SAME:    %[[Q:[a-z0-9]+]]: tensor<1x4x1x3xf32>, %[[K:[a-z0-9]+]]: tensor<1x9x3x4xf32>, %[[V:[a-z0-9]+]]: tensor<1x9x5x4xf32>, %[[B:[a-z0-9]+]]: tensor<9xf32>
// CHECK-NOT:     scf.for
// CHECK:         %[[S:.*]] = linalg.generic {{.*}} ins(%[[Q]] : {{.*}} outs(%{{.*}} : tensor<1x1x3x4xf32>)
// CHECK:         linalg.generic {{.*}} ins(%[[S]], %[[K]] : {{.*}} outs(%{{.*}} : tensor<1x1x9x4xf32>)
// CHECK:         linalg.generic {{.*}} ins(%{{.*}}, %[[B]] :
// CHECK:         linalg.generic {{.*}} ins(%{{.*}}, %[[V]] : {{.*}} outs(%{{.*}} : tensor<1x1x5x4xf32>)
// CHECK:         arith.divf
func.func @heads_last(%q: tensor<1x4x1x3xf32>, %k: tensor<1x9x3x4xf32>, %v: tensor<1x9x5x4xf32>, %b: tensor<9xf32>) -> tensor<1x4x1x5xf32> {
  %0 = onnx.Transpose %k {perm = [0, 3, 1, 2]} : (tensor<1x9x3x4xf32>) -> tensor<1x4x9x3xf32>
  %1 = onnx.Transpose %v {perm = [0, 3, 1, 2]} : (tensor<1x9x5x4xf32>) -> tensor<1x4x9x5xf32>
  %y = weir.attention softmax %q, %0, %1 bias %b {scale = 0.5 : f64} : tensor<1x4x1x3xf32>, tensor<1x4x9x3xf32>, tensor<1x4x9x5xf32>, tensor<9xf32> -> tensor<1x4x1x5xf32>
  return %y : tensor<1x4x1x5xf32>
}

// Many keys and values are read in parts, a row of each beside those of the others: as many parts, up to four, as divide them.
// CHECK-LABEL: func @parts(
// CHECK-SAME:    %[[Q:[a-z0-9]+]]: tensor<1x2x64xf32>, %[[K:[a-z0-9]+]]: tensor<129x2x64xf32>
// CHECK-DAG:     %[[KEYS:.*]] = tensor.expand_shape %[[K]] {{.*}} into tensor<3x43x2x64xf32>
// CHECK:         linalg.generic {{.*}} ins(%[[Q]], %[[KEYS]] : {{.*}} outs(%{{.*}} : tensor<2x1x43x3xf32>)
// CHECK:         scf.for %[[I:.*]] = %c0 to %c43
// CHECK-DAG:       tensor.extract_slice %{{.*}}[0, 0, %[[I]], 0] [2, 1, 1, 3]
// CHECK-DAG:       tensor.extract_slice %[[KEYS]][0, %[[I]], 0, 0] [3, 1, 2, 64]
func.func @parts(%q: tensor<1x2x64xf32>, %k: tensor<129x2x64xf32>) -> tensor<2x1x64xf32> {
  %0 = onnx.Transpose %q {perm = [1, 0, 2]} : (tensor<1x2x64xf32>) -> tensor<2x1x64xf32>
  %1 = onnx.Transpose %k {perm = [1, 0, 2]} : (tensor<129x2x64xf32>) -> tensor<2x129x64xf32>
  %y = weir.attention softmax %0, %1, %1 : tensor<2x1x64xf32>, tensor<2x129x64xf32>, tensor<2x129x64xf32> -> tensor<2x1x64xf32>
  return %y : tensor<2x1x64xf32>
}

// How many sequences there are does not decide in which order is summed: these keys are many, those of one sequence are few.
// CHECK-LABEL: func @batch(
// CHECK-NOT:     tensor.expand_shape
// CHECK:         return
func.func @batch(%q: tensor<2x3x1x30xf32>, %k: tensor<2x3x100x30xf32>) -> tensor<2x3x1x30xf32> {
  %y = weir.attention softmax %q, %k, %k : tensor<2x3x1x30xf32>, tensor<2x3x100x30xf32>, tensor<2x3x100x30xf32> -> tensor<2x3x1x30xf32>
  return %y : tensor<2x3x1x30xf32>
}
