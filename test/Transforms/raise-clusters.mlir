// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(weir-raise-clusters{token-axis=x=1}))' | FileCheck %s

// As exporters spell it: the best tokens of each cluster, where their affinity is more than -inf.
// CHECK-LABEL: func @choose(
// CHECK-SAME:    %[[X:.*]]: tensor<1x6x2xf32>
// CHECK-NEXT:    %[[I:.*]] = weir.choose_clusters topk %[[X]] {size = 3 : i64} : tensor<1x6x2xf32> -> tensor<1x2x3xi64>
// CHECK-NEXT:    %[[T:.*]] = onnx.Transpose %[[I]] {perm = [0, 2, 1]}
// CHECK-NEXT:    return %[[T]]
func.func @choose(%x: tensor<1x6x2xf32> {weir.input = "x"}) -> tensor<1x3x2xi64> {
  %k = onnx.Constant dense<3> : tensor<1xi64>
  %lowest = onnx.Constant dense<0xFF800000> : tensor<f32>
  %nowhere = onnx.Constant dense<-1> : tensor<i64>
  %v, %i = onnx.TopK %x, %k {axis = 1 : si64} : (tensor<1x6x2xf32>, tensor<1xi64>) -> (tensor<1x3x2xf32>, tensor<1x3x2xi64>)
  %c = onnx.Greater %v, %lowest : (tensor<1x3x2xf32>, tensor<f32>) -> tensor<1x3x2xi1>
  %w = onnx.Where %c, %i, %nowhere : (tensor<1x3x2xi1>, tensor<1x3x2xi64>, tensor<i64>) -> tensor<1x3x2xi64>
  return %w : tensor<1x3x2xi64>
}

// -----

// Any number may be -inf, which a TopK chooses and a cluster does not; weights are not.
// CHECK-LABEL: func @choose_all(
// CHECK:         onnx.TopK
// CHECK:         weir.choose_clusters
func.func @choose_all(%x: tensor<1x6x2xf32> {weir.input = "x"}) -> (tensor<1x3x2xi64>, tensor<1x3x2xi64>) {
  %k = onnx.Constant dense<3> : tensor<1xi64>
  %v, %i = onnx.TopK %x, %k {axis = 1 : si64} : (tensor<1x6x2xf32>, tensor<1xi64>) -> (tensor<1x3x2xf32>, tensor<1x3x2xi64>)
  %p = onnx.Softmax %x : (tensor<1x6x2xf32>) -> tensor<1x6x2xf32>
  %w, %j = onnx.TopK %p, %k {axis = 1 : si64} : (tensor<1x6x2xf32>, tensor<1xi64>) -> (tensor<1x3x2xf32>, tensor<1x3x2xi64>)
  return %i, %j : tensor<1x3x2xi64>, tensor<1x3x2xi64>
}

// -----

