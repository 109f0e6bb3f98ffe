// RUN: weir-opt %s --convert-float-to-field --split-input-file --verify-diagnostics

// C1: a residue is no integer, however near the float was to one.
func.func @to_integer(%x: f32) -> i32 {
  // expected-error@+1 {{has no counterpart in a finite field}}
  %0 = arith.fptosi %x : f32 to i32
  return %0 : i32
}

// -----

// C1: its bits are not those of the float.
func.func @bits(%x: f32) -> i32 {
  // expected-error@+1 {{has no counterpart in a finite field}}
  %0 = arith.bitcast %x : f32 to i32
  return %0 : i32
}

// -----

// C1: whole tensors are computed by linalg.
func.func @tensors(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error@+1 {{has no counterpart in a finite field}}
  %0 = arith.addf %x, %x : tensor<2xf32>
  return %0 : tensor<2xf32>
}
