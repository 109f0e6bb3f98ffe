// RUN: weir-opt %s --split-input-file --verify-diagnostics

func.func @queries_elsewhere(%v: tensor<8x4xf32>, %t: index, %r: tensor<8xf32>, %a: tensor<8x4xf32>, %n: tensor<2xi64>,
                   %s: tensor<8x1xf32>, %u: tensor<1x4xf32>, %row: tensor<1x8xf32>, %two: tensor<2x8xf32>) {
  // expected-error@+1 {{queries and keys do not fill the last dimensions}}
  %0:5 = weir.retroactive_attention guarded %v, %t states(%r, %r, %r, %a, %n) leaving(%s, %u) entering(%s, %u)
      attributes {queries = #weir.axis<dim = 1, tokens = 8>, keys = #weir.axis<dim = 1, tokens = 8>, tolerance = 5.0e-6 : f64} {
    ^bb0(%slot: index):
      weir.yield %row : tensor<1x8xf32>
    } : tensor<8x4xf32> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<2xi64>)
        columns (tensor<8x1xf32>, tensor<1x4xf32>) (tensor<8x1xf32>, tensor<1x4xf32>) -> tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<2xi64>
  return
}

// -----

func.func @keys_short(%v: tensor<8x4xf32>, %t: index, %r: tensor<8xf32>, %a: tensor<8x4xf32>, %n: tensor<2xi64>,
                   %s: tensor<8x1xf32>, %u: tensor<1x4xf32>, %row: tensor<1x8xf32>, %two: tensor<2x8xf32>) {
  // expected-error@+1 {{queries and keys do not fill the last dimensions}}
  %0:5 = weir.retroactive_attention guarded %v, %t states(%r, %r, %r, %a, %n) leaving(%s, %u) entering(%s, %u)
      attributes {queries = #weir.axis<dim = 0, tokens = 8>, keys = #weir.axis<dim = 1, tokens = 7>, tolerance = 5.0e-6 : f64} {
    ^bb0(%slot: index):
      weir.yield %row : tensor<1x8xf32>
    } : tensor<8x4xf32> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<2xi64>)
        columns (tensor<8x1xf32>, tensor<1x4xf32>) (tensor<8x1xf32>, tensor<1x4xf32>) -> tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<2xi64>
  return
}

// -----

func.func @states_missing(%v: tensor<8x4xf32>, %t: index, %r: tensor<8xf32>, %a: tensor<8x4xf32>, %n: tensor<2xi64>,
                   %s: tensor<8x1xf32>, %u: tensor<1x4xf32>, %row: tensor<1x8xf32>, %two: tensor<2x8xf32>) {
  // expected-error@+1 {{has 5 states, but the form 'shadow' keeps 9}}
  %0:5 = weir.retroactive_attention shadow %v, %t states(%r, %r, %r, %a, %n) leaving(%s, %u) entering(%s, %u)
      attributes {queries = #weir.axis<dim = 0, tokens = 8>, keys = #weir.axis<dim = 1, tokens = 8>, tolerance = 5.0e-6 : f64} {
    ^bb0(%slot: index):
      weir.yield %row : tensor<1x8xf32>
    } : tensor<8x4xf32> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<2xi64>)
        columns (tensor<8x1xf32>, tensor<1x4xf32>) (tensor<8x1xf32>, tensor<1x4xf32>) -> tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<2xi64>
  return
}

// -----

func.func @state_type(%v: tensor<8x4xf32>, %t: index, %r: tensor<8xf32>, %a: tensor<8x4xf32>, %n: tensor<2xi64>,
                   %s: tensor<8x1xf32>, %u: tensor<1x4xf32>, %row: tensor<1x8xf32>, %two: tensor<2x8xf32>) {
  // expected-error@+1 {{state 2 is 'tensor<8x4xf32>', expected 'tensor<8xf32>'}}
  %0:5 = weir.retroactive_attention guarded %v, %t states(%r, %r, %a, %a, %n) leaving(%s, %u) entering(%s, %u)
      attributes {queries = #weir.axis<dim = 0, tokens = 8>, keys = #weir.axis<dim = 1, tokens = 8>, tolerance = 5.0e-6 : f64} {
    ^bb0(%slot: index):
      weir.yield %row : tensor<1x8xf32>
    } : tensor<8x4xf32> (tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<2xi64>)
        columns (tensor<8x1xf32>, tensor<1x4xf32>) (tensor<8x1xf32>, tensor<1x4xf32>) -> tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<2xi64>
  return
}

