// RUN: weir-opt %s --weir-canonicalize --split-input-file | FileCheck %s
// RUN: weir-opt %s --weir-canonicalize --split-input-file -o /dev/null \
// RUN:   --remarks-filter=weir --remark-format=emitRemark --verify-diagnostics

// Rank 4: scale, scores, softmax, values.
// CHECK-LABEL: func @plain(
// CHECK-SAME:    %[[Q:.*]]: tensor<1x2x3x4xf32>, %[[K:.*]]: tensor<1x2x5x4xf32>, %[[V:.*]]: tensor<1x2x5x6xf32>
// CHECK-NEXT:    %[[C:.*]] = onnx.Constant dense<5.000000e-01> : tensor<f32>
// CHECK-NEXT:    %[[QS:.*]] = onnx.Mul %[[Q]], %[[C]]
// CHECK-NEXT:    %[[KT:.*]] = onnx.Transpose %[[K]] {perm = [0, 1, 3, 2]}
// CHECK-NEXT:    %[[S:.*]] = onnx.MatMul %[[QS]], %[[KT]]
// CHECK-NEXT:    %[[P:.*]] = onnx.Softmax %[[S]]
// CHECK-NEXT:    onnx.MatMul %[[P]], %[[V]]
func.func @plain(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x5x4xf32>, %v: tensor<1x2x5x6xf32>) -> tensor<1x2x3x6xf32> {
  %n = onnx.NoValue
  %y:4 = onnx.Attention %q, %k, %v, %n, %n, %n, %n
       : (tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x6xf32>, none, none, none, none)
       -> (tensor<1x2x3x6xf32>, none, none, none)
  return %y#0 : tensor<1x2x3x6xf32>
}

// -----

// Rank 3, causal: heads are split and joined; the mask keeps each row a key, so that no
// guard against NaN is needed.
// CHECK-LABEL: func @causal(
// CHECK-DAG:     %[[M:.*]] = onnx.Constant dense<{{\[\[}}0.000000e+00, 0xFF800000], [0.000000e+00, 0.000000e+00]]>
// CHECK:         onnx.Transpose %{{.*}} {perm = [0, 2, 1, 3]}
// CHECK:         onnx.Add %{{.*}}, %[[M]]
// CHECK-NEXT:    onnx.Softmax
// CHECK-NEXT:    onnx.MatMul
// CHECK-NEXT:    onnx.Transpose %{{.*}} {perm = [0, 2, 1, 3]}
// CHECK-NEXT:    onnx.Reshape %{{.*}} -> tensor<1x2x8xf32>
func.func @causal(%x: tensor<1x2x8xf32>) -> tensor<1x2x8xf32> {
  %n = onnx.NoValue
  %y:4 = onnx.Attention %x, %x, %x, %n, %n, %n, %n
         {is_causal = 1 : si64, q_num_heads = 2 : si64, kv_num_heads = 2 : si64}
       : (tensor<1x2x8xf32>, tensor<1x2x8xf32>, tensor<1x2x8xf32>, none, none, none, none)
       -> (tensor<1x2x8xf32>, none, none, none)
  return %y#0 : tensor<1x2x8xf32>
}

// -----

// Grouped heads share keys and values by broadcasting; a row without a key gives 0.
// CHECK-LABEL: func @grouped(
// CHECK-SAME:    %{{.*}}: tensor<1x4x3x8xf32>, %{{.*}}: tensor<1x2x5x8xf32>, %[[B:.*]]: tensor<1x4x3x5xi1>
// CHECK-DAG:     %[[W:.*]] = onnx.Where %[[B]]
// CHECK-DAG:     onnx.Reshape %[[W]], %{{.*}} -> tensor<1x2x2x3x5xf32>
// CHECK-DAG:     onnx.MatMul %{{.*}} (tensor<1x2x2x3x8xf32>, tensor<1x2x1x8x5xf32>) -> tensor<1x2x2x3x5xf32>
// CHECK:         %[[P:.*]] = onnx.Softmax
// CHECK:         %[[N:.*]] = onnx.IsNaN %[[P]]
// CHECK:         onnx.Where %[[N]], %{{.*}}, %[[P]]
// CHECK:         onnx.MatMul %{{.*}} (tensor<1x2x2x3x5xf32>, tensor<1x2x1x5x8xf32>) -> tensor<1x2x2x3x8xf32>
func.func @grouped(%q: tensor<1x4x3x8xf32>, %k: tensor<1x2x5x8xf32>, %m: tensor<1x4x3x5xi1>) -> tensor<1x4x3x8xf32> {
  %n = onnx.NoValue
  // expected-remark@+1 {{keeps the NaN guard}}
  %y:4 = onnx.Attention %q, %k, %k, %m, %n, %n, %n
       : (tensor<1x4x3x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>, tensor<1x4x3x5xi1>, none, none, none)
       -> (tensor<1x4x3x8xf32>, none, none, none)
  return %y#0 : tensor<1x4x3x8xf32>
}

