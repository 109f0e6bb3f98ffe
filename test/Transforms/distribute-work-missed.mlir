// RUN: weir-opt %s --weir-distribute-work="threads=2 min-work=100" --split-input-file \
// RUN:   --remarks-filter=weir --remark-format=emitRemark --verify-diagnostics \
// RUN:   --allow-unregistered-dialect | FileCheck %s

// CHECK-NOT: weir.team

// Less work than it costs to share it.
// expected-remark @below {{@little stays on one thread: 90 iterations of work are less than 100}}
func.func @little(%x: memref<9x10xf32>, %y: memref<9x10xf32>) {
  linalg.add ins(%x, %x : memref<9x10xf32>, memref<9x10xf32>) outs(%y : memref<9x10xf32>)
  return
}

// -----

// Nobody knows what memory this op touches.
func.func @unknown(%x: memref<40x10xf32>, %y: memref<40x10xf32>) {
  linalg.add ins(%x, %x : memref<40x10xf32>, memref<40x10xf32>) outs(%y : memref<40x10xf32>)
  // expected-remark @below {{keeps @unknown on one thread: the memory that test.use touches is not known}}
  "test.use"(%y) : (memref<40x10xf32>) -> ()
  return
}

// -----

// All threads would have to follow the loop, and meet in it.
func.func @search(%x: memref<40x40xf32>, %y: memref<40x40xf32>, %n: memref<i64>) {
  linalg.add ins(%x, %x : memref<40x40xf32>, memref<40x40xf32>) outs(%y : memref<40x40xf32>)
  // expected-remark @below {{keeps @search on one thread: the memory that scf.while touches is not known}}
  scf.while : () -> () {
    %0 = memref.load %n[] : memref<i64>
    %1 = arith.trunci %0 : i64 to i1
    scf.condition(%1)
  } do {
    scf.yield
  }
  return
}
