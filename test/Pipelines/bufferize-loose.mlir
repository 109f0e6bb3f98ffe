// RUN: not weir-opt %s --weir-bufferize 2>&1 | FileCheck %s --check-prefix=REFUSED
// RUN: weir-opt %s --weir-bufferize=in-place=loose --verify-diagnostics \
// RUN:   --remarks-filter=weir --remark-format=emitRemark | FileCheck %s

// One new value for two states cannot be computed in the place of one of them while the
// other is still to be read.
// REFUSED: error: 'linalg.generic' op not bufferizable under the given constraints

// Computed beside both, it is copied.
// CHECK-LABEL: func @step(
// CHECK-SAME:    %[[B:[a-z0-9]+]]: memref<5xf32> {{.*}}, %[[C:[a-z0-9]+]]: memref<5xf32> {weir.state = "c"}
// CHECK:         linalg.generic {{.*}} ins(%[[C]], %[[B]] : {{.*}}) outs(%[[NEW:.*]] : memref<5xf32>)
// CHECK:         memref.copy %[[NEW]], %[[B]]
// CHECK-NEXT:    memref.copy %[[NEW]], %[[C]]
// CHECK-NEXT:    return
// expected-remark@+2 {{state 'b' is not updated in place: one copy a step}}
// expected-remark@+1 {{state 'c' is not updated in place: one copy a step}}
func.func @step(%b: tensor<5xf32> {weir.state = "b"}, %c: tensor<5xf32> {weir.state = "c"})
    -> (tensor<5xf32> {weir.state = "b"}, tensor<5xf32> {weir.state = "c"}) {
  %e = tensor.empty() : tensor<5xf32>
  %0 = linalg.sub ins(%c, %b : tensor<5xf32>, tensor<5xf32>) outs(%e : tensor<5xf32>) -> tensor<5xf32>
  return %0, %0 : tensor<5xf32>, tensor<5xf32>
}