// Empty places are clamped, read and hidden: all of it is one gather.
// CHECK-LABEL: func @gather(
// CHECK-SAME:    %[[X:.*]]: tensor<1x6x5xf32> {{.*}}, %[[I:.*]]: tensor<1x2x3xi64>
// CHECK-NEXT:    %[[R:.*]] = weir.gather_tokens %[[X]], %[[I]] : tensor<1x6x5xf32>, tensor<1x2x3xi64> -> tensor<1x2x3x5xf32>
// CHECK-NEXT:    return %[[R]]
func.func @gather(%x: tensor<1x6x5xf32> {weir.input = "x"}, %i: tensor<1x2x3xi64>) -> tensor<1x2x3x5xf32> {
  %n = onnx.NoValue
  %zero = onnx.Constant dense<0> : tensor<i64>
  %nothing = onnx.Constant dense<0.0> : tensor<f32>
  %s0 = onnx.Constant dense<[1, 6, 1]> : tensor<3xi64>
  %s1 = onnx.Constant dense<[1, 6, 5]> : tensor<3xi64>
  %s2 = onnx.Constant dense<[1, 2, 3, 5]> : tensor<4xi64>
  %s3 = onnx.Constant dense<[1, 2, 3, 1]> : tensor<4xi64>
  %c = onnx.Clip %i, %zero, %n : (tensor<1x2x3xi64>, tensor<i64>, none) -> tensor<1x2x3xi64>
  %0 = onnx.Reshape %c, %s0 : (tensor<1x2x3xi64>, tensor<3xi64>) -> tensor<1x6x1xi64>
  %1 = onnx.Expand %0, %s1 : (tensor<1x6x1xi64>, tensor<3xi64>) -> tensor<1x6x5xi64>
  %2 = onnx.GatherElements %x, %1 {axis = 1 : si64} : (tensor<1x6x5xf32>, tensor<1x6x5xi64>) -> tensor<1x6x5xf32>
  %3 = onnx.Reshape %2, %s2 : (tensor<1x6x5xf32>, tensor<4xi64>) -> tensor<1x2x3x5xf32>
  %4 = onnx.Less %i, %zero : (tensor<1x2x3xi64>, tensor<i64>) -> tensor<1x2x3xi1>
  %5 = onnx.Reshape %4, %s3 : (tensor<1x2x3xi1>, tensor<4xi64>) -> tensor<1x2x3x1xi1>
  %6 = onnx.Where %5, %nothing, %3 : (tensor<1x2x3x1xi1>, tensor<f32>, tensor<1x2x3x5xf32>) -> tensor<1x2x3x5xf32>
  return %6 : tensor<1x2x3x5xf32>
}

// -----

// An index below 0 reads from the end in ONNX: without a clamp it is no cluster's.
// CHECK-LABEL: func @gather_from_the_end(
// CHECK:         %[[R:.*]] = onnx.GatherElements
// CHECK:         return %[[R]]
func.func @gather_from_the_end(%x: tensor<1x6x5xf32> {weir.input = "x"}, %i: tensor<1x3x1xi64>) -> tensor<1x3x5xf32> {
  %s = onnx.Constant dense<[1, 3, 5]> : tensor<3xi64>
  %0 = onnx.Expand %i, %s : (tensor<1x3x1xi64>, tensor<3xi64>) -> tensor<1x3x5xi64>
  %1 = onnx.GatherElements %x, %0 {axis = 1 : si64} : (tensor<1x6x5xf32>, tensor<1x3x5xi64>) -> tensor<1x3x5xf32>
  return %1 : tensor<1x3x5xf32>
}

// -----

