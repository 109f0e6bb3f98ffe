// RUN: weir-opt %s --weir-settle-state --split-input-file --verify-diagnostics \
// RUN:   --remarks-filter=weir --remark-format=emitRemark | FileCheck %s

// Results that are the arguments of their names go; an output's is the last of its name.
// CHECK-LABEL: func @in_place(
// CHECK-SAME:    %{{.*}}: memref<3xf32> {weir.input = "y"}, %{{.*}}: memref<5xf32> {weir.state = "k"}, %{{.*}}: memref<3xf32> {weir.output = "y"}) {
// CHECK-NEXT:    return
func.func @in_place(%x: memref<3xf32> {weir.input = "y"}, %k: memref<5xf32> {weir.state = "k"},
                    %y: memref<3xf32> {weir.output = "y"})
    -> (memref<3xf32> {weir.output = "y"}, memref<5xf32> {weir.state = "k"})
    attributes {weir.tied} {
  return %y, %k : memref<3xf32>, memref<5xf32>
}

// -----

// A state that ended in a temporary is copied back.
// CHECK-LABEL: func @fresh(
// CHECK-SAME:    %[[K:.*]]: memref<5xf32>
// CHECK-NEXT:    %[[NEW:.*]] = memref.alloc()
// CHECK-NEXT:    memref.copy %[[NEW]], %[[K]]
// CHECK-NEXT:    return
// expected-remark@+1 {{state 'k' is not updated in place: one copy a step}}
func.func @fresh(%k: memref<5xf32> {weir.state = "k"}) -> (memref<5xf32> {weir.state = "k"})
    attributes {weir.tied} {
  %0 = memref.alloc() : memref<5xf32>
  return %0 : memref<5xf32>
}

// -----

// A state that bufferization copied already is not in place either; a copy of an input is
// all the work there is.
// CHECK-LABEL: func @copied(
// CHECK-COUNT-2: memref.copy
// CHECK-NOT:     memref.copy
// expected-remark@+1 {{state 'k' is not updated in place: one copy a step}}
func.func @copied(%x: memref<4xf32> {weir.input = "x"}, %k: memref<5xf32> {weir.state = "k"},
                  %l: memref<4xf32> {weir.state = "l"})
    -> (memref<5xf32> {weir.state = "k"}, memref<4xf32> {weir.state = "l"}) attributes {weir.tied} {
  %0 = memref.alloc() : memref<5xf32>
  memref.copy %0, %k : memref<5xf32> to memref<5xf32>
  memref.copy %x, %l : memref<4xf32> to memref<4xf32>
  return %k, %l : memref<5xf32>, memref<4xf32>
}

// -----

// Two states that changed places would lose one of them.
// expected-error@+1 {{'k' ends in the buffer of another value}}
func.func @swapped(%k: memref<5xf32> {weir.state = "k"}, %l: memref<5xf32> {weir.state = "l"})
    -> (memref<5xf32> {weir.state = "k"}, memref<5xf32> {weir.state = "l"}) attributes {weir.tied} {
  return %l, %k : memref<5xf32>, memref<5xf32>
}

// -----

// What was not tied is no entry function.
// CHECK-LABEL: func private @helper(
// CHECK-NEXT:    return %
func.func private @helper(%x: memref<5xf32>) -> memref<5xf32> {
  return %x : memref<5xf32>
}
