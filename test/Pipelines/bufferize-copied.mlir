// RUN: not weir-opt %s --weir-bufferize 2>&1 | FileCheck %s --check-prefix=REFUSED
// RUN: not weir-opt %s --weir-bufferize=in-place=loose 2>&1 | FileCheck %s --check-prefix=REFUSED
// RUN: weir-opt %s --weir-bufferize=in-place=copied --verify-diagnostics \
// RUN:   --remarks-filter=weir --remark-format=emitRemark | FileCheck %s

// Two states change places, and one of them is written first: bufferization in place
// refuses what it cannot order.
// REFUSED: error: 'tensor.insert_slice' op not bufferizable under the given constraints

// Each state is read from a copy made at entry, and copied back: right whatever happens.
// CHECK-LABEL: func @step(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: memref<1xf32> {{.*}}, %[[B:[a-z0-9]+]]: memref<5xf32> {{.*}}, %[[C:[a-z0-9]+]]: memref<5xf32>
// CHECK:         memref.copy %[[B]], %[[OLD_B:.*]] :
// CHECK:         memref.copy %[[C]], %[[OLD_C:.*]] :
// CHECK:         memref.copy %[[OLD_C]], %[[B]]
// CHECK:         memref.copy %[[OLD_B]], %[[C]]
// expected-remark@+4 {{state 'b' is read from a copy}}
// expected-remark@+3 {{state 'c' is read from a copy}}
// expected-remark@+2 {{state 'b' is not updated in place: one copy a step}}
// expected-remark@+1 {{state 'c' is not updated in place: one copy a step}}
func.func @step(%x: tensor<1xf32> {weir.input = "x"}, %b: tensor<5xf32> {weir.state = "b"},
                %c: tensor<5xf32> {weir.state = "c"})
    -> (tensor<5xf32> {weir.state = "b"}, tensor<5xf32> {weir.state = "c"}) {
  %0 = tensor.insert_slice %x into %b[0] [1] [1] : tensor<1xf32> into tensor<5xf32>
  return %c, %0 : tensor<5xf32>, tensor<5xf32>
}
