// RUN: weir-opt %s --weir-layout-state | FileCheck %s

// The states of all entry functions are one arena: a name is one place, in the order in which
// names are met, each aligned to 64 behind 64 bytes for a header.
// CHECK:      module attributes {weir.state_bytes = 320 : i64, weir.state_layout = [
// CHECK-SAME:   {bytes = 8 : i64, name = "t", offset = 64 : i64, type = memref<i64>}
// CHECK-SAME:   {bytes = 80 : i64, name = "k", offset = 128 : i64, type = memref<5x4xf32>}
// CHECK-SAME:   {bytes = 3 : i64, name = "m", offset = 256 : i64, type = memref<3xi1>}

// CHECK-LABEL: func @init(
// CHECK-SAME:    %[[ARENA:.*]]: memref<320xi8> {weir.arena}, %{{.*}}: memref<0xi8> {weir.scratch})
// CHECK:         %[[AT:.*]] = arith.constant 128 : index
// CHECK:         %[[K:.*]] = memref.view %[[ARENA]][%[[AT]]][] : memref<320xi8> to memref<5x4xf32>
// CHECK:         linalg.fill {{.*}} outs(%[[K]] : memref<5x4xf32>)
func.func @init(%t: memref<i64> {weir.state = "t"}, %k: memref<5x4xf32> {weir.state = "k"},
                %s: memref<0xi8> {weir.scratch}) attributes {weir.entry} {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%k : memref<5x4xf32>)
  return
}

// CHECK-LABEL: func @step(
// CHECK-SAME:    %[[ARENA:.*]]: memref<320xi8> {weir.arena}, %[[X:.*]]: memref<4xf32> {weir.input = "x"})
// CHECK:         %[[AT:.*]] = arith.constant 128 : index
// CHECK:         %[[K:.*]] = memref.view %[[ARENA]][%[[AT]]][]
// CHECK:         memref.subview %[[K]][2, 0]
func.func @step(%x: memref<4xf32> {weir.input = "x"}, %k: memref<5x4xf32> {weir.state = "k"},
                %m: memref<3xi1> {weir.state = "m"}) attributes {weir.entry} {
  %row = memref.subview %k[2, 0] [1, 4] [1, 1] : memref<5x4xf32> to memref<4xf32, strided<[1], offset: 8>>
  memref.copy %x, %row : memref<4xf32> to memref<4xf32, strided<[1], offset: 8>>
  return
}

// What is no entry keeps its arguments.
// CHECK-LABEL: func @window(
// CHECK-SAME:    %{{.*}}: memref<5x4xf32> {weir.state = "k"})
// CHECK-NOT:     memref.view
func.func @window(%k: memref<5x4xf32> {weir.state = "k"}) {
  return
}
