// RUN: weir-opt %s --split-input-file --verify-diagnostics

func.func @matmul_scalar(%a: tensor<f32>, %b: tensor<3x4xf32>) {
  // expected-error@+1 {{wants operands of rank 1 or more, got a scalar}}
  %0 = onnx.MatMul %a, %b : (tensor<f32>, tensor<3x4xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @matmul_inner(%a: tensor<2x3xf32>, %b: tensor<4x5xf32>) {
  // expected-error@+1 {{contracts 3 elements of A with 4 of B}}
  %0 = onnx.MatMul %a, %b : (tensor<2x3xf32>, tensor<4x5xf32>) -> tensor<2x5xf32>
  return
}

// -----

func.func @matmul_batch(%a: tensor<2x1x3xf32>, %b: tensor<5x3x4xf32>) {
  // expected-error@+1 {{batch dimensions 2 and 5 do not broadcast}}
  %0 = onnx.MatMul %a, %b : (tensor<2x1x3xf32>, tensor<5x3x4xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @matmul_result(%a: tensor<2x3xf32>, %b: tensor<3x5xf32>) {
  // expected-error@+1 {{gives 'tensor<2x5xf32>' as result 0, but it is of type 'tensor<2x4xf32>'}}
  %0 = onnx.MatMul %a, %b : (tensor<2x3xf32>, tensor<3x5xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @gemm_rank(%a: tensor<2x3x1xf32>, %b: tensor<3x4xf32>) {
  %n = onnx.NoValue
  // expected-error@+1 {{wants matrices, got shapes 2x3x1 and 3x4}}
  %0 = onnx.Gemm %a, %b, %n : (tensor<2x3x1xf32>, tensor<3x4xf32>, none) -> tensor<*xf32>
  return
}

// -----

func.func @gemm_inner(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>) {
  %n = onnx.NoValue
  // expected-error@+1 {{contracts 2 elements of A with 3 of B}}
  %0 = onnx.Gemm %a, %b, %n {transA = 1 : si64} : (tensor<2x3xf32>, tensor<3x4xf32>, none) -> tensor<*xf32>
  return
}

// -----

func.func @gemm_bias(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>, %c: tensor<5xf32>) {
  // expected-error@+1 {{cannot add a C of shape 5 to 2x4}}
  %0 = onnx.Gemm %a, %b, %c : (tensor<2x3xf32>, tensor<3x4xf32>, tensor<5xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @einsum_terms(%a: tensor<2x3xf32>) {
  // expected-error@+1 {{equation 'ij,jk->ik' does not fit operands of rank 2}}
  %0 = onnx.Einsum %a {equation = "ij,jk->ik"} : (tensor<2x3xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @einsum_sizes(%a: tensor<2x3xf32>, %b: tensor<4x5xf32>) {
  // expected-error@+1 {{'j' stands for both 3 and 4}}
  %0 = onnx.Einsum %a, %b {equation = "ij,jk->ik"} : (tensor<2x3xf32>, tensor<4x5xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @conv_rank(%x: tensor<1x2xf32>, %w: tensor<3x2xf32>) {
  %n = onnx.NoValue
  // expected-error@+1 {{wants X and W of one rank of 3 or more, got 2 and 2}}
  %0 = onnx.Conv %x, %w, %n : (tensor<1x2xf32>, tensor<3x2xf32>, none) -> tensor<*xf32>
  return
}

// -----

func.func @conv_channels(%x: tensor<1x4x8xf32>, %w: tensor<3x4x3xf32>) {
  %n = onnx.NoValue
  // expected-error@+1 {{4 channels in and 3 out do not fit 2 groups of 4}}
  %0 = onnx.Conv %x, %w, %n {group = 2 : si64} : (tensor<1x4x8xf32>, tensor<3x4x3xf32>, none) -> tensor<*xf32>
  return
}

// -----

func.func @conv_kernel(%x: tensor<1x4x2xf32>, %w: tensor<3x4x5xf32>) {
  %n = onnx.NoValue
  // expected-error@+1 {{kernel 5 with these strides and pads does not fit an input of 2}}
  %0 = onnx.Conv %x, %w, %n : (tensor<1x4x2xf32>, tensor<3x4x5xf32>, none) -> tensor<*xf32>
  return
}

// -----

func.func @attention_rank(%q: tensor<2x4xf32>) {
  %n = onnx.NoValue
  // expected-error@+1 {{wants Q, K and V of rank 3 or 4, got ranks 2, 2, 2}}
  %0:4 = onnx.Attention %q, %q, %q, %n, %n, %n, %n
       : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, none, none, none, none) -> (tensor<*xf32>, none, none, none)
  return
}

// -----

func.func @attention_heads(%q: tensor<1x4x9xf32>) {
  %n = onnx.NoValue
  // expected-error@+1 {{head counts do not divide widths 9, 9 and 9}}
  %0:4 = onnx.Attention %q, %q, %q, %n, %n, %n, %n {q_num_heads = 2 : si64, kv_num_heads = 2 : si64}
       : (tensor<1x4x9xf32>, tensor<1x4x9xf32>, tensor<1x4x9xf32>, none, none, none, none) -> (tensor<*xf32>, none, none, none)
  return
}

// -----

func.func @attention_sizes(%q: tensor<1x2x4x8xf32>, %k: tensor<1x2x4x6xf32>) {
  %n = onnx.NoValue
  // expected-error@+1 {{Q 1x2x4x8, K 1x2x4x6 and V 1x2x4x6 do not fit together}}
  %0:4 = onnx.Attention %q, %k, %k, %n, %n, %n, %n
       : (tensor<1x2x4x8xf32>, tensor<1x2x4x6xf32>, tensor<1x2x4x6xf32>, none, none, none, none) -> (tensor<*xf32>, none, none, none)
  return
}

// -----

func.func @attention_mask(%q: tensor<1x2x4x8xf32>, %m: tensor<6x6xf32>) {
  %n = onnx.NoValue
  // expected-error@+1 {{a mask of shape 6x6 does not fit scores of 1x2x4x4}}
  %0:4 = onnx.Attention %q, %q, %q, %m, %n, %n, %n
       : (tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<6x6xf32>, none, none, none) -> (tensor<*xf32>, none, none, none)
  return
}

// -----

func.func @rotary_positions(%x: tensor<1x2x4x8xf32>, %t: tensor<9x4xf32>, %i: tensor<1x6xi64>) {
  // expected-error@+1 {{positions of shape 1x6 do not fit [B, n] = 1x4}}
  %0 = onnx.RotaryEmbedding %x, %t, %t, %i
       : (tensor<1x2x4x8xf32>, tensor<9x4xf32>, tensor<9x4xf32>, tensor<1x6xi64>) -> tensor<1x2x4x8xf32>
  return
}

// -----

func.func @attention_elements(%q: tensor<1x2x4x8xi64>) {
  %n = onnx.NoValue
  // expected-error@+1 {{wants floats, got elements of type i64}}
  %0:4 = onnx.Attention %q, %q, %q, %n, %n, %n, %n
       : (tensor<1x2x4x8xi64>, tensor<1x2x4x8xi64>, tensor<1x2x4x8xi64>, none, none, none, none) -> (tensor<*xi64>, none, none, none)
  return
}

// -----

func.func @attention_mask_elements(%q: tensor<1x2x4x8xf32>, %m: tensor<4x4xi64>) {
  %n = onnx.NoValue
  // expected-error@+1 {{wants a mask of f32 or booleans, got i64}}
  %0:4 = onnx.Attention %q, %q, %q, %m, %n, %n, %n
       : (tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<4x4xi64>, none, none, none) -> (tensor<*xf32>, none, none, none)
  return
}

// -----

func.func @attention_lengths(%q: tensor<1x2x4x8xf32>, %l: tensor<2xi64>) {
  %n = onnx.NoValue
  // expected-error@+1 {{wants one number of keys for each of 1 sequences}}
  %0:4 = onnx.Attention %q, %q, %q, %n, %n, %n, %l
       : (tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, none, none, none, tensor<2xi64>) -> (tensor<*xf32>, none, none, none)
  return
}

// -----

func.func @rotary_rank(%x: tensor<1x4x8xf32>, %t: tensor<1x4x4xf32>) {
  %n = onnx.NoValue
  // expected-error@+1 {{wants [B, heads, n, d] or num_heads, got shape 1x4x8 and 0 heads}}
  %0 = onnx.RotaryEmbedding %x, %t, %t, %n : (tensor<1x4x8xf32>, tensor<1x4x4xf32>, tensor<1x4x4xf32>, none) -> tensor<*xf32>
  return
}

// -----

func.func @rotary_table(%x: tensor<1x2x4x8xf32>, %t: tensor<1x4x3xf32>) {
  %n = onnx.NoValue
  // expected-error@+1 {{a table of shape 1x4x3 does not turn 8 of 8 features}}
  %0 = onnx.RotaryEmbedding %x, %t, %t, %n : (tensor<1x2x4x8xf32>, tensor<1x4x3xf32>, tensor<1x4x3xf32>, none) -> tensor<*xf32>
  return
}

// -----

func.func @broadcast(%a: tensor<2x3xf32>, %b: tensor<4xf32>) {
  // expected-error@+1 {{shapes 2x3 and 4 do not broadcast}}
  %0 = onnx.Add %a, %b : (tensor<2x3xf32>, tensor<4xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @element_types(%a: tensor<2xf32>, %b: tensor<2xf16>) {
  // expected-error@+1 {{operands have element types f32 and f16}}
  %0 = onnx.Mul %a, %b : (tensor<2xf32>, tensor<2xf16>) -> tensor<2xf32>
  return
}

// -----

func.func @booleans(%a: tensor<2xf32>) {
  // expected-error@+1 {{wants booleans, got elements of type f32}}
  %0 = onnx.Not %a : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @comparison_result(%a: tensor<2xf32>) {
  // expected-error@+1 {{gives 'tensor<2xi1>' as result 0, but it is of type 'tensor<2xf32>'}}
  %0 = onnx.Less %a, %a : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @gelu_form(%a: tensor<2xf32>) {
  // expected-error@+1 {{approximate is 'none' or 'tanh', not 'quick'}}
  %0 = onnx.Gelu %a {approximate = "quick"} : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @clip_bounds(%a: tensor<2xf32>) {
  %n = onnx.NoValue
  // expected-error@+1 {{wants scalar bounds, got shape 2}}
  %0 = onnx.Clip %a, %a, %n : (tensor<2xf32>, tensor<2xf32>, none) -> tensor<2xf32>
  return
}

// -----

func.func @constant_type() {
  // expected-error@+1 {{failed to verify that all of {value, output} have same type}}
  %0 = "onnx.Constant"() {value = dense<1.0> : tensor<2xf32>} : () -> tensor<3xf32>
  return
}

// -----

func.func @reshape_count(%x: tensor<2x6xf32>) {
  %s = onnx.Constant dense<[5, -1]> : tensor<2xi64>
  // expected-error@+1 {{cannot give a tensor of shape 2x6 the shape 5x-1}}
  %0 = onnx.Reshape %x, %s : (tensor<2x6xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @transpose_perm(%x: tensor<2x6xf32>) {
  // expected-error@+1 {{perm 1x1 does not permute 2 dimensions}}
  %0 = onnx.Transpose %x {perm = [1, 1]} : (tensor<2x6xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @squeeze_size(%x: tensor<2x6xf32>) {
  %a = onnx.Constant dense<1> : tensor<1xi64>
  // expected-error@+1 {{cannot remove dimension 1 of size 6}}
  %0 = onnx.Squeeze %x, %a : (tensor<2x6xf32>, tensor<1xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @unsqueeze_axes(%x: tensor<2x6xf32>) {
  %a = onnx.Constant dense<[0, -4]> : tensor<2xi64>
  // expected-error@+1 {{axes 0x-4 are not dimensions of a result of rank 4}}
  %0 = onnx.Unsqueeze %x, %a : (tensor<2x6xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @flatten_axis(%x: tensor<2x6xf32>) {
  // expected-error@+1 {{axis 3 is outside a tensor of rank 2}}
  %0 = onnx.Flatten %x {axis = 3 : si64} : (tensor<2x6xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @expand(%x: tensor<2x6xf32>) {
  %s = onnx.Constant dense<[2, 5]> : tensor<2xi64>
  // expected-error@+1 {{cannot expand shape 2x6 to 2x5}}
  %0 = onnx.Expand %x, %s : (tensor<2x6xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @tile(%x: tensor<2x6xf32>) {
  %r = onnx.Constant dense<2> : tensor<3xi64>
  // expected-error@+1 {{cannot repeat a tensor of shape 2x6 by 2x2x2}}
  %0 = onnx.Tile %x, %r : (tensor<2x6xf32>, tensor<3xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @concat(%a: tensor<2x6xf32>, %b: tensor<3x6xf32>) {
  // expected-error@+1 {{shapes 2x6 and 3x6 differ outside axis 1}}
  %0 = onnx.Concat %a, %b {axis = 1 : si64} : (tensor<2x6xf32>, tensor<3x6xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @split(%x: tensor<2x6xf32>) {
  %s = onnx.Constant dense<[2, 3]> : tensor<2xi64>
  // expected-error@+1 {{sizes 2x3 do not cut 6 elements into 2 parts}}
  %0:2 = onnx.Split %x, %s {axis = 1 : si64, num_outputs = 2 : si64} : (tensor<2x6xf32>, tensor<2xi64>) -> (tensor<*xf32>, tensor<*xf32>)
  return
}

// -----

func.func @slice_step(%x: tensor<2x6xf32>) {
  %c = onnx.Constant dense<0> : tensor<1xi64>
  // expected-error@+1 {{axes 0 and steps 0 do not slice a tensor of shape 2x6}}
  %0 = onnx.Slice %x, %c, %c, %c, %c : (tensor<2x6xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @gather_axis(%x: tensor<2x6xf32>, %i: tensor<3xi64>) {
  // expected-error@+1 {{axis 2 is outside a tensor of rank 2}}
  %0 = onnx.Gather %x, %i {axis = 2 : si64} : (tensor<2x6xf32>, tensor<3xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @gather_elements(%x: tensor<2x6xf32>, %i: tensor<3x6xi64>) {
  // expected-error@+1 {{indices of shape 3x6 exceed data of shape 2x6}}
  %0 = onnx.GatherElements %x, %i {axis = 1 : si64} : (tensor<2x6xf32>, tensor<3x6xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @gather_nd(%x: tensor<2x6xf32>, %i: tensor<3x3xi64>) {
  // expected-error@+1 {{indices of shape 3x3 do not point into data of shape 2x6}}
  %0 = onnx.GatherND %x, %i : (tensor<2x6xf32>, tensor<3x3xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @scatter_nd(%x: tensor<2x6xf32>, %i: tensor<3x1xi64>) {
  // expected-error@+1 {{updates have shape 2x6, but indices point at 3x6}}
  %0 = onnx.ScatterND %x, %i, %x : (tensor<2x6xf32>, tensor<3x1xi64>, tensor<2x6xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @pad_mode(%x: tensor<2x6xf32>, %p: tensor<4xi64>) {
  %n = onnx.NoValue
  // expected-error@+1 {{mode is 'constant', 'reflect', 'edge' or 'wrap', not 'mirror'}}
  %0 = onnx.Pad %x, %p, %n, %n {mode = "mirror"} : (tensor<2x6xf32>, tensor<4xi64>, none, none) -> tensor<*xf32>
  return
}

// -----

func.func @pad_cut(%x: tensor<2x6xf32>) {
  %n = onnx.NoValue
  %p = onnx.Constant dense<[-2, 0, -1, 0]> : tensor<4xi64>
  // expected-error@+1 {{pads leave -1 elements of axis 0}}
  %0 = onnx.Pad %x, %p, %n, %n : (tensor<2x6xf32>, tensor<4xi64>, none, none) -> tensor<*xf32>
  return
}

// -----

func.func @trilu(%x: tensor<6xf32>) {
  %n = onnx.NoValue
  // expected-error@+1 {{wants matrices, got shape 6}}
  %0 = onnx.Trilu %x, %n : (tensor<6xf32>, none) -> tensor<6xf32>
  return
}

// -----

func.func @range_step() {
  %z = onnx.Constant dense<0> : tensor<i64>
  // expected-error@+1 {{counts by 0}}
  %0 = onnx.Range %z, %z, %z : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<*xi64>
  return
}

// -----

func.func @constant_of_shape() {
  %s = onnx.Constant dense<[2, -3]> : tensor<2xi64>
  // expected-error@+1 {{cannot make a tensor of shape 2x-3}}
  %0 = onnx.ConstantOfShape %s : (tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @softmax_axis(%x: tensor<2x6xf32>) {
  // expected-error@+1 {{axis -3 is outside a tensor of rank 2}}
  %0 = onnx.Softmax %x {axis = -3 : si64} : (tensor<2x6xf32>) -> tensor<2x6xf32>
  return
}

// -----

func.func @layer_norm_scale(%x: tensor<2x6xf32>, %g: tensor<5xf32>) {
  %n = onnx.NoValue
  // expected-error@+1 {{a scale of shape 5 does not broadcast to 2x6}}
  %0:3 = onnx.LayerNormalization %x, %g, %n : (tensor<2x6xf32>, tensor<5xf32>, none) -> (tensor<2x6xf32>, none, none)
  return
}

// -----

func.func @batch_norm_channels(%x: tensor<2x6x3xf32>, %g: tensor<3xf32>) {
  // expected-error@+1 {{a scale of shape 3 does not fit 6 channels}}
  %0 = onnx.BatchNormalization %x, %g, %g, %g, %g
     : (tensor<2x6x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x6x3xf32>
  return
}

// -----

func.func @reduce_axes(%x: tensor<2x6xf32>) {
  %a = onnx.Constant dense<[0, -2]> : tensor<2xi64>
  // expected-error@+1 {{axes 0x-2 are not dimensions of a tensor of rank 2}}
  %0 = onnx.ReduceMean %x, %a : (tensor<2x6xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @arg_max_axis(%x: tensor<2x6xf32>) {
  // expected-error@+1 {{axis 2 is outside a tensor of rank 2}}
  %0 = onnx.ArgMax %x {axis = 2 : si64} : (tensor<2x6xf32>) -> tensor<*xi64>
  return
}

// -----

func.func @pool_spatial(%x: tensor<2x6xf32>) {
  // expected-error@+1 {{wants spatial dimensions after batch and channel, got shape 2x6}}
  %0 = onnx.MaxPool %x {kernel_shape = [2]} : (tensor<2x6xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @quantize_scale(%x: tensor<2x3xf32>, %s: tensor<2xf32>) {
  %n = onnx.NoValue
  // expected-error@+1 {{a scale of shape 2 does not fit 2x3 along axis 1}}
  %0 = onnx.QuantizeLinear %x, %s, %n : (tensor<2x3xf32>, tensor<2xf32>, none) -> tensor<2x3xui8>
  return
}

// -----

func.func @quantize_grid(%x: tensor<2x3xf32>, %s: tensor<f32>, %z: tensor<i32>) {
  // expected-error@+1 {{quantizes to i32, which is no grid}}
  %0 = onnx.QuantizeLinear %x, %s, %z : (tensor<2x3xf32>, tensor<f32>, tensor<i32>) -> tensor<2x3xi32>
  return
}

// -----

func.func @dequantize_zero(%x: tensor<2x3xi8>, %s: tensor<3xf32>, %z: tensor<2xi8>) {
  // expected-error@+1 {{has a scale of shape 3, but a zero point of shape 2}}
  %0 = onnx.DequantizeLinear %x, %s, %z : (tensor<2x3xi8>, tensor<3xf32>, tensor<2xi8>) -> tensor<2x3xf32>
  return
}

// -----

func.func @dynamic_quantize_type(%x: tensor<2x3xf16>) {
  // expected-error@+1 {{wants f32, got elements of type f16}}
  %0, %1, %2 = onnx.DynamicQuantizeLinear %x : (tensor<2x3xf16>) -> (tensor<2x3xui8>, tensor<f16>, tensor<ui8>)
  return
}

// -----

func.func @matmul_integer_type(%a: tensor<2x3xi16>, %b: tensor<3x4xi8>) {
  %n = onnx.NoValue
  // expected-error@+1 {{multiplies bytes, got elements of type i16}}
  %0 = onnx.MatMulInteger %a, %b, %n, %n : (tensor<2x3xi16>, tensor<3x4xi8>, none, none) -> tensor<2x4xi32>
  return
}

// -----

func.func @matmul_integer_zero(%a: tensor<2x3xi8>, %b: tensor<3x4xi8>, %z: tensor<3xi8>) {
  %n = onnx.NoValue
  // expected-error@+1 {{a zero point of shape 3 does not fit 2x3}}
  %0 = onnx.MatMulInteger %a, %b, %z, %n : (tensor<2x3xi8>, tensor<3x4xi8>, tensor<3xi8>, none) -> tensor<2x4xi32>
  return
}

// -----

func.func @scatter_elements_shapes(%x: tensor<2x6xf32>, %i: tensor<2x3xi64>, %u: tensor<2x4xf32>) {
  // expected-error@+1 {{indices have shape 2x3, updates 2x4, data 2x6}}
  %0 = onnx.ScatterElements %x, %i, %u {axis = 1 : si64} : (tensor<2x6xf32>, tensor<2x3xi64>, tensor<2x4xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @scatter_elements_beyond(%x: tensor<2x6xf32>, %i: tensor<3x4xi64>, %u: tensor<3x4xf32>) {
  // expected-error@+1 {{indices of shape 3x4 exceed data of shape 2x6}}
  %0 = onnx.ScatterElements %x, %i, %u {axis = 1 : si64} : (tensor<2x6xf32>, tensor<3x4xi64>, tensor<3x4xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @top_k_count(%x: tensor<2x6xf32>) {
  %k = onnx.Constant dense<7> : tensor<1xi64>
  // expected-error@+1 {{K is 7, but axis 1 has 6 entries}}
  %0, %1 = onnx.TopK %x, %k : (tensor<2x6xf32>, tensor<1xi64>) -> (tensor<*xf32>, tensor<*xi64>)
  return
}
