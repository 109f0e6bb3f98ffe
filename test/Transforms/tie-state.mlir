// RUN: weir-opt %s --weir-tie-state | FileCheck %s
// RUN: weir-opt %s --weir-bufferize | FileCheck %s --check-prefix=MEMORY

// A state ends in its argument, an output in a new one; in memory, only the slice is
// written.
// CHECK-LABEL: func @step(
// CHECK-SAME:    %{{.*}}: tensor<1x4xf32> {bufferization.writable = false, weir.input = "x"}
// CHECK-SAME:    %[[K:[a-z0-9]+]]: tensor<8x4xf32> {weir.state = "k"}
// CHECK-SAME:    %[[Y:[a-z0-9]+]]: tensor<1x4xf32> {weir.output = "y"}
// CHECK:         bufferization.materialize_in_destination %{{.*}} in %[[Y]]
// CHECK:         bufferization.materialize_in_destination %{{.*}} in %[[K]]
// MEMORY-LABEL: func @step(
// MEMORY-SAME:    %[[K:[a-z0-9]+]]: memref<8x4xf32> {weir.state = "k"}
// MEMORY:         %[[SLOT:.*]] = memref.subview %[[K]][3, 0] [1, 4] [1, 1]
// MEMORY-NEXT:    memref.copy %{{.*}}, %[[SLOT]]
// MEMORY-NOT:     memref.copy {{.*}} memref<8x4xf32>
func.func @step(%x: tensor<1x4xf32> {weir.input = "x"}, %k: tensor<8x4xf32> {weir.state = "k"})
    -> (tensor<1x4xf32> {weir.output = "y"}, tensor<8x4xf32> {weir.state = "k"}) {
  %k1 = tensor.insert_slice %x into %k[3, 0] [1, 4] [1, 1]
      : tensor<1x4xf32> into tensor<8x4xf32>
  %y = tensor.extract_slice %k1[2, 0] [1, 4] [1, 1] : tensor<8x4xf32> to tensor<1x4xf32>
  return %y, %k1 : tensor<1x4xf32>, tensor<8x4xf32>
}

// A delay line: the old value of `a` is kept before `a` is overwritten.
// CHECK-LABEL: func @delay(
// CHECK-SAME:    %[[X:.*]]: tensor<4xf32> {{.*}} %[[A:[a-z0-9]+]]: tensor<4xf32> {{.*}} %[[B:[a-z0-9]+]]: tensor<4xf32>
// CHECK:         %[[OLD:.*]] = bufferization.alloc_tensor() copy(%[[A]])
// CHECK:         materialize_in_destination %[[OLD]] in %[[B]]
func.func @delay(%x: tensor<4xf32> {weir.input = "x"}, %a: tensor<4xf32> {weir.state = "a"},
                 %b: tensor<4xf32> {weir.state = "b"})
    -> (tensor<4xf32> {weir.state = "a"}, tensor<4xf32> {weir.state = "b"}) {
  return %x, %a : tensor<4xf32>, tensor<4xf32>
}

// A function that nobody outside calls keeps its results.
// CHECK-LABEL: func private @helper(
// CHECK-NOT:     materialize_in_destination
func.func private @helper(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
