// RUN: weir-opt %s --split-input-file --verify-diagnostics

func.func @fixed_rows(%x: tensor<1x3xf32>, %t: index, %s: tensor<4x3xf32>) {
  // expected-error@+1 {{has an axis that does not fill dimension 0 with tokens}}
  %0:4 = weir.sliding_dct %x leaving(%x : tensor<1x3xf32>), %t states(%s, %s, %s, %s)
      {axis = #weir.axis<dim = 0, lead = 1, tokens = 7>} : tensor<1x3xf32>, tensor<4x3xf32>
  return
}

// -----

func.func @dim(%x: tensor<1x3xf32>, %t: index, %s: tensor<4x3xf32>) {
  // expected-error@+1 {{axis 2 is outside a tensor of rank 2}}
  %0:4 = weir.sliding_dct %x leaving(%x : tensor<1x3xf32>), %t states(%s, %s, %s, %s)
      {axis = #weir.axis<dim = 2, tokens = 7>} : tensor<1x3xf32>, tensor<4x3xf32>
  return
}

// -----

func.func @too_many(%x: tensor<1x3xf32>, %t: index, %s: tensor<8x3xf32>) {
  // expected-error@+1 {{keeps 8 frequencies of 7 tokens}}
  %0:4 = weir.sliding_dct %x leaving(%x : tensor<1x3xf32>), %t states(%s, %s, %s, %s)
      {axis = #weir.axis<dim = 0, tokens = 7>} : tensor<1x3xf32>, tensor<8x3xf32>
  return
}

// -----

func.func @leaving(%x: tensor<1x3xf32>, %old: tensor<2x3xf32>, %t: index, %s: tensor<4x3xf32>) {
  // expected-error@+1 {{takes tokens of 'tensor<2x3xf32>', expected 'tensor<1x3xf32>'}}
  %0:4 = weir.sliding_dct %x leaving(%old : tensor<2x3xf32>), %t states(%s, %s, %s, %s)
      {axis = #weir.axis<dim = 0, tokens = 7>} : tensor<1x3xf32>, tensor<4x3xf32>
  return
}

// -----

func.func @window(%x: tensor<6x3xf32>, %t: index, %s: tensor<4x3xf32>) {
  // expected-error@+1 {{takes tokens of 'tensor<6x3xf32>', expected 'tensor<7x3xf32>'}}
  %0:4 = weir.sliding_dct %x, %t states(%s, %s, %s, %s)
      {axis = #weir.axis<dim = 0, tokens = 7>} : tensor<6x3xf32>, tensor<4x3xf32>
  return
}

// -----

func.func @element(%x: tensor<1x3xf16>, %t: index, %s: tensor<4x3xf16>) {
  // expected-error@+1 {{sums elements of type 'f16', but only f32 and f64 can be summed}}
  %0:4 = weir.sliding_dct %x leaving(%x : tensor<1x3xf16>), %t states(%s, %s, %s, %s)
      {axis = #weir.axis<dim = 0, tokens = 7>} : tensor<1x3xf16>, tensor<4x3xf16>
  return
}

// -----

func.func @read_fixed_rows(%t: index, %s: tensor<4x3xf32>) {
  // expected-error@+1 {{has an axis that does not fill dimension 0 with tokens}}
  %0 = weir.dct_read %s, %s, %t {axis = #weir.axis<dim = 0, inner = 2, tokens = 7>,
      scale = 1.0 : f64} : tensor<4x3xf32>
  return
}

// -----

func.func @read_too_many(%t: index, %s: tensor<8x3xf32>) {
  // expected-error@+1 {{keeps 8 frequencies of 7 tokens}}
  %0 = weir.dct_read %s, %s, %t {axis = #weir.axis<dim = 0, tokens = 7>, scale = 1.0 : f64}
      : tensor<8x3xf32>
  return
}

// -----

func.func @read_element(%t: index, %s: tensor<4x3xi32>) {
  // expected-error@+1 {{sums elements of type 'i32', but only f32 and f64 can be summed}}
  %0 = weir.dct_read %s, %s, %t {axis = #weir.axis<dim = 0, tokens = 7>, scale = 1.0 : f64}
      : tensor<4x3xi32>
  return
}
