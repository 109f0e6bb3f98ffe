// RUN: weir-opt %s --convert-weir-to-linalg --canonicalize --cse | FileCheck %s

// A place that holds no token gets zeros; each row is written once.
// CHECK-LABEL: func @gather(
// CHECK-SAME:    %[[X:.*]]: tensor<2x8x5xf32>, %[[I:.*]]: tensor<1x3x4xi64>
// CHECK:         %[[NONE:.*]] = tensor.empty() : tensor<2x3x4x5xf32>
// CHECK-NOT:     linalg.fill
// CHECK:         scf.for {{.*}} iter_args(%{{.*}} = %[[NONE]])
// CHECK:           %[[T:.*]] = tensor.extract %[[I]][%c0, %{{.*}}, %{{.*}}]
// CHECK:           %[[IS:.*]] = arith.cmpi ult, %[[T]], %c8_i64
// CHECK:           scf.if %[[IS]]
// CHECK:             tensor.extract_slice %[[X]][%{{.*}}, %{{.*}}, 0] [1, 1, 5] [1, 1, 1]
// CHECK:           } else {
// CHECK:             linalg.fill
// CHECK-COUNT-3: } {weir.parallel}
func.func @gather(%x: tensor<2x8x5xf32>, %i: tensor<1x3x4xi64>) -> tensor<2x3x4x5xf32> {
  %0 = weir.gather_tokens %x, %i : tensor<2x8x5xf32>, tensor<1x3x4xi64> -> tensor<2x3x4x5xf32>
  return %0 : tensor<2x3x4x5xf32>
}

// An attention inside of clusters holds the rows of one cluster at a time.
// CHECK-LABEL: func @attend(
// CHECK-NOT:     tensor<2x3x4x5xf32>
// CHECK:         %[[R:.*]] = tensor.empty() : tensor<2x3x4x6xf32>
// CHECK:         scf.for {{.*}} iter_args(%{{.*}} = %[[R]])
// CHECK:           tensor.empty() : tensor<4x5xf32>
// CHECK-NOT:     tensor<2x3x4x5xf32>
// CHECK:         return
func.func @attend(%q: tensor<2x8x5xf32>, %v: tensor<2x8x6xf32>,
                  %i: tensor<2x3x4xi64>) -> tensor<2x3x4x6xf32> {
  %0 = weir.gather_tokens %q, %i : tensor<2x8x5xf32>, tensor<2x3x4xi64> -> tensor<2x3x4x5xf32>
  %1 = weir.gather_tokens %v, %i : tensor<2x8x6xf32>, tensor<2x3x4xi64> -> tensor<2x3x4x6xf32>
  %2 = weir.attention softmax %0, %0, %1
     : tensor<2x3x4x5xf32>, tensor<2x3x4x5xf32>, tensor<2x3x4x6xf32> -> tensor<2x3x4x6xf32>
  return %2 : tensor<2x3x4x6xf32>
}

// Rows are read where a transpose found them, and so are single numbers of a column.
// CHECK-LABEL: func @views(
// CHECK-SAME:    %[[X:.*]]: tensor<8x2x5xf32>, %[[Y:.*]]: tensor<8x3xf32>
// CHECK:         tensor.extract_slice %[[X]][%{{.*}}, %{{.*}}, 0] [1, 1, 5] [1, 1, 1]
// CHECK:         tensor.extract_slice %[[Y]][%{{.*}}, %{{.*}}] [1, 1] [1, 1]
func.func @views(%x: tensor<8x2x5xf32>, %y: tensor<8x3xf32>, %i: tensor<1x3x4xi64>,
                 %j: tensor<3x1x4xi64>) -> (tensor<2x3x4x5xf32>, tensor<3x1x4x1xf32>) {
  %0 = onnx.Transpose %x {perm = [1, 0, 2]} : (tensor<8x2x5xf32>) -> tensor<2x8x5xf32>
  %1 = weir.gather_tokens %0, %i : tensor<2x8x5xf32>, tensor<1x3x4xi64> -> tensor<2x3x4x5xf32>
  %shape = onnx.Constant dense<[3, 8, 1]> : tensor<3xi64>
  %2 = onnx.Transpose %y : (tensor<8x3xf32>) -> tensor<3x8xf32>
  %3 = onnx.Reshape %2, %shape : (tensor<3x8xf32>, tensor<3xi64>) -> tensor<3x8x1xf32>
  %4 = weir.gather_tokens %3, %j : tensor<3x8x1xf32>, tensor<3x1x4xi64> -> tensor<3x1x4x1xf32>
  return %1, %4 : tensor<2x3x4x5xf32>, tensor<3x1x4x1xf32>
}

// A transpose that cuts rows up is made: their numbers would not lie side by side.
// CHECK-LABEL: func @cut(
// CHECK:         %[[T:.*]] = onnx.Transpose
// CHECK:         tensor.extract_slice %[[T]]
func.func @cut(%x: tensor<2x5x8xf32>, %i: tensor<1x3x4xi64>) -> tensor<2x3x4x5xf32> {
  %0 = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<2x5x8xf32>) -> tensor<2x8x5xf32>
  %1 = weir.gather_tokens %0, %i : tensor<2x8x5xf32>, tensor<1x3x4xi64> -> tensor<2x3x4x5xf32>
  return %1 : tensor<2x3x4x5xf32>
}
