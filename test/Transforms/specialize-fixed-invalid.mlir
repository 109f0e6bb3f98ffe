// RUN: weir-opt %s --weir-specialize="fix=mask=1" --split-input-file --verify-diagnostics
// RUN: not weir-opt %s --split-input-file --weir-specialize="fix=mask=0.5" 2>&1 | FileCheck %s

// expected-error@+1 {{'mask=1' fixes no input; write INPUT=NUMBER}}
func.func @unknown(%x: tensor<4xf32> {weir.input = "x"}) {
  return
}

// -----

// A number must fit the type of the input.
// CHECK: error: '0.5' is no 'i64', which input 'mask' takes
func.func @fractional(%x: tensor<4xi64> {weir.input = "mask"}) {
  return
}
