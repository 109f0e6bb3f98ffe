// RUN: weir-opt %s --weir-plan-scratch --allow-unregistered-dialect --split-input-file \
// RUN:   --verify-diagnostics | FileCheck %s

// The first and the third are never alive together: they share bytes. Each starts at a
// multiple of 64.
// CHECK-LABEL: func @shares(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: memref<20xf32>, %[[S:[a-z0-9]+]]: memref<192xi8> {weir.scratch}
// CHECK:         %[[C0:.*]] = arith.constant 0
// CHECK:         %[[A:.*]] = memref.view %[[S]][%[[C0]]][] : memref<192xi8> to memref<20xf32>
// CHECK:         %[[C128:.*]] = arith.constant 128
// CHECK:         memref.view %[[S]][%[[C128]]][] : memref<192xi8> to memref<3xf64>
// CHECK:         %[[C0B:.*]] = arith.constant 0
// CHECK:         memref.view %[[S]][%[[C0B]]][] : memref<192xi8> to memref<18xf32>
// CHECK-NOT:     memref.dealloc
func.func @shares(%x: memref<20xf32>) {
  %a = memref.alloc() : memref<20xf32>
  memref.copy %x, %a : memref<20xf32> to memref<20xf32>
  %b = memref.alloc() : memref<3xf64>
  "test.use"(%a, %b) : (memref<20xf32>, memref<3xf64>) -> ()
  memref.dealloc %a : memref<20xf32>
  %c = memref.alloc() : memref<18xf32>
  "test.use"(%b, %c) : (memref<3xf64>, memref<18xf32>) -> ()
  return
}

// -----

// A view keeps what it looks at alive: the two do not share.
// CHECK-LABEL: func @view_lives_on(
// CHECK-SAME:    memref<128xi8> {weir.scratch}
func.func @view_lives_on() {
  %a = memref.alloc() : memref<4xf32>
  %v = memref.subview %a[1] [2] [1] : memref<4xf32> to memref<2xf32, strided<[1], offset: 1>>
  %b = memref.alloc() : memref<5xf32>
  "test.use"(%b, %v) : (memref<5xf32>, memref<2xf32, strided<[1], offset: 1>>) -> ()
  return
}

// -----

// A temporary of a loop lives in one iteration, and shares with another of the same.
// CHECK-LABEL: func @loop(
// CHECK-SAME:    memref<64xi8> {weir.scratch}
// CHECK:         scf.for
// CHECK-COUNT-2:   memref.view
func.func @loop(%from: index, %to: index) {
  scf.for %i = %from to %to step %to {
    %a = memref.alloc() : memref<4xf32>
    "test.use"(%a) : (memref<4xf32>) -> ()
    %b = memref.alloc() : memref<5xf32>
    "test.use"(%b) : (memref<5xf32>) -> ()
  }
  return
}

// -----

// One that the next iteration gets lives as long as the loop, as does one from before it.
// CHECK-LABEL: func @carried(
// CHECK-SAME:    memref<192xi8> {weir.scratch}
func.func @carried(%from: index, %to: index) {
  %start = memref.alloc() : memref<4xf32>
  %end = scf.for %i = %from to %to step %to iter_args(%last = %start) -> memref<4xf32> {
    %a = memref.alloc() : memref<5xf32>
    "test.use"(%a, %last) : (memref<5xf32>, memref<4xf32>) -> ()
    %b = memref.alloc() : memref<4xf32>
    "test.use"(%b) : (memref<4xf32>) -> ()
    scf.yield %b : memref<4xf32>
  }
  "test.use"(%end) : (memref<4xf32>) -> ()
  return
}

// -----

// Without temporaries there is an empty block all the same: callers need not know.
// CHECK-LABEL: func @nothing(
// CHECK-SAME:    %{{.*}}: memref<0xi8> {weir.scratch}
// CHECK-LABEL: func private @helper(
// CHECK-SAME:    ) {
func.func @nothing() {
  return
}
func.func private @helper() {
  %a = memref.alloc() : memref<4xf32>
  "test.use"(%a) : (memref<4xf32>) -> ()
  return
}

// -----

func.func @unknown_size(%n: index) {
  // expected-error@+1 {{a temporary of unknown size: 'memref<?xf32>'}}
  %a = memref.alloc(%n) : memref<?xf32>
  return
}
