// RUN: weir-opt %s --weir-canonicalize --split-input-file | FileCheck %s
// RUN: weir-opt %s --weir-canonicalize --split-input-file -o /dev/null \
// RUN:   --remarks-filter=weir --remark-format=emitRemark --verify-diagnostics

// Several axes are cut one by one, at positions counted from the front; a whole axis is
// not cut at all.
// CHECK-LABEL: func @several_axes(
// CHECK-DAG:     %[[C1:.*]] = onnx.Constant dense<1> : tensor<1xi64>
// CHECK-DAG:     %[[C2:.*]] = onnx.Constant dense<2> : tensor<1xi64>
// CHECK-DAG:     %[[C3:.*]] = onnx.Constant dense<3> : tensor<1xi64>
// CHECK-DAG:     %[[C5:.*]] = onnx.Constant dense<5> : tensor<1xi64>
// CHECK:         %[[A:.*]] = onnx.Slice %{{.*}}, %[[C1]], %[[C3]], %[[C1]], %{{.*}} -> tensor<4x2x6xf32>
// CHECK-NEXT:    onnx.Slice %[[A]], %[[C3]], %[[C5]], %[[C2]], %{{.*}} -> tensor<4x2x2xf32>
func.func @several_axes(%x: tensor<4x5x6xf32>) -> tensor<4x2x2xf32> {
  %n = onnx.NoValue
  %s = onnx.Constant dense<[0, -3, 1]> : tensor<3xi64>
  %e = onnx.Constant dense<[9223372036854775807, -1, 3]> : tensor<3xi64>
  %a = onnx.Constant dense<[0, 2, -2]> : tensor<3xi64>
  %0 = onnx.Slice %x, %s, %e, %a, %n
     : (tensor<4x5x6xf32>, tensor<3xi64>, tensor<3xi64>, tensor<3xi64>, none) -> tensor<4x2x2xf32>
  return %0 : tensor<4x2x2xf32>
}

// -----

// The parts of a Split are slices.
// CHECK-LABEL: func @split(
// CHECK-DAG:     %[[C0:.*]] = onnx.Constant dense<0> : tensor<1xi64>
// CHECK-DAG:     %[[C1:.*]] = onnx.Constant dense<1> : tensor<1xi64>
// CHECK-DAG:     %[[C4:.*]] = onnx.Constant dense<4> : tensor<1xi64>
// CHECK-DAG:     %[[C7:.*]] = onnx.Constant dense<7> : tensor<1xi64>
// CHECK-DAG:     onnx.Slice %{{.*}}, %[[C0]], %[[C4]], %[[C1]], %{{.*}} -> tensor<2x4xf32>
// CHECK-DAG:     onnx.Slice %{{.*}}, %[[C4]], %[[C7]], %[[C1]], %{{.*}} -> tensor<2x3xf32>
func.func @split(%x: tensor<2x7xf32>) -> (tensor<2x4xf32>, tensor<2x3xf32>) {
  %n = onnx.NoValue
  %0:2 = onnx.Split %x, %n {axis = -1 : si64, num_outputs = 2 : si64}
       : (tensor<2x7xf32>, none) -> (tensor<2x4xf32>, tensor<2x3xf32>)
  return %0#0, %0#1 : tensor<2x4xf32>, tensor<2x3xf32>
}

// -----

// A scalar index is a slice of one position whose dimension goes.
// CHECK-LABEL: func @last_token(
// CHECK:         %[[S:.*]] = onnx.Slice %{{.*}} -> tensor<2x1x8xf32>
// CHECK-NEXT:    onnx.Reshape %[[S]], %{{.*}} -> tensor<2x8xf32>
func.func @last_token(%x: tensor<2x5x8xf32>) -> tensor<2x8xf32> {
  %i = onnx.Constant dense<-1> : tensor<i64>
  %0 = onnx.Gather %x, %i {axis = 1 : si64} : (tensor<2x5x8xf32>, tensor<i64>) -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// -----

// Consecutive indices are a slice; scattered ones and embeddings stay.
// CHECK-LABEL: func @gathers(
// CHECK:         onnx.Slice %{{.*}} -> tensor<3x8xf32>
// CHECK:         onnx.Gather %{{.*}} -> tensor<2x8xf32>
// CHECK:         onnx.Gather %{{.*}} -> tensor<4x2xf32>
func.func @gathers(%x: tensor<5x8xf32>, %ids: tensor<4xi64>) -> (tensor<3x8xf32>, tensor<2x8xf32>, tensor<4x2xf32>) {
  %i = onnx.Constant dense<[1, 2, -2]> : tensor<3xi64>
  %j = onnx.Constant dense<[3, 1]> : tensor<2xi64>
  %t = onnx.Constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %0 = onnx.Gather %x, %i : (tensor<5x8xf32>, tensor<3xi64>) -> tensor<3x8xf32>
  %1 = onnx.Gather %x, %j : (tensor<5x8xf32>, tensor<2xi64>) -> tensor<2x8xf32>
  %2 = onnx.Gather %t, %ids : (tensor<3x2xf32>, tensor<4xi64>) -> tensor<4x2xf32>
  return %0, %1, %2 : tensor<3x8xf32>, tensor<2x8xf32>, tensor<4x2xf32>
}

// -----

// A reversal keeps its step, and an end that is before the beginning.
// CHECK-LABEL: func @reversed(
// CHECK-DAG:     %[[START:.*]] = onnx.Constant dense<4> : tensor<1xi64>
// CHECK-DAG:     %[[END:.*]] = onnx.Constant dense<-9223372036854775808> : tensor<1xi64>
// CHECK-DAG:     %[[AXIS:.*]] = onnx.Constant dense<0> : tensor<1xi64>
// CHECK-DAG:     %[[STEP:.*]] = onnx.Constant dense<-1> : tensor<1xi64>
// CHECK:         onnx.Slice %{{.*}}, %[[START]], %[[END]], %[[AXIS]], %[[STEP]]
func.func @reversed(%x: tensor<5x8xf32>) -> tensor<5x8xf32> {
  %s = onnx.Constant dense<-1> : tensor<1xi32>
  %e = onnx.Constant dense<-6> : tensor<1xi32>
  %a = onnx.Constant dense<0> : tensor<1xi32>
  %0 = onnx.Slice %x, %s, %e, %a, %s
     : (tensor<5x8xf32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<5x8xf32>
  return %0 : tensor<5x8xf32>
}

// -----

// Positions from data cannot be normalised.
// CHECK-LABEL: func @from_data(
// CHECK:         onnx.Slice
func.func @from_data(%x: tensor<5x8xf32>, %s: tensor<1xi64>) -> tensor<*xf32> {
  %n = onnx.NoValue
  %e = onnx.Constant dense<5> : tensor<1xi64>
  // expected-remark@+1 {{slices at positions that are computed from data}}
  %0 = onnx.Slice %x, %s, %e, %n, %n
     : (tensor<5x8xf32>, tensor<1xi64>, tensor<1xi64>, none, none) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}
