// RUN: weir-opt %s --split-input-file --verify-diagnostics

func.func @affinity_floats(%q: tensor<8x3xi64>, %phi: tensor<8x1xi64>) {
  // expected-error@+1 {{takes similarities [.., tokens, clusters] in floats, not 'tensor<8x3xi64>' and 'tensor<8x3xi64>'}}
  %0 = weir.cluster_affinity softmax %q, %q, %phi : tensor<8x3xi64>, tensor<8x3xi64>, tensor<8x1xi64> -> tensor<8x3xi64>
  return
}

// -----

func.func @affinity_of_others(%q: tensor<8x3xf32>, %k: tensor<8x4xf32>, %phi: tensor<8x1xf32>) {
  // expected-error@+1 {{takes similarities [.., tokens, clusters] in floats, not 'tensor<8x3xf32>' and 'tensor<8x4xf32>'}}
  %0 = weir.cluster_affinity softmax %q, %k, %phi : tensor<8x3xf32>, tensor<8x4xf32>, tensor<8x1xf32> -> tensor<8x3xf32>
  return
}

// -----

func.func @affinity_phi(%q: tensor<8x3xf32>, %phi: tensor<7x1xf32>) {
  // expected-error@+1 {{takes phi [.., 8, 1] of 'f32', not 'tensor<7x1xf32>'}}
  %0 = weir.cluster_affinity softmax %q, %q, %phi : tensor<8x3xf32>, tensor<8x3xf32>, tensor<7x1xf32> -> tensor<8x3xf32>
  return
}

// -----

func.func @affinity_lead(%q: tensor<2x8x3xf32>, %k: tensor<3x8x3xf32>, %phi: tensor<8x1xf32>) {
  // expected-error@+1 {{has leading dimensions that do not broadcast in 'tensor<2x8x3xf32>' and 'tensor<3x8x3xf32>'}}
  %0 = weir.cluster_affinity softmax %q, %k, %phi : tensor<2x8x3xf32>, tensor<3x8x3xf32>, tensor<8x1xf32> -> tensor<2x8x3xf32>
  return
}

// -----

func.func @affinity_result(%q: tensor<8x3xf32>, %phi: tensor<8x1xf32>) {
  // expected-error@+1 {{gives 'tensor<3x8xf32>', expected 'tensor<8x3xf32>'}}
  %0 = weir.cluster_affinity softmax %q, %q, %phi : tensor<8x3xf32>, tensor<8x3xf32>, tensor<8x1xf32> -> tensor<3x8xf32>
  return
}

// -----

func.func @choose_by_integers(%a: tensor<8x3xi64>) {
  // expected-error@+1 {{takes affinities [.., tokens, clusters] in floats, not 'tensor<8x3xi64>'}}
  %0 = weir.choose_clusters topk %a {size = 4 : i64} : tensor<8x3xi64> -> tensor<3x4xi64>
  return
}

// -----

func.func @choose_too_many(%a: tensor<8x3xf32>) {
  // expected-error@+1 {{chooses clusters of 9 among 8 tokens}}
  %0 = weir.choose_clusters topk %a {size = 9 : i64} : tensor<8x3xf32> -> tensor<3x9xi64>
  return
}

// -----

func.func @choose_none(%a: tensor<8x3xf32>) {
  // expected-error@+1 {{chooses clusters of 0 among 8 tokens}}
  %0 = weir.choose_clusters topk %a {size = 0 : i64} : tensor<8x3xf32> -> tensor<3x0xi64>
  return
}

// -----

func.func @choose_result(%a: tensor<8x3xf32>) {
  // expected-error@+1 {{gives 'tensor<3x4xi32>', expected 'tensor<3x4xi64>'}}
  %0 = weir.choose_clusters topk %a {size = 4 : i64} : tensor<8x3xf32> -> tensor<3x4xi32>
  return
}

// -----

