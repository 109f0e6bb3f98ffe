// RUN: weir-opt %s --weir-layout-state -split-input-file -verify-diagnostics

// C1: a name has one type.
func.func @init(%k: memref<5x4xf32> {weir.state = "k"}) attributes {weir.entry} {
  return
}
// expected-error @+1 {{state 'k' is 'memref<5x2xf32>' here and 'memref<5x4xf32>' elsewhere}}
func.func @step(%k: memref<5x2xf32> {weir.state = "k"}) attributes {weir.entry} {
  return
}

// -----

// C2: states are buffers.
// expected-error @+1 {{state 'k' is no buffer of a fixed size but 'tensor<5x4xf32>'; run weir-bufferize first}}
func.func @step(%k: tensor<5x4xf32> {weir.state = "k"}) attributes {weir.entry} {
  return
}

// -----

// C2: states are no results.
// expected-error @+1 {{state 'k' is still a result; run weir-bufferize first}}
func.func @init(%k: memref<5x4xf32> {weir.state = "k"})
    -> (memref<5x4xf32> {weir.state = "k"}) attributes {weir.entry} {
  return %k : memref<5x4xf32>
}