// -----

// Without a past the present keys are those that came in, and scores come out of any stage
// (2: after the mask); a mask hides the keys that it does not reach.
// CHECK-LABEL: func @results(
// CHECK-SAME:    %[[Q:.*]]: tensor<1x2x3x4xf32>, %[[K:.*]]: tensor<1x2x5x4xf32>, %[[M:.*]]: tensor<3x4xf32>
// CHECK-DAG:     %[[H:.*]] = onnx.Constant dense<0xFF800000> : tensor<3x1xf32>
// CHECK-DAG:     %[[ALL:.*]] = onnx.Concat %[[M]], %[[H]] {axis = -1 : si64}
// CHECK:         %[[S:.*]] = onnx.Add %{{.*}}, %[[ALL]]
// CHECK-NEXT:    %[[P:.*]] = onnx.Softmax %[[S]]
// CHECK:         return %{{.*}}, %[[K]], %[[S]]
func.func @results(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x5x4xf32>, %m: tensor<3x4xf32>)
    -> (tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x3x5xf32>) {
  %n = onnx.NoValue
  // expected-remark@+1 {{keeps the NaN guard}}
  %y:4 = onnx.Attention %q, %k, %k, %m, %n, %n, %n {qk_matmul_output_mode = 2 : si64}
       : (tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>, tensor<3x4xf32>, none, none, none)
       -> (tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>, none, tensor<1x2x3x5xf32>)
  return %y#0, %y#1, %y#3 : tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x3x5xf32>
}

// -----

// Each sequence has its own number of keys, of which the queries are the last.
// CHECK-LABEL: func @lengths(
// CHECK-SAME:    %[[Q:.*]]: tensor<2x2x3x4xf32>, %{{.*}}: tensor<2x2x5x4xf32>, %[[L:.*]]: tensor<2xi64>
// CHECK:         %[[E:.*]] = onnx.Reshape %[[L]]
// CHECK:         %[[V:.*]] = onnx.Less %{{.*}}, %[[E]]
// CHECK:         %[[C:.*]] = onnx.LessOrEqual
// CHECK:         %[[A:.*]] = onnx.And %[[V]], %[[C]]
// CHECK:         onnx.Where %[[A]]
func.func @lengths(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x5x4xf32>, %l: tensor<2xi64>) -> tensor<2x2x3x4xf32> {
  %n = onnx.NoValue
  // expected-remark@+1 {{keeps the NaN guard}}
  %y:4 = onnx.Attention %q, %k, %k, %n, %n, %n, %l {is_causal = 1 : si64}
       : (tensor<2x2x3x4xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32>, none, none, none, tensor<2xi64>)
       -> (tensor<2x2x3x4xf32>, none, none, none)
  return %y#0 : tensor<2x2x3x4xf32>
}

// -----

// An operator that keeps a cache stays whole.
// CHECK-LABEL: func @cache(
// CHECK:         onnx.Attention
func.func @cache(%q: tensor<1x2x3x4xf32>, %c: tensor<1x2x7x4xf32>) -> tensor<1x2x3x4xf32> {
  %n = onnx.NoValue
  // expected-remark@+1 {{keeps a cache of its own}}
  %y:4 = onnx.Attention %q, %q, %q, %n, %c, %c, %n
       : (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, none, tensor<1x2x7x4xf32>, tensor<1x2x7x4xf32>, none)
       -> (tensor<1x2x3x4xf32>, none, none, none)
  return %y#0 : tensor<1x2x3x4xf32>
}