func.func @gather_integers(%x: tensor<8x5xi64>, %i: tensor<3x4xi64>) {
  // expected-error@+1 {{takes [.., tokens, features] in floats, not 'tensor<8x5xi64>'}}
  %0 = weir.gather_tokens %x, %i : tensor<8x5xi64>, tensor<3x4xi64> -> tensor<3x4x5xi64>
  return
}

// -----

func.func @gather_by_floats(%x: tensor<8x5xf32>, %i: tensor<3x4xf32>) {
  // expected-error@+1 {{takes indices [.., clusters, size] of i64, not 'tensor<3x4xf32>'}}
  %0 = weir.gather_tokens %x, %i : tensor<8x5xf32>, tensor<3x4xf32> -> tensor<3x4x5xf32>
  return
}

// -----

func.func @gather_result(%x: tensor<2x8x5xf32>, %i: tensor<3x4xi64>) {
  // expected-error@+1 {{gives 'tensor<3x4x5xf32>', expected 'tensor<2x3x4x5xf32>'}}
  %0 = weir.gather_tokens %x, %i : tensor<2x8x5xf32>, tensor<3x4xi64> -> tensor<3x4x5xf32>
  return
}

// -----

func.func @scatter_rank(%r: tensor<4x5xf32>, %i: tensor<3x4xi64>) {
  // expected-error@+1 {{takes [.., clusters, size, features] in floats, not 'tensor<4x5xf32>'}}
  %0 = weir.scatter_add_tokens %r, %i {tokens = 8 : i64} : tensor<4x5xf32>, tensor<3x4xi64> -> tensor<8x5xf32>
  return
}

// -----

func.func @scatter_by_others(%r: tensor<3x4x5xf32>, %i: tensor<4x3xi64>) {
  // expected-error@+1 {{takes indices [.., clusters, size] of i64, not 'tensor<4x3xi64>' for rows of 'tensor<3x4x5xf32>'}}
  %0 = weir.scatter_add_tokens %r, %i {tokens = 8 : i64} : tensor<3x4x5xf32>, tensor<4x3xi64> -> tensor<8x5xf32>
  return
}

// -----

func.func @scatter_to_none(%r: tensor<3x4x5xf32>, %i: tensor<3x4xi64>) {
  // expected-error@+1 {{has 0 tokens}}
  %0 = weir.scatter_add_tokens %r, %i {tokens = 0 : i64} : tensor<3x4x5xf32>, tensor<3x4xi64> -> tensor<0x5xf32>
  return
}

// -----

func.func @scatter_result(%r: tensor<3x4x5xf32>, %i: tensor<3x4xi64>) {
  // expected-error@+1 {{gives 'tensor<7x5xf32>', expected 'tensor<8x5xf32>'}}
  %0 = weir.scatter_add_tokens %r, %i {tokens = 8 : i64} : tensor<3x4x5xf32>, tensor<3x4xi64> -> tensor<7x5xf32>
  return
}

// -----

func.func @members_by_floats(%i: tensor<3x4xf32>) {
  // expected-error@+1 {{takes indices [.., clusters, size] of i64, not 'tensor<3x4xf32>'}}
  %0 = weir.cluster_members %i {tokens = 8 : i64} : tensor<3x4xf32> -> tensor<8x3xf32>
  return
}

// -----

func.func @members_of_none(%i: tensor<3x4xi64>) {
  // expected-error@+1 {{has -1 tokens}}
  %0 = weir.cluster_members %i {tokens = -1 : i64} : tensor<3x4xi64> -> tensor<8x3xf32>
  return
}

// -----

func.func @members_integers(%i: tensor<3x4xi64>) {
  // expected-error@+1 {{gives 'tensor<8x3xi64>', which holds no floats}}
  %0 = weir.cluster_members %i {tokens = 8 : i64} : tensor<3x4xi64> -> tensor<8x3xi64>
  return
}

// -----

func.func @members_result(%i: tensor<3x4xi64>) {
  // expected-error@+1 {{gives 'tensor<8x4xf32>', expected 'tensor<8x3xf32>'}}
  %0 = weir.cluster_members %i {tokens = 8 : i64} : tensor<3x4xi64> -> tensor<8x4xf32>
  return
}