// -----

func.func @result_missing(%v: tensor<8x4xf32>, %t: index, %r: tensor<8xf32>, %a: tensor<8x4xf32>, %n: tensor<2xi64>,
                   %s: tensor<8x1xf32>, %u: tensor<1x4xf32>, %row: tensor<1x8xf32>, %two: tensor<2x8xf32>) {
  // expected-error@+1 {{gives 4 new states for 5}}
  %0:4 = weir.retroactive_attention guarded %v, %t states(%r, %r, %r, %a, %n) leaving(%s, %u) entering(%s, %u)
      attributes {queries = #weir.axis<dim = 0, tokens = 8>, keys = #weir.axis<dim = 1, tokens = 8>, tolerance = 5.0e-6 : f64} {
    ^bb0(%slot: index):
      weir.yield %row : tensor<1x8xf32>
    } : tensor<8x4xf32> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<2xi64>)
        columns (tensor<8x1xf32>, tensor<1x4xf32>) (tensor<8x1xf32>, tensor<1x4xf32>) -> tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @column_alone(%v: tensor<8x4xf32>, %t: index, %r: tensor<8xf32>, %a: tensor<8x4xf32>, %n: tensor<2xi64>,
                   %s: tensor<8x1xf32>, %u: tensor<1x4xf32>, %row: tensor<1x8xf32>, %two: tensor<2x8xf32>) {
  // expected-error@+1 {{takes a column of scores and the values with it}}
  %0:5 = weir.retroactive_attention guarded %v, %t states(%r, %r, %r, %a, %n) leaving(%s) entering(%s, %u)
      attributes {queries = #weir.axis<dim = 0, tokens = 8>, keys = #weir.axis<dim = 1, tokens = 8>, tolerance = 5.0e-6 : f64} {
    ^bb0(%slot: index):
      weir.yield %row : tensor<1x8xf32>
    } : tensor<8x4xf32> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<2xi64>)
        columns (tensor<8x1xf32>) (tensor<8x1xf32>, tensor<1x4xf32>) -> tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<2xi64>
  return
}

// -----

func.func @column_type(%v: tensor<8x4xf32>, %t: index, %r: tensor<8xf32>, %a: tensor<8x4xf32>, %n: tensor<2xi64>,
                   %s: tensor<8x1xf32>, %u: tensor<1x4xf32>, %row: tensor<1x8xf32>, %two: tensor<2x8xf32>) {
  // expected-error@+1 {{has columns of }}
  %0:5 = weir.retroactive_attention guarded %v, %t states(%r, %r, %r, %a, %n) leaving(%s, %u) entering(%s, %v)
      attributes {queries = #weir.axis<dim = 0, tokens = 8>, keys = #weir.axis<dim = 1, tokens = 8>, tolerance = 5.0e-6 : f64} {
    ^bb0(%slot: index):
      weir.yield %row : tensor<1x8xf32>
    } : tensor<8x4xf32> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<2xi64>)
        columns (tensor<8x1xf32>, tensor<1x4xf32>) (tensor<8x1xf32>, tensor<8x4xf32>) -> tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<2xi64>
  return
}

// -----

func.func @built_queries(%v: tensor<8x4xf32>, %t: index, %r: tensor<8xf32>, %a: tensor<8x4xf32>, %n: tensor<2xi64>,
                   %s: tensor<8x1xf32>, %u: tensor<1x4xf32>, %row: tensor<1x8xf32>, %two: tensor<2x8xf32>) {
  // expected-error@+1 {{builds queries of two counts which are not among 8}}
  %0:5 = weir.retroactive_attention guarded %v, %t states(%r, %r, %r, %a, %n) leaving(%s, %u) entering(%s, %u)
      attributes {queries = #weir.axis<dim = 0, tokens = 8>, keys = #weir.axis<dim = 1, tokens = 8>, tolerance = 5.0e-6 : f64,
                  built = array<i64: 4, 5>} {
    ^bb0(%slot: index):
      weir.yield %row : tensor<1x8xf32>
    } : tensor<8x4xf32> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<2xi64>)
        columns (tensor<8x1xf32>, tensor<1x4xf32>) (tensor<8x1xf32>, tensor<1x4xf32>) -> tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<2xi64>
  return
}

