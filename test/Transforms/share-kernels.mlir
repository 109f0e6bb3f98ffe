// RUN: weir-opt %s --weir-share-kernels --split-input-file | FileCheck %s
// RUN: weir-opt %s --weir-share-kernels --split-input-file -o /dev/null \
// RUN:   --remarks-filter=weir --remark-format=emitRemark --verify-diagnostics

#same = affine_map<(i) -> (i)>

// Two ops that are equal but for their operands become calls of one function.
// CHECK-LABEL: func @twice(
// CHECK-SAME:    %[[X:.*]]: memref<5xf32>, %[[Y:.*]]: memref<5xf32>, %[[Z:.*]]: memref<5xf32>
// CHECK-NEXT:    call @kernel0(%[[X]], %[[Y]])
// CHECK-NEXT:    call @kernel0(%[[Y]], %[[Z]])
// CHECK:       func private @kernel0(%[[A:.*]]: memref<5xf32>, %[[B:.*]]: memref<5xf32>)
// CHECK-SAME:    passthrough = ["noinline"]
// CHECK-NEXT:    linalg.generic {{.*}} ins(%[[A]] : memref<5xf32>) outs(%[[B]] : memref<5xf32>)
func.func @twice(%x: memref<5xf32>, %y: memref<5xf32>, %z: memref<5xf32>) {
  linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel"]}
      ins(%x : memref<5xf32>) outs(%y : memref<5xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = math.exp %in : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel"]}
      ins(%y : memref<5xf32>) outs(%z : memref<5xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = math.exp %in : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

#same = affine_map<(i) -> (i)>

// Another size, another function; what stands alone stays where it is.
// CHECK-LABEL: func @alone(
// CHECK-COUNT-2: linalg.generic
// CHECK-NOT:     call
func.func @alone(%x: memref<5xf32>, %y: memref<3xf32>) {
  linalg.generic {indexing_maps = [#same], iterator_types = ["parallel"]} outs(%x : memref<5xf32>) {
  ^bb0(%out: f32):
    %0 = math.exp %out : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#same], iterator_types = ["parallel"]} outs(%y : memref<3xf32>) {
  ^bb0(%out: f32):
    %0 = math.exp %out : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

#same = affine_map<(i) -> (i)>

// Constants that were hoisted out of the bodies return there; other ones, another function.
// CHECK-LABEL: func @constants(
// CHECK-SAME:    %[[X:.*]]: memref<5xf32>
// CHECK:         call @kernel0(%[[X]])
// CHECK-NEXT:    call @kernel0(%[[X]])
// CHECK-NEXT:    linalg.generic {{.*}} outs(%[[X]] :
// CHECK:       func private @kernel0(
// CHECK-NEXT:    linalg.generic
// CHECK:           %[[TWO:.*]] = arith.constant 2.0
// CHECK-NEXT:      arith.mulf %{{.*}}, %[[TWO]]
func.func @constants(%x: memref<5xf32>) {
  %two = arith.constant 2.0 : f32
  %three = arith.constant 3.0 : f32
  linalg.generic {indexing_maps = [#same], iterator_types = ["parallel"]} outs(%x : memref<5xf32>) {
  ^bb0(%out: f32):
    %0 = arith.mulf %out, %two : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#same], iterator_types = ["parallel"]} outs(%x : memref<5xf32>) {
  ^bb0(%out: f32):
    %0 = arith.mulf %out, %two : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#same], iterator_types = ["parallel"]} outs(%x : memref<5xf32>) {
  ^bb0(%out: f32):
    %0 = arith.mulf %out, %three : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// The bare pointers of a call cannot say where a part of a memref begins.
// CHECK-LABEL: func @parts(
// CHECK-COUNT-2: linalg.fill
// CHECK-NOT:     call
func.func @parts(%x: memref<5xf32>, %v: f32) {
  %a = memref.subview %x[1] [2] [1] : memref<5xf32> to memref<2xf32, strided<[1], offset: 1>>
  // expected-remark@+1 {{is compiled 2 times: it reads or writes parts of memrefs}}
  linalg.fill ins(%v : f32) outs(%a : memref<2xf32, strided<[1], offset: 1>>)
  linalg.fill ins(%v : f32) outs(%a : memref<2xf32, strided<[1], offset: 1>>)
  return
}

// -----

#row = affine_map<(m, k) -> (m, k)>
#sum = affine_map<(m, k) -> (m)>

// What fills an output with the start of its sums goes into their function; sums that
// start with another number are another function.
// CHECK-LABEL: func @starts(
// CHECK-SAME:    %[[X:.*]]: memref<2x5xf32>, %[[Y:.*]]: memref<2xf32>, %[[Z:.*]]: memref<2xf32>, %[[ONES:.*]]: memref<2xf32>
// CHECK:         call @kernel0(%[[X]], %[[Y]])
// CHECK-NEXT:    call @kernel0(%[[X]], %[[Z]])
// CHECK-NEXT:    linalg.fill ins(%{{.*}}) outs(%[[ONES]] :
// CHECK-NEXT:    linalg.generic
// CHECK:       func private @kernel0(%[[A:.*]]: memref<2x5xf32>, %[[B:.*]]: memref<2xf32>)
// CHECK-NEXT:    %[[ZERO:.*]] = arith.constant 0.0
// CHECK-NEXT:    linalg.fill ins(%[[ZERO]] : f32) outs(%[[B]] :
// CHECK-NEXT:    linalg.generic {{.*}} ins(%[[A]] : memref<2x5xf32>) outs(%[[B]] :
func.func @starts(%x: memref<2x5xf32>, %y: memref<2xf32>, %z: memref<2xf32>, %ones: memref<2xf32>) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<2xf32>)
  linalg.generic {indexing_maps = [#row, #sum], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<2x5xf32>) outs(%y : memref<2xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %out, %in : f32
    linalg.yield %0 : f32
  }
  linalg.fill ins(%zero : f32) outs(%z : memref<2xf32>)
  linalg.generic {indexing_maps = [#row, #sum], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<2x5xf32>) outs(%z : memref<2xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %out, %in : f32
    linalg.yield %0 : f32
  }
  linalg.fill ins(%one : f32) outs(%ones : memref<2xf32>)
  linalg.generic {indexing_maps = [#row, #sum], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<2x5xf32>) outs(%ones : memref<2xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %out, %in : f32
    linalg.yield %0 : f32
  }
  return
}
