// RUN: weir-opt %s --weir-distribute-work="threads=2 min-work=64" --split-input-file \
// RUN:   | FileCheck %s
// RUN: weir-opt %s --weir-distribute-work="threads=1" --split-input-file \
// RUN:   | FileCheck %s --check-prefix=ALONE

// ALONE-NOT: weir.team
// ALONE-NOT: weir_barrier

// Nine rows: a piece of five for all but the last, and one of four for the last. What adds
// follows the pieces of what it reads, so nobody waits.
// CHECK-LABEL: func @rows(
// CHECK-SAME:      %[[M:[a-z0-9]+]]: memref<2xi64> {weir.team}) attributes {weir.threads = 2
// CHECK:         %[[LAST:.*]] = arith.cmpi eq, %{{.*}}, %{{.*}}
// CHECK:         scf.for %[[P:.*]] = %
// CHECK:           %[[AT:.*]] = arith.muli %[[P]], %{{.*}}
// CHECK:           %[[X:.*]] = memref.subview %arg0[%[[AT]], 0] [5, 800] [1, 1]
// CHECK:           linalg.exp ins(%[[X]]
// CHECK:         scf.if
// CHECK:           memref.subview %arg0[5, 0] [4, 800] [1, 1]
// CHECK-NOT:     call @weir_barrier
// CHECK:         return
func.func @rows(%x: memref<9x800xf32>, %y: memref<9x800xf32>) {
  %a = memref.alloc() : memref<9x800xf32>
  linalg.exp ins(%x : memref<9x800xf32>) outs(%a : memref<9x800xf32>)
  linalg.add ins(%a, %x : memref<9x800xf32>, memref<9x800xf32>)
             outs(%y : memref<9x800xf32>)
  return
}

// -----

// One row times a matrix: columns are cut. The next product needs all of the first: threads
// meet between the two.
// CHECK-LABEL: func @columns(
// CHECK:         linalg.matmul ins(%{{.*}}, %{{.*}} : memref<1x480xf32>, memref<480x16xf32
// CHECK:         call @weir_barrier(%{{.*}}) : (memref<2xi64>) -> ()
// CHECK:         linalg.matmul ins(%{{.*}}, %{{.*}} : memref<1x32xf32>, memref<32x48xf32
func.func @columns(%x: memref<1x480xf32>, %v: memref<480x32xf32>, %w: memref<32x96xf32>,
                   %y: memref<1x96xf32>) {
  %zero = arith.constant 0.0 : f32
  %a = memref.alloc() : memref<1x32xf32>
  linalg.fill ins(%zero : f32) outs(%a : memref<1x32xf32>)
  linalg.matmul ins(%x, %v : memref<1x480xf32>, memref<480x32xf32>)
                outs(%a : memref<1x32xf32>)
  linalg.matmul ins(%a, %w : memref<1x32xf32>, memref<32x96xf32>)
                outs(%y : memref<1x96xf32>)
  return
}

// -----

