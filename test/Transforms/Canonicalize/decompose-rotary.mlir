// RUN: weir-opt %s --weir-canonicalize --split-input-file | FileCheck %s
// RUN: weir-opt %s --weir-canonicalize --split-input-file -o /dev/null \
// RUN:   --remarks-filter=weir --remark-format=emitRemark --verify-diagnostics

// Features of one half turn with those of the other, alike in all heads.
// CHECK-LABEL: func @halves(
// CHECK-SAME:    %[[X:.*]]: tensor<1x2x5x4xf32>, %[[COS:.*]]: tensor<1x5x2xf32>, %[[SIN:.*]]: tensor<1x5x2xf32>
// CHECK:         %[[C:.*]] = onnx.Reshape %[[COS]], %{{.*}} -> tensor<1x1x5x2xf32>
// CHECK:         %[[S:.*]] = onnx.Reshape %[[SIN]]
// CHECK:         %[[A:.*]] = onnx.Slice %[[X]]
// CHECK:         %[[B:.*]] = onnx.Slice %[[X]]
// CHECK:         %[[AC:.*]] = onnx.Mul %[[A]], %[[C]]
// CHECK:         %[[BS:.*]] = onnx.Mul %[[B]], %[[S]]
// CHECK:         %[[Y1:.*]] = onnx.Sub %[[AC]], %[[BS]]
// CHECK:         %[[AS:.*]] = onnx.Mul %[[A]], %[[S]]
// CHECK:         %[[BC:.*]] = onnx.Mul %[[B]], %[[C]]
// CHECK:         %[[Y2:.*]] = onnx.Add %[[AS]], %[[BC]]
// CHECK:         onnx.Concat %[[Y1]], %[[Y2]] {axis = -1
func.func @halves(%x: tensor<1x2x5x4xf32>, %cos: tensor<1x5x2xf32>, %sin: tensor<1x5x2xf32>)
    -> tensor<1x2x5x4xf32> {
  %n = onnx.NoValue
  %0 = onnx.RotaryEmbedding %x, %cos, %sin, %n
     : (tensor<1x2x5x4xf32>, tensor<1x5x2xf32>, tensor<1x5x2xf32>, none) -> tensor<1x2x5x4xf32>
  return %0 : tensor<1x2x5x4xf32>
}

// -----

// Neighbours turn together, at the positions given; features behind them pass.
// CHECK-LABEL: func @neighbours(
// CHECK-SAME:    %[[X:.*]]: tensor<1x5x12xf32>, %[[COS:.*]]: tensor<7x2xf32>, %[[SIN:.*]]: tensor<7x2xf32>, %[[IDS:.*]]: tensor<1x5xi64>
// CHECK:         %[[HEADS:.*]] = onnx.Reshape %[[X]], %{{.*}} -> tensor<1x5x2x6xf32>
// CHECK:         onnx.Gather %[[COS]], %[[IDS]]
// CHECK:         onnx.Gather %[[SIN]], %[[IDS]]
// CHECK:         %[[TURNED:.*]] = onnx.Slice %[[HEADS]], %{{.*}} -> tensor<1x5x2x4xf32>
// CHECK:         onnx.Reshape %[[TURNED]], %{{.*}} -> tensor<1x5x2x2x2xf32>
// CHECK:         %[[PAIRS:.*]] = onnx.Concat {{.*}} -> tensor<1x5x2x2x2xf32>
// CHECK:         %[[BACK:.*]] = onnx.Reshape %[[PAIRS]], %{{.*}} -> tensor<1x5x2x4xf32>
// CHECK:         %[[REST:.*]] = onnx.Slice %[[HEADS]], %{{.*}} -> tensor<1x5x2x2xf32>
// CHECK:         onnx.Concat %[[BACK]], %[[REST]] {axis = -1
func.func @neighbours(%x: tensor<1x5x12xf32>, %cos: tensor<7x2xf32>, %sin: tensor<7x2xf32>,
                      %ids: tensor<1x5xi64>) -> tensor<1x5x12xf32> {
  %0 = onnx.RotaryEmbedding %x, %cos, %sin, %ids {interleaved = 1 : si64, num_heads = 2 : si64, rotary_embedding_dim = 4 : si64}
     : (tensor<1x5x12xf32>, tensor<7x2xf32>, tensor<7x2xf32>, tensor<1x5xi64>) -> tensor<1x5x12xf32>
  return %0 : tensor<1x5x12xf32>
}

// -----

// The shape of the parts follows from the shape of the tables.
// CHECK-LABEL: func @unknown_shape(
// CHECK:         onnx.RotaryEmbedding
func.func @unknown_shape(%x: tensor<1x2x5x4xf32>, %table: tensor<*xf32>) -> tensor<*xf32> {
  %n = onnx.NoValue
  // expected-remark@+1 {{stays whole: not all shapes are known}}
  %0 = onnx.RotaryEmbedding %x, %table, %table, %n
     : (tensor<1x2x5x4xf32>, tensor<*xf32>, tensor<*xf32>, none) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}