// -----

func.func @shadow_of_two_keys(%v: tensor<8x4xf32>, %t: index, %r: tensor<8xf32>, %a: tensor<8x4xf32>, %n: tensor<2xi64>,
                   %l: tensor<8xi64>, %s: tensor<8x2xf32>, %u: tensor<2x4xf32>, %row: tensor<1x8xf32>) {
  // expected-error@+1 {{replaces 2 keys of 8, but the form 'shadow' counts on the oldest 1 of 8 to leave}}
  %0:9 = weir.retroactive_attention shadow %v, %t states(%r, %r, %r, %a, %n, %l, %r, %r, %a) leaving(%s, %u) entering(%s, %u)
      attributes {queries = #weir.axis<dim = 0, tokens = 8>, keys = #weir.axis<dim = 1, tokens = 8>, tolerance = 5.0e-6 : f64} {
    ^bb0(%slot: index):
      weir.yield %row : tensor<1x8xf32>
    } : tensor<8x4xf32> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<2xi64>, tensor<8xi64>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>)
        columns (tensor<8x2xf32>, tensor<2x4xf32>) (tensor<8x2xf32>, tensor<2x4xf32>) -> tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<2xi64>, tensor<8xi64>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @body_without_slot(%v: tensor<8x4xf32>, %t: index, %r: tensor<8xf32>, %a: tensor<8x4xf32>, %n: tensor<2xi64>,
                   %s: tensor<8x1xf32>, %u: tensor<1x4xf32>, %row: tensor<1x8xf32>, %two: tensor<2x8xf32>) {
  // expected-error@+1 {{has a body that does not take a slot and yield scores}}
  %0:5 = weir.retroactive_attention guarded %v, %t states(%r, %r, %r, %a, %n) leaving(%s, %u) entering(%s, %u)
      attributes {queries = #weir.axis<dim = 0, tokens = 8>, keys = #weir.axis<dim = 1, tokens = 8>, tolerance = 5.0e-6 : f64} {
      weir.yield %row : tensor<1x8xf32>
    } : tensor<8x4xf32> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<2xi64>)
        columns (tensor<8x1xf32>, tensor<1x4xf32>) (tensor<8x1xf32>, tensor<1x4xf32>) -> tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<2xi64>
  return
}

// -----

func.func @body_of_two_rows(%v: tensor<8x4xf32>, %t: index, %r: tensor<8xf32>, %a: tensor<8x4xf32>, %n: tensor<2xi64>,
                   %s: tensor<8x1xf32>, %u: tensor<1x4xf32>, %row: tensor<1x8xf32>, %two: tensor<2x8xf32>) {
  // expected-error@+1 {{has a body that yields no row of scores}}
  %0:5 = weir.retroactive_attention guarded %v, %t states(%r, %r, %r, %a, %n) leaving(%s, %u) entering(%s, %u)
      attributes {queries = #weir.axis<dim = 0, tokens = 8>, keys = #weir.axis<dim = 1, tokens = 8>, tolerance = 5.0e-6 : f64} {
    ^bb0(%slot: index):
      weir.yield %two : tensor<2x8xf32>
    } : tensor<8x4xf32> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<2xi64>)
        columns (tensor<8x1xf32>, tensor<1x4xf32>) (tensor<8x1xf32>, tensor<1x4xf32>) -> tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<2xi64>
  return
}

// -----

func.func @mean(%a: tensor<8x4xf32>, %d: tensor<4xf32>) {
  // expected-error@+1 {{has a normalizer of 'tensor<4xf32>' for 'tensor<8x4xf32>'}}
  %0 = weir.weighted_mean %a, %d : tensor<8x4xf32>, tensor<4xf32>
  return
}

// -----

func.func @yield_alone(%row: tensor<1x8xf32>) {
  // expected-error@+1 {{expects parent op 'weir.retroactive_attention'}}
  weir.yield %row : tensor<1x8xf32>
}
