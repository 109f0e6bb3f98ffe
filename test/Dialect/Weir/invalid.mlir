// RUN: weir-opt %s --split-input-file --verify-diagnostics

func.func @axis_negative(%w: tensor<8x4xf32>, %t: index) {
  // expected-error@+1 {{dim, lead and tail of an axis are not negative}}
  %0 = weir.roll %w, %t {axis = #weir.axis<dim = 0, lead = -1, tokens = 8>} : tensor<8x4xf32>
  return
}

// -----

func.func @axis_empty(%w: tensor<8x4xf32>, %t: index) {
  // expected-error@+1 {{inner, tokens and chunk of an axis are positive}}
  %0 = weir.roll %w, %t {axis = #weir.axis<dim = 0, tokens = 0>} : tensor<8x4xf32>
  return
}

// -----

func.func @axis_chunk(%w: tensor<8x4xf32>, %t: index) {
  // expected-error@+1 {{a step brings 9 tokens to a window of 8}}
  %0 = weir.roll %w, %t {axis = #weir.axis<dim = 0, tokens = 8, chunk = 9>} : tensor<8x4xf32>
  return
}

// -----

func.func @roll_outside(%w: tensor<8x4xf32>, %t: index) {
  // expected-error@+1 {{axis 2 is outside a tensor of rank 2}}
  %0 = weir.roll %w, %t {axis = #weir.axis<dim = 2, tokens = 8>} : tensor<8x4xf32>
  return
}

// -----

func.func @roll_size(%w: tensor<8x4xf32>, %t: index) {
  // expected-error@+1 {{dimension 0 of size 8 does not hold 5 rows of 1}}
  %0 = weir.roll %w, %t {axis = #weir.axis<dim = 0, tokens = 5>} : tensor<8x4xf32>
  return
}

// -----

func.func @push_size(%x: tensor<1x4xf32>, %r: tensor<8x4xf32>, %t: index) {
  // expected-error@+1 {{dimension 0 of size 8 does not hold 7 rows of 1}}
  %0 = weir.ring_push %x, %r, %t {axis = #weir.axis<dim = 0, tokens = 7>, positions = array<i64: 6>} : tensor<1x4xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @push_position(%x: tensor<1x4xf32>, %r: tensor<8x4xf32>, %t: index) {
  // expected-error@+1 {{row 8 is outside an axis of 8 rows}}
  %0 = weir.ring_push %x, %r, %t {axis = #weir.axis<dim = 0, tokens = 8>, positions = array<i64: 8>} : tensor<1x4xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @push_twice(%x: tensor<2x4xf32>, %r: tensor<8x4xf32>, %t: index) {
  // expected-error@+1 {{writes row 7 twice}}
  %0 = weir.ring_push %x, %r, %t {axis = #weir.axis<dim = 0, tokens = 8>, positions = array<i64: 7, 7>} : tensor<2x4xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @push_rows(%x: tensor<2x4xf32>, %r: tensor<8x4xf32>, %t: index) {
  // expected-error@+1 {{has rows of type 'tensor<2x4xf32>', but 1 rows of 'tensor<8x4xf32>' are 'tensor<1x4xf32>'}}
  %0 = weir.ring_push %x, %r, %t {axis = #weir.axis<dim = 0, tokens = 8>, positions = array<i64: 7>} : tensor<2x4xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @read_size(%r: tensor<8x4xf32>, %t: index) {
  // expected-error@+1 {{dimension 1 of size 4 does not hold 3 rows of 1}}
  %0 = weir.ring_read %r, %t {axis = #weir.axis<dim = 1, tokens = 3>, positions = array<i64: 0>} : tensor<8x4xf32> -> tensor<8x1xf32>
  return
}

// -----

func.func @read_position(%r: tensor<8x4xf32>, %t: index) {
  // expected-error@+1 {{row -1 is outside an axis of 8 rows}}
  %0 = weir.ring_read %r, %t {axis = #weir.axis<dim = 0, tokens = 8>, positions = array<i64: -1>} : tensor<8x4xf32> -> tensor<1x4xf32>
  return
}

// -----

func.func @read_rows(%r: tensor<8x4xf32>, %t: index) {
  // expected-error@+1 {{has rows of type 'tensor<2x4xf32>'}}
  %0 = weir.ring_read %r, %t {axis = #weir.axis<dim = 0, tokens = 8>, positions = array<i64: 1>} : tensor<8x4xf32> -> tensor<2x4xf32>
  return
}

// -----

func.func @select_extent(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{dimension 0 of size 8 does not hold 3 rows of 1}}
  %0 = weir.select_rows %x {dim = 0 : i64, inner = 1 : i64, extent = 3 : i64, indices = array<i64: 0>} : tensor<8x4xf32> -> tensor<1x4xf32>
  return
}

// -----

func.func @select_index(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{row 8 is outside an axis of 8 rows}}
  %0 = weir.select_rows %x {dim = 0 : i64, inner = 1 : i64, extent = 8 : i64, indices = array<i64: 8>} : tensor<8x4xf32> -> tensor<1x4xf32>
  return
}

// -----

func.func @select_rows(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{but 2 rows of 'tensor<8x4xf32>' are 'tensor<2x4xf32>'}}
  %0 = weir.select_rows %x {dim = 0 : i64, inner = 1 : i64, extent = 8 : i64, indices = array<i64: 1, 2>} : tensor<8x4xf32> -> tensor<1x4xf32>
  return
}

// -----

// expected-error@+1 {{weir.state of argument 0 is not a string}}
func.func @state_name(%x: tensor<8x4xf32> {weir.state = 1 : i64}) {
  return
}

// -----

func.func @mask_size(%w: tensor<8x4xf32>, %t: index) {
  // expected-error@+1 {{dimension 0 of size 8 does not hold 3 rows of 1}}
  %0 = weir.mask_absent zero %w, %t {axis = #weir.axis<dim = 0, tokens = 5>, positions = array<i64: 0, 1, 2>} : tensor<8x4xf32>
  return
}

// -----

func.func @mask_position(%w: tensor<2x4xf32>, %t: index) {
  // expected-error@+1 {{row 5 is outside an axis of 5 rows}}
  %0 = weir.mask_absent zero %w, %t {axis = #weir.axis<dim = 0, tokens = 5>, positions = array<i64: 0, 5>} : tensor<2x4xf32>
  return
}

// -----

func.func @mask_fill(%w: tensor<8x4xf32>, %t: index) {
  // expected-error@+1 {{fills with 'mean', which is none of zero, one, lowest and highest}}
  %0 = weir.mask_absent mean %w, %t {axis = #weir.axis<dim = 0, tokens = 8>} : tensor<8x4xf32>
  return
}

// -----

func.func @scale_integers(%w: tensor<4xi64>, %t: index) {
  // expected-error@+1 {{which holds no floats}}
  %0 = weir.scale_to_present %w, %t {axis = #weir.axis<dim = 0, tokens = 8>} : tensor<4xi64>
  return
}

// -----

func.func @shift_outside(%x: tensor<1x4xf32>, %w: tensor<8x4xf32>) {
  // expected-error@+1 {{axis 2 is outside a tensor of rank 2}}
  %0 = weir.shift_push %x, %w {axis = #weir.axis<dim = 2, tokens = 8>, positions = array<i64: 7>} : tensor<1x4xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @shift_twice(%x: tensor<2x4xf32>, %w: tensor<8x4xf32>) {
  // expected-error@+1 {{writes row 7 twice}}
  %0 = weir.shift_push %x, %w {axis = #weir.axis<dim = 0, tokens = 8>, positions = array<i64: 7, 7>} : tensor<2x4xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @shift_rows(%x: tensor<2x4xf32>, %w: tensor<8x4xf32>) {
  // expected-error@+1 {{has rows of type 'tensor<2x4xf32>', but 1 rows of 'tensor<8x4xf32>' are 'tensor<1x4xf32>'}}
  %0 = weir.shift_push %x, %w {axis = #weir.axis<dim = 0, tokens = 8>, positions = array<i64: 7>} : tensor<2x4xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @shift_unwritten(%x: tensor<1x4xf32>, %w: tensor<8x4xf32>) {
  // expected-error@+1 {{does not write row 6, which holds a token that enters}}
  %0 = weir.shift_push %x, %w {axis = #weir.axis<dim = 0, tokens = 8, chunk = 2>, positions = array<i64: 7>} : tensor<1x4xf32>, tensor<8x4xf32>
  return
}
