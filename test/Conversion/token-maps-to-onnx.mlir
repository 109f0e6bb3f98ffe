// RUN: weir-opt %s --convert-token-maps-to-onnx | FileCheck %s

// A transform is a product with its matrix; tokens may stand in any dimension.
// CHECK-LABEL: func @forward(
// CHECK-SAME:    %[[X:.*]]: tensor<2x2x3xf32>
// CHECK:         %[[D:.*]] = onnx.Constant dense<0.707106769> : tensor<1x2xf32>
// CHECK:         %[[Y:.*]] = onnx.MatMul %[[D]], %[[X]]
// CHECK-NEXT:    return %[[Y]]
func.func @forward(%x: tensor<2x2x3xf32>) -> tensor<2x1x3xf32> {
  %0 = weir.dct %x {dim = 1} : tensor<2x2x3xf32> -> tensor<2x1x3xf32>
  return %0 : tensor<2x1x3xf32>
}

// Tokens first: what follows them is one row each.
// CHECK-LABEL: func @tokens_first(
// CHECK-SAME:    %[[X:.*]]: tensor<1x2x3xf32>
// CHECK-DAG:     %[[D:.*]] = onnx.Constant dense<0.707106769> : tensor<2x1xf32>
// CHECK-DAG:     %[[ROWS:.*]] = onnx.Reshape %[[X]], {{.*}} -> tensor<1x6xf32>
// CHECK:         %[[Y:.*]] = onnx.MatMul %[[D]], %[[ROWS]]
// CHECK:         onnx.Reshape %[[Y]], {{.*}} -> tensor<2x2x3xf32>
func.func @tokens_first(%x: tensor<1x2x3xf32>) -> tensor<2x2x3xf32> {
  %0 = weir.idct %x {dim = 0} : tensor<1x2x3xf32> -> tensor<2x2x3xf32>
  return %0 : tensor<2x2x3xf32>
}

// Of an inverse transform only the rows that are taken are made.
// CHECK-LABEL: func @last_token(
// CHECK-SAME:    %[[X:.*]]: tensor<2x3xf32>
// CHECK-DAG:     %[[D:.*]] = onnx.Constant dense<{{\[\[}}0.707106769, -0.707106769]]> : tensor<1x2xf32>
// CHECK:         %[[Y:.*]] = onnx.MatMul %[[D]], %[[X]]
// CHECK-NEXT:    return %[[Y]]
func.func @last_token(%x: tensor<2x3xf32>) -> tensor<1x3xf32> {
  %0 = weir.idct %x {dim = 0} : tensor<2x3xf32> -> tensor<2x3xf32>
  %1 = weir.select_rows %0 {dim = 0, inner = 1, extent = 2, indices = array<i64: 1>}
    : tensor<2x3xf32> -> tensor<1x3xf32>
  return %1 : tensor<1x3xf32>
}

// Somebody else wants them all.
// CHECK-LABEL: func @all_tokens(
// CHECK:         onnx.MatMul
// CHECK:         weir.select_rows
func.func @all_tokens(%x: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<1x3xf32>) {
  %0 = weir.idct %x {dim = 0} : tensor<2x3xf32> -> tensor<2x3xf32>
  %1 = weir.select_rows %0 {dim = 0, inner = 1, extent = 2, indices = array<i64: 1>}
    : tensor<2x3xf32> -> tensor<1x3xf32>
  return %0, %1 : tensor<2x3xf32>, tensor<1x3xf32>
}

// Means of 5 tokens in 3 blocks: two of 2 tokens, then one of 1.
// CHECK-LABEL: func @pool(
// CHECK-SAME:    %[[X:.*]]: tensor<5x4xf32>
// CHECK:         %[[C:.*]] = onnx.Slice %[[X]], {{.*}} -> tensor<1x4xf32>
// CHECK:         %[[LAST:.*]] = onnx.ReduceMean {{.*}} -> tensor<1x4xf32>
// CHECK:         %[[A:.*]] = onnx.Slice %[[X]], {{.*}} -> tensor<4x4xf32>
// CHECK:         %[[B:.*]] = onnx.Reshape %[[A]], {{.*}} -> tensor<2x2x4xf32>
// CHECK:         %[[FIRST:.*]] = onnx.ReduceMean %[[B]], {{.*}} -> tensor<2x4xf32>
// CHECK:         onnx.Concat %[[FIRST]], %[[LAST]]
func.func @pool(%x: tensor<5x4xf32>) -> tensor<3x4xf32> {
  %0 = weir.pool %x {dim = 0} : tensor<5x4xf32> -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// A map of a constant is a constant.
// CHECK-LABEL: func @constant(
// CHECK-NOT:     onnx.MatMul
func.func @constant() -> tensor<1x2xf32> {
  %c = onnx.Constant dense<1.0> : tensor<4x2xf32>
  %0 = weir.dct %c {dim = 0} : tensor<4x2xf32> -> tensor<1x2xf32>
  return %0 : tensor<1x2xf32>
}

// Many tokens go through two products of shorter rows; frequencies are put in order.
// CHECK-LABEL: func @stages(
// CHECK-SAME:    %[[X:.*]]: tensor<512x4xf32>
// CHECK:         %[[A:.*]] = onnx.Reshape %[[X]], {{.*}} -> tensor<16x128xf32>
// CHECK:         %[[S:.*]] = onnx.MatMul %{{.*}}, %[[A]] : (tensor<34x16xf32>, tensor<16x128xf32>)
// CHECK:         %[[B:.*]] = onnx.Reshape %[[S]], {{.*}} -> tensor<17x64x4xf32>
// CHECK:         %[[T:.*]] = onnx.MatMul %{{.*}}, %[[B]] : (tensor<17x8x64xf32>, tensor<17x64x4xf32>)
// CHECK:         %[[C:.*]] = onnx.Reshape %[[T]], {{.*}} -> tensor<136x4xf32>
// CHECK:         onnx.Gather %[[C]], {{.*}} -> tensor<128x4xf32>
func.func @stages(%x: tensor<512x4xf32>) -> tensor<128x4xf32> {
  %0 = weir.dct %x {dim = 0} : tensor<512x4xf32> -> tensor<128x4xf32>
  return %0 : tensor<128x4xf32>
}

// There and back in stages is resampling; a prime number of tokens has no stages.
// CHECK-LABEL: func @edges(
// CHECK-COUNT-4: onnx.MatMul {{.*}} : (tensor<{{[0-9x]+}}xf32>, tensor<{{[0-9x]+}}xf32>)
// CHECK:         onnx.MatMul %{{.*}}, %{{.*}} : (tensor<509x509xf32>, tensor<509x4xf32>)
func.func @edges(%x: tensor<2048x4xf32>, %y: tensor<509x4xf32>) -> (tensor<512x4xf32>, tensor<509x4xf32>) {
  %0 = weir.resample %x {dim = 0} : tensor<2048x4xf32> -> tensor<512x4xf32>
  %1 = weir.dct %y {dim = 0} : tensor<509x4xf32> -> tensor<509x4xf32>
  return %0, %1 : tensor<512x4xf32>, tensor<509x4xf32>
}