// A sum of few numbers that everybody has seen: each thread adds them up for itself, and
// nobody waits for the one who would.
// CHECK-LABEL: func @small(
// CHECK:         %[[SUM:.*]] = memref.alloc() {weir.private} : memref<1xf32>
// CHECK-NOT:     call @weir_barrier
// CHECK:         linalg.generic {{.*}} outs(%[[SUM]] : memref<1xf32>)
// CHECK-NOT:     call @weir_barrier
// CHECK:         return
#row = affine_map<(d0, d1) -> (d0, d1)>
#sum = affine_map<(d0, d1) -> (d0)>
func.func @small(%x: memref<1x96xf32>, %y: memref<1x96xf32>) {
  %a = memref.alloc() : memref<1xf32>
  linalg.generic {indexing_maps = [#row, #sum], iterator_types = ["parallel", "reduction"]}
    ins(%x : memref<1x96xf32>) outs(%a : memref<1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %s = arith.addf %in, %out : f32
    linalg.yield %s : f32
  }
  linalg.generic {indexing_maps = [#row, #sum, #row], iterator_types = ["parallel", "parallel"]}
    ins(%x, %a : memref<1x96xf32>, memref<1xf32>) outs(%y : memref<1x96xf32>) {
  ^bb0(%in: f32, %s: f32, %out: f32):
    %d = arith.divf %in, %s : f32
    linalg.yield %d : f32
  }
  return
}

// -----

// Iterations of a loop that is said to be parallel are shared out; its temporary is one a
// thread. A counter is thread 0's, with the load that it needs.
// CHECK-LABEL: func @loop(
// CHECK:         memref.load %{{.*}}[%{{.*}}] : memref<2xi64>
// CHECK:         %[[FIRST:.*]] = arith.cmpi eq
// CHECK:         scf.for
// CHECK:           memref.alloc() {weir.private} : memref<32xf32>
// CHECK:         {weir.parallel}
// CHECK:         scf.if %[[FIRST]]
// CHECK:           %[[OLD:.*]] = memref.load %[[C:.*]][] : memref<i64>
// CHECK:           %[[NEW:.*]] = arith.addi %[[OLD]]
// CHECK:           memref.store %[[NEW]], %[[C]][] : memref<i64>
func.func @loop(%x: memref<8x32xf32>, %y: memref<8x32xf32>, %steps: memref<i64>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %one = arith.constant 1 : i64
  scf.for %i = %c0 to %c8 step %c1 {
    %a = memref.alloc() : memref<32xf32>
    %from = memref.subview %x[%i, 0] [1, 32] [1, 1]
        : memref<8x32xf32> to memref<32xf32, strided<[1], offset: ?>>
    %to = memref.subview %y[%i, 0] [1, 32] [1, 1]
        : memref<8x32xf32> to memref<32xf32, strided<[1], offset: ?>>
    linalg.exp ins(%from : memref<32xf32, strided<[1], offset: ?>>) outs(%a : memref<32xf32>)
    linalg.exp ins(%a : memref<32xf32>) outs(%to : memref<32xf32, strided<[1], offset: ?>>)
  } {weir.parallel}
  %old = memref.load %steps[] : memref<i64>
  %new = arith.addi %old, %one : i64
  memref.store %new, %steps[] : memref<i64>
  return
}

// -----

// Each thread has its half of every row, whichever row that is: nobody waits, not even
// for what is read of all rows at once.
// CHECK-LABEL: func @halves_of_rows(
// CHECK-NOT:     call @weir_barrier
// CHECK:         return
func.func @halves_of_rows(%ring: memref<9x512xf32>, %x: memref<1x512xf32>,
                          %y: memref<8x512xf32>, %z: memref<512x8xf32>, %slot: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %c9 = arith.constant 9 : index
  %new = memref.subview %ring[%slot, 0] [1, 512] [1, 1]
      : memref<9x512xf32> to memref<1x512xf32, strided<[512, 1], offset: ?>>
  linalg.exp ins(%x : memref<1x512xf32>) outs(%new : memref<1x512xf32, strided<[512, 1], offset: ?>>)
  scf.for %i = %c0 to %c8 step %c1 {
    %sum = arith.addi %i, %slot : index
    %at = arith.remui %sum, %c9 : index
    %from = memref.subview %ring[%at, 0] [1, 512] [1, 1]
        : memref<9x512xf32> to memref<1x512xf32, strided<[512, 1], offset: ?>>
    %to = memref.subview %y[%i, 0] [1, 512] [1, 1]
        : memref<8x512xf32> to memref<1x512xf32, strided<[512, 1], offset: ?>>
    linalg.copy ins(%from : memref<1x512xf32, strided<[512, 1], offset: ?>>)
                outs(%to : memref<1x512xf32, strided<[512, 1], offset: ?>>)
  }
  linalg.transpose ins(%y : memref<8x512xf32>) outs(%z : memref<512x8xf32>) permutation = [1, 0]
  return
}

// -----

// What all iterations read is waited for once.
// CHECK-LABEL: func @in_front(
// CHECK:         linalg.exp
// CHECK:         call @weir_barrier
// CHECK-NOT:     call @weir_barrier
// CHECK:         linalg.matmul
// CHECK-NOT:     call @weir_barrier
// CHECK:         return
func.func @in_front(%x: memref<1x512xf32>, %w: memref<512x48xf32>, %y: memref<8x48xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %a = memref.alloc() : memref<1x512xf32>
  linalg.exp ins(%x : memref<1x512xf32>) outs(%a : memref<1x512xf32>)
  scf.for %i = %c0 to %c8 step %c1 {
    %to = memref.subview %y[%i, 0] [1, 48] [1, 1]
        : memref<8x48xf32> to memref<1x48xf32, strided<[48, 1], offset: ?>>
    linalg.matmul ins(%a, %w : memref<1x512xf32>, memref<512x48xf32>)
                  outs(%to : memref<1x48xf32, strided<[48, 1], offset: ?>>)
  }
  return
}

// -----

// A search is of the thread that has the iteration around it.
// CHECK-LABEL: func @searches(
// CHECK:         scf.for %{{.*}} = %{{.*}} to %{{.*}} step
// CHECK-NOT:     call @weir_barrier
// CHECK:           scf.while
// CHECK:         {weir.parallel}
func.func @searches(%x: memref<8x32xf32>, %y: memref<8xi64>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  scf.for %i = %c0 to %c8 step %c1 {
    %row = memref.subview %x[%i, 0] [1, 32] [1, 1]
        : memref<8x32xf32> to memref<32xf32, strided<[1], offset: ?>>
    linalg.exp ins(%row : memref<32xf32, strided<[1], offset: ?>>)
               outs(%row : memref<32xf32, strided<[1], offset: ?>>)
    %found = scf.while (%k = %c0) : (index) -> index {
      %value = memref.load %row[%k] : memref<32xf32, strided<[1], offset: ?>>
      %isLess = arith.cmpf olt, %value, %zero : f32
      scf.condition(%isLess) %k : index
    } do {
    ^bb0(%k: index):
      %next = arith.addi %k, %c1 : index
      scf.yield %next : index
    }
    %number = arith.index_cast %found : index to i64
    memref.store %number, %y[%i] : memref<8xi64>
  } {weir.parallel}
  return
}
