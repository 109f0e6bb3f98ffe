// RUN: weir-opt %s --weir-batch-streams=streams=8 --split-input-file | FileCheck %s
// RUN: weir-opt %s --weir-batch-streams="streams=8 least-weight-bytes=100 most-bytes=1600" \
// RUN:   --split-input-file -o /dev/null \
// RUN:   --remarks-filter=weir --remark-format=emitRemark --verify-diagnostics

#row = affine_map<(m, n, k) -> (m, k)>
#weights = affine_map<(m, n, k) -> (k, n)>
#product = affine_map<(m, n, k) -> (m, n)>

// A product with weights serves eight streams at once; inputs are gathered before it, rings
// are each stream's own. The slot, read before it, is kept for each stream.
// CHECK-LABEL: func @step_group8(
// CHECK-SAME:    %[[G:.*]]: memref<i8>, %[[N:.*]]: index) attributes {weir.group = 8 : i64}
// CHECK:         scf.for %[[I:.*]] = %{{.*}} to %[[N]]
// CHECK:           %[[X:.*]] = func.call @group_input0(%[[G]], %[[I]])
// CHECK:           memref.copy %[[X]], %{{.*}} : memref<1x6xf32> to memref<1x6xf32>
// CHECK:           memref.load
// CHECK:           memref.store %{{.*}} : memref<i64>
// CHECK:         } {weir.parallel}
// CHECK:         linalg.generic {{.*}} memref<8x6xf32>, memref<6x16xf32>) outs({{.*}} : memref<8x16xf32>)
// CHECK:         scf.for %[[J:.*]] = %{{.*}} to %[[N]]
// CHECK:           %[[K:.*]] = func.call @group_state(%[[G]], %[[J]])
// CHECK:           %[[SLOT:.*]] = arith.remui
// CHECK:           memref.subview %{{.*}}[%[[SLOT]], 0]
// CHECK:           func.call @group_output0(%[[G]], %[[J]])
// CHECK:         } {weir.parallel}
memref.global constant @w : memref<6x16xf32>
func.func @step(%arena: memref<448xi8> {weir.arena}, %x: memref<1x6xf32> {weir.input = "x"},
                %y: memref<1x16xf32> {weir.output = "y"}) attributes {weir.entry} {
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %c5 = arith.constant 5 : index
  %w = memref.get_global @w : memref<6x16xf32>
  %counter = memref.view %arena[%c64][] : memref<448xi8> to memref<i64>
  %k = memref.view %arena[%c128][] : memref<448xi8> to memref<5x16xf32>
  %steps = memref.load %counter[] : memref<i64>
  %at = arith.index_cast %steps : i64 to index
  %t = memref.alloc() : memref<1x16xf32>
  linalg.generic {indexing_maps = [#row, #weights, #product],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<1x6xf32>, memref<6x16xf32>) outs(%t : memref<1x16xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %c, %0 : f32
    linalg.yield %1 : f32
  }
  %slot = arith.remui %at, %c5 : index
  %place = memref.subview %k[%slot, 0] [1, 16] [1, 1] : memref<5x16xf32> to memref<1x16xf32, strided<[16, 1], offset: ?>>
  memref.copy %t, %place : memref<1x16xf32> to memref<1x16xf32, strided<[16, 1], offset: ?>>
  memref.copy %t, %y : memref<1x16xf32> to memref<1x16xf32>
  return
}

// -----

#row = affine_map<(m, n, k) -> (m, k)>
#weights = affine_map<(m, n, k) -> (k, n)>
#product = affine_map<(m, n, k) -> (m, n)>
#all = affine_map<(i, j) -> (i, j)>
#column = affine_map<(i, j) -> (j, i)>

// What continues a product is done for all streams too, its fill beside it. A loop that
// runs along the rows of one operand alone cannot be made longer: streams get one of their
// own. What divides integers could trap on rows of no stream.
// CHECK-LABEL: func @step_group8(
// CHECK:         } {weir.parallel}
// CHECK:         linalg.fill {{.*}} outs({{.*}} : memref<16x16xf32>)
// CHECK:         linalg.generic {{.*}} memref<16x6xf32>, memref<6x16xf32>) outs({{.*}} : memref<16x16xf32>)
// CHECK:         linalg.generic {{.*}}["parallel", "parallel", "parallel"]} ins(%{{.*}} : memref<8x2x16xf32>) outs(%{{.*}} : memref<8x16x2xi32>)
// CHECK:         scf.for
// CHECK:           arith.divsi
// CHECK:         } {weir.parallel}
memref.global constant @w : memref<6x16xf32>
// expected-remark@below {{would need 3456 bytes for 8 streams at once, more than 1600}}
func.func @step(%arena: memref<128xi8> {weir.arena}, %x: memref<2x6xf32> {weir.input = "x"},
                %y: memref<16x2xi32> {weir.output = "y"}) attributes {weir.entry} {
  %zero = arith.constant 0.0 : f32
  %seven = arith.constant 7 : i32
  %w = memref.get_global @w : memref<6x16xf32>
  %t = memref.alloc() : memref<2x16xf32>
  linalg.fill ins(%zero : f32) outs(%t : memref<2x16xf32>)
  linalg.generic {indexing_maps = [#row, #weights, #product],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<2x6xf32>, memref<6x16xf32>) outs(%t : memref<2x16xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %c, %0 : f32
    linalg.yield %1 : f32
  }
  %u = memref.alloc() : memref<16x2xi32>
  linalg.generic {indexing_maps = [#column, #all], iterator_types = ["parallel", "parallel"]}
      ins(%t : memref<2x16xf32>) outs(%u : memref<16x2xi32>) {
  ^bb0(%a: f32, %c: i32):
    %0 = arith.fptosi %a : f32 to i32
    linalg.yield %0 : i32
  }
  linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%u : memref<16x2xi32>) outs(%y : memref<16x2xi32>) {
  ^bb0(%a: i32, %c: i32):
    %0 = arith.divsi %seven, %a : i32
    linalg.yield %0 : i32
  }
  return
}

// -----

#same = affine_map<(i) -> (i)>

// Without a product by weights, streams gain nothing from each other.
// CHECK-LABEL: func @step(
// CHECK-NOT:   @step_group8
// expected-remark@below {{multiplies no row or a few by weights: streams gain nothing from each other}}
func.func @step(%arena: memref<128xi8> {weir.arena}, %x: memref<3xf32> {weir.input = "x"},
                %y: memref<3xf32> {weir.output = "y"}) attributes {weir.entry} {
  linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel"]}
      ins(%x : memref<3xf32>) outs(%y : memref<3xf32>) {
  ^bb0(%a: f32, %c: f32):
    %0 = math.exp %a : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

#vector = affine_map<(n, k) -> (k)>
#weights = affine_map<(n, k) -> (k, n)>
#product = affine_map<(n, k) -> (n)>

// Fewer weights than are worth it, in the second run. A vector gets rows: one a stream.
// CHECK-LABEL: func @step(
// CHECK-LABEL: func @step_group8(
// CHECK:         linalg.generic {{.*}}["parallel", "parallel", "reduction"]} {{.*}} memref<8x4xf32>, memref<4x5xf32>) outs({{.*}} : memref<8x5xf32>)
memref.global constant @w : memref<4x5xf32>
// expected-remark@below {{reads 80 bytes of weights: streams are stepped one after the other}}
func.func @step(%arena: memref<128xi8> {weir.arena}, %x: memref<4xf32> {weir.input = "x"},
                %y: memref<5xf32> {weir.output = "y"}) attributes {weir.entry} {
  %w = memref.get_global @w : memref<4x5xf32>
  %t = memref.alloc() : memref<5xf32>
  linalg.generic {indexing_maps = [#vector, #weights, #product],
                  iterator_types = ["parallel", "reduction"]}
      ins(%x, %w : memref<4xf32>, memref<4x5xf32>) outs(%t : memref<5xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %c, %0 : f32
    linalg.yield %1 : f32
  }
  memref.copy %t, %y : memref<5xf32> to memref<5xf32>
  return
}

// -----

// States that are the same memory cannot be told apart.
// CHECK-LABEL: func @step(
// CHECK-NOT:   @step_group8
// expected-remark@below {{has states that overlap: streams are stepped one after the other}}
func.func @step(%arena: memref<128xi8> {weir.arena}, %at: index {weir.input = "at"}) attributes {weir.entry} {
  %k = memref.view %arena[%at][] : memref<128xi8> to memref<3xf32>
  return
}