// Empty places go to a token more, which is cut off.
// CHECK-LABEL: func @scatter(
// CHECK-SAME:    %[[R:.*]]: tensor<1x2x3x5xf32> {{.*}}, %[[I:.*]]: tensor<1x2x3xi64>
// CHECK-NEXT:    %[[Y:.*]] = weir.scatter_add_tokens %[[R]], %[[I]] {tokens = 7 : i64} : tensor<1x2x3x5xf32>, tensor<1x2x3xi64> -> tensor<1x7x5xf32>
// CHECK-NEXT:    return %[[Y]]
func.func @scatter(%x: tensor<1x2x3x5xf32> {weir.input = "x"}, %i: tensor<1x2x3xi64>) -> tensor<1x7x5xf32> {
  %n = onnx.NoValue
  %zero = onnx.Constant dense<0> : tensor<i64>
  %end = onnx.Constant dense<7> : tensor<i64>
  %from = onnx.Constant dense<0> : tensor<1xi64>
  %to = onnx.Constant dense<7> : tensor<1xi64>
  %axis = onnx.Constant dense<1> : tensor<1xi64>
  %none = onnx.Constant dense<0.0> : tensor<1x8x5xf32>
  %s0 = onnx.Constant dense<[1, 6, 1]> : tensor<3xi64>
  %s1 = onnx.Constant dense<[1, 6, 5]> : tensor<3xi64>
  %c = onnx.Less %i, %zero : (tensor<1x2x3xi64>, tensor<i64>) -> tensor<1x2x3xi1>
  %p = onnx.Where %c, %end, %i : (tensor<1x2x3xi1>, tensor<i64>, tensor<1x2x3xi64>) -> tensor<1x2x3xi64>
  %0 = onnx.Reshape %p, %s0 : (tensor<1x2x3xi64>, tensor<3xi64>) -> tensor<1x6x1xi64>
  %1 = onnx.Expand %0, %s1 : (tensor<1x6x1xi64>, tensor<3xi64>) -> tensor<1x6x5xi64>
  %2 = onnx.Reshape %x, %s1 : (tensor<1x2x3x5xf32>, tensor<3xi64>) -> tensor<1x6x5xf32>
  %3 = onnx.ScatterElements %none, %1, %2 {axis = 1 : si64, reduction = "add"} : (tensor<1x8x5xf32>, tensor<1x6x5xi64>, tensor<1x6x5xf32>) -> tensor<1x8x5xf32>
  %4 = onnx.Slice %3, %from, %to, %axis, %n : (tensor<1x8x5xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<1x7x5xf32>
  return %4 : tensor<1x7x5xf32>
}

// -----

// Ones where a token is a member.
// CHECK-LABEL: func @members(
// CHECK:         %[[M:.*]] = weir.cluster_members %{{.*}} {tokens = 7 : i64} : tensor<1x2x3xi64> -> tensor<1x7x2xf32>
// CHECK:         onnx.Transpose %[[M]] {perm = [0, 2, 1]}
func.func @members(%x: tensor<1x3x2xf32> {weir.input = "x"}) -> tensor<1x2x7xf32> {
  %zero = onnx.Constant dense<0> : tensor<i64>
  %none = onnx.Constant dense<0.0> : tensor<1x2x7xf32>
  %ones = onnx.Constant dense<1.0> : tensor<1x2x3xf32>
  %n = onnx.NoValue
  %t = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x3x2xf32>) -> tensor<1x2x3xf32>
  %i = onnx.Cast %t {to = i64} : (tensor<1x2x3xf32>) -> tensor<1x2x3xi64>
  %c = onnx.Clip %i, %zero, %n : (tensor<1x2x3xi64>, tensor<i64>, none) -> tensor<1x2x3xi64>
  %0 = onnx.ScatterElements %none, %c, %ones {axis = 2 : si64} : (tensor<1x2x7xf32>, tensor<1x2x3xi64>, tensor<1x2x3xf32>) -> tensor<1x2x7xf32>
  return %0 : tensor<1x2x7xf32>
}

// -----

// Each token that selects among its own features stays as it is.
// CHECK-LABEL: func @features(
// CHECK:         onnx.TopK
// CHECK:         %[[R:.*]] = onnx.GatherElements
// CHECK:         return %[[R]]
func.func @features(%x: tensor<2x3x4x5xf32> {weir.input = "x"}) -> tensor<2x3x2x5xf32> {
  %s = onnx.Constant dense<[2, 3, 2, 5]> : tensor<4xi64>
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %from = onnx.Constant dense<0> : tensor<1xi64>
  %to = onnx.Constant dense<1> : tensor<1xi64>
  %axis = onnx.Constant dense<3> : tensor<1xi64>
  %n = onnx.NoValue
  %f = onnx.Slice %x, %from, %to, %axis, %n : (tensor<2x3x4x5xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<2x3x4x1xf32>
  %v, %i = onnx.TopK %f, %k {axis = 2 : si64} : (tensor<2x3x4x1xf32>, tensor<1xi64>) -> (tensor<2x3x2x1xf32>, tensor<2x3x2x1xi64>)
  %e = onnx.Expand %i, %s : (tensor<2x3x2x1xi64>, tensor<4xi64>) -> tensor<2x3x2x5xi64>
  %g = onnx.GatherElements %x, %e {axis = 2 : si64} : (tensor<2x3x4x5xf32>, tensor<2x3x2x5xi64>) -> tensor<2x3x2x5xf32>
  return %g : tensor<2x3x2x5xf32>
}
