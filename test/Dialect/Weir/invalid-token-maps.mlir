// RUN: weir-opt %s --split-input-file --verify-diagnostics

func.func @dct_dim(%x: tensor<2x7x3xf32>) {
  // expected-error@+1 {{dim 3 is outside a tensor of rank 3}}
  %0 = weir.dct %x {dim = 3} : tensor<2x7x3xf32> -> tensor<2x5x3xf32>
  return
}

// -----

func.func @dct_type(%x: tensor<2x7x3xf32>) {
  // expected-error@+1 {{makes 'tensor<2x5x4xf32>' of 'tensor<2x7x3xf32>', which differ not only in dimension 1}}
  %0 = weir.dct %x {dim = 1} : tensor<2x7x3xf32> -> tensor<2x5x4xf32>
  return
}

// -----

func.func @dct_element(%x: tensor<2x7x3xf16>) {
  // expected-error@+1 {{maps elements of type 'f16', but only f32 and f64 can be mapped}}
  %0 = weir.dct %x {dim = 1} : tensor<2x7x3xf16> -> tensor<2x5x3xf16>
  return
}

// -----

func.func @dct_rows(%x: tensor<2x5x3xf32>) {
  // expected-error@+1 {{has 7 rows for 5 tokens}}
  %0 = weir.dct %x {dim = 1} : tensor<2x5x3xf32> -> tensor<2x7x3xf32>
  return
}

// -----

func.func @idct_dim(%x: tensor<2x5x3xf32>) {
  // expected-error@+1 {{dim 3 is outside a tensor of rank 3}}
  %0 = weir.idct %x {dim = 3} : tensor<2x5x3xf32> -> tensor<2x7x3xf32>
  return
}

// -----

func.func @idct_type(%x: tensor<2x5x3xf32>) {
  // expected-error@+1 {{makes 'tensor<2x7x4xf32>' of 'tensor<2x5x3xf32>', which differ not only in dimension 1}}
  %0 = weir.idct %x {dim = 1} : tensor<2x5x3xf32> -> tensor<2x7x4xf32>
  return
}

// -----

func.func @idct_element(%x: tensor<2x5x3xf16>) {
  // expected-error@+1 {{maps elements of type 'f16', but only f32 and f64 can be mapped}}
  %0 = weir.idct %x {dim = 1} : tensor<2x5x3xf16> -> tensor<2x7x3xf16>
  return
}

// -----

func.func @idct_rows(%x: tensor<2x7x3xf32>) {
  // expected-error@+1 {{has 7 rows for 5 tokens}}
  %0 = weir.idct %x {dim = 1} : tensor<2x7x3xf32> -> tensor<2x5x3xf32>
  return
}

// -----

func.func @resample_dim(%x: tensor<2x7x3xf32>) {
  // expected-error@+1 {{dim 3 is outside a tensor of rank 3}}
  %0 = weir.resample %x {dim = 3} : tensor<2x7x3xf32> -> tensor<2x5x3xf32>
  return
}

// -----

func.func @resample_type(%x: tensor<2x7x3xf32>) {
  // expected-error@+1 {{makes 'tensor<2x5x4xf32>' of 'tensor<2x7x3xf32>', which differ not only in dimension 1}}
  %0 = weir.resample %x {dim = 1} : tensor<2x7x3xf32> -> tensor<2x5x4xf32>
  return
}

// -----

func.func @resample_element(%x: tensor<2x7x3xf16>) {
  // expected-error@+1 {{maps elements of type 'f16', but only f32 and f64 can be mapped}}
  %0 = weir.resample %x {dim = 1} : tensor<2x7x3xf16> -> tensor<2x5x3xf16>
  return
}

// -----

func.func @resample_rows(%x: tensor<2x5x3xf32>) {
  // expected-error@+1 {{has 7 rows for 5 tokens}}
  %0 = weir.resample %x {dim = 1} : tensor<2x5x3xf32> -> tensor<2x7x3xf32>
  return
}

// -----

func.func @pool_dim(%x: tensor<2x7x3xf32>) {
  // expected-error@+1 {{dim 3 is outside a tensor of rank 3}}
  %0 = weir.pool %x {dim = 3} : tensor<2x7x3xf32> -> tensor<2x5x3xf32>
  return
}

// -----

func.func @pool_type(%x: tensor<2x7x3xf32>) {
  // expected-error@+1 {{makes 'tensor<2x5x4xf32>' of 'tensor<2x7x3xf32>', which differ not only in dimension 1}}
  %0 = weir.pool %x {dim = 1} : tensor<2x7x3xf32> -> tensor<2x5x4xf32>
  return
}

// -----

func.func @pool_element(%x: tensor<2x7x3xf16>) {
  // expected-error@+1 {{maps elements of type 'f16', but only f32 and f64 can be mapped}}
  %0 = weir.pool %x {dim = 1} : tensor<2x7x3xf16> -> tensor<2x5x3xf16>
  return
}

// -----

func.func @pool_rows(%x: tensor<2x5x3xf32>) {
  // expected-error@+1 {{has 7 rows for 5 tokens}}
  %0 = weir.pool %x {dim = 1} : tensor<2x5x3xf32> -> tensor<2x7x3xf32>
  return
}
