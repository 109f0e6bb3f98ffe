// RUN: weir-opt %s --split-input-file --verify-diagnostics

func.func @half(%q: tensor<8x4xf16>, %k: tensor<6x4xf16>, %v: tensor<6x3xf16>) {
  // expected-error@+1 {{computes 'f16', which is neither f32 nor f64}}
  %y = weir.attention softmax %q, %k, %v : tensor<8x4xf16>, tensor<6x4xf16>, tensor<6x3xf16> -> tensor<8x3xf16>
  return
}

// -----

func.func @mixed(%q: tensor<8x4xf32>, %k: tensor<6x4xf64>, %v: tensor<6x3xf32>) {
  // expected-error@+1 {{mixes 'f32' and 'f64'}}
  %y = weir.attention softmax %q, %k, %v : tensor<8x4xf32>, tensor<6x4xf64>, tensor<6x3xf32> -> tensor<8x3xf32>
  return
}

// -----

func.func @vector(%q: tensor<4xf32>, %k: tensor<6x4xf32>, %v: tensor<6x3xf32>) {
  // expected-error@+1 {{has rows without features: 'tensor<4xf32>'}}
  %y = weir.attention softmax %q, %k, %v : tensor<4xf32>, tensor<6x4xf32>, tensor<6x3xf32> -> tensor<1x3xf32>
  return
}

// -----

func.func @features(%q: tensor<8x4xf32>, %k: tensor<6x5xf32>, %v: tensor<6x3xf32>) {
  // expected-error@+1 {{has queries of 4 features and keys of 5}}
  %y = weir.attention softmax %q, %k, %v : tensor<8x4xf32>, tensor<6x5xf32>, tensor<6x3xf32> -> tensor<8x3xf32>
  return
}

// -----

func.func @values(%q: tensor<8x4xf32>, %k: tensor<6x4xf32>, %v: tensor<7x3xf32>) {
  // expected-error@+1 {{has 6 keys and 7 values}}
  %y = weir.attention softmax %q, %k, %v : tensor<8x4xf32>, tensor<6x4xf32>, tensor<7x3xf32> -> tensor<8x3xf32>
  return
}

// -----

func.func @heads(%q: tensor<2x8x4xf32>, %k: tensor<3x6x4xf32>, %v: tensor<6x3xf32>) {
  // expected-error@+1 {{has operands whose leading dimensions do not broadcast}}
  %y = weir.attention softmax %q, %k, %v : tensor<2x8x4xf32>, tensor<3x6x4xf32>, tensor<6x3xf32> -> tensor<2x8x3xf32>
  return
}

// -----

func.func @result(%q: tensor<8x4xf32>, %k: tensor<6x4xf32>, %v: tensor<6x3xf32>) {
  // expected-error@+1 {{gives 'tensor<8x4xf32>', expected 'tensor<8x3xf32>'}}
  %y = weir.attention softmax %q, %k, %v : tensor<8x4xf32>, tensor<6x4xf32>, tensor<6x3xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @bias(%q: tensor<8x4xf32>, %k: tensor<6x4xf32>, %v: tensor<6x3xf32>, %b: tensor<8xf32>) {
  // expected-error@+1 {{has a bias of 'tensor<8xf32>' for scores of 'tensor<8x6xf32>'}}
  %y = weir.attention softmax %q, %k, %v bias %b : tensor<8x4xf32>, tensor<6x4xf32>, tensor<6x3xf32>, tensor<8xf32> -> tensor<8x3xf32>
  return
}
