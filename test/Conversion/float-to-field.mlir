// RUN: weir-opt %s --convert-float-to-field | FileCheck %s

// Arithmetic becomes calls; the exponential of a difference stays a quotient.
// CHECK-LABEL: func @arithmetic(
// CHECK-SAME:    %[[X:.*]]: i64, %[[Y:.*]]: i64) -> i64
// CHECK-NEXT:    %[[D:.*]] = llvm.call @weir_field_sub(%[[X]], %[[Y]])
// CHECK-NEXT:    %[[E:.*]] = llvm.call @weir_field_exp(%[[D]])
// CHECK-NEXT:    return %[[E]] : i64
func.func @arithmetic(%x: f32, %y: f32) -> f32 {
  %0 = arith.subf %x, %y : f32
  %1 = math.exp %0 : f32
  return %1 : f32
}

// A half is a pair of residues, (p + 1) / 2 and (q + 1) / 2; minus infinity is a number of its own.
// CHECK-LABEL: func @constants(
// CHECK-NEXT:    %[[H:.*]] = arith.constant 2305842937272991710 : i64
// CHECK-NEXT:    %[[L:.*]] = onnx.Constant dense<4294967295> : tensor<2xi64>
func.func @constants() -> (f32, tensor<2xf32>) {
  %0 = arith.constant 0.5 : f32
  %1 = onnx.Constant dense<0xFF800000> : tensor<2xf32>
  return %0, %1 : f32, tensor<2xf32>
}

// What has no algebra is a random function, of its own for each operator.
// CHECK-LABEL: func @random(
// CHECK-SAME:    %[[X:.*]]: i64)
// CHECK-NEXT:    %[[A:.*]] = arith.constant [[TAG:[-0-9]+]] : i64
// CHECK-NEXT:    llvm.call @weir_field_random(%[[A]], %[[X]])
// CHECK-NOT:     arith.constant [[TAG]] : i64
// CHECK:         llvm.call @weir_field_random(
func.func @random(%x: f32) -> (f32, f32) {
  %0 = math.sqrt %x : f32
  %1 = math.erf %x : f32
  return %0, %1 : f32, f32
}

// There is no NaN; other comparisons order residues.
// CHECK-LABEL: func @compare(
// CHECK-NEXT:    %[[NAN:.*]] = arith.constant false
// CHECK-NEXT:    %[[O:.*]] = llvm.call @weir_field_compare(
// CHECK-NEXT:    %[[ZERO:.*]] = arith.constant 0 : i64
// CHECK-NEXT:    %[[LESS:.*]] = arith.cmpi slt, %[[O]], %[[ZERO]] : i64
// CHECK-NEXT:    return %[[NAN]], %[[LESS]] : i1, i1
func.func @compare(%x: f32, %y: f32) -> (i1, i1) {
  %0 = arith.cmpf uno, %x, %x : f32
  %1 = arith.cmpf olt, %x, %y : f32
  return %0, %1 : i1, i1
}

// A sum is known modulo p alone.
// CHECK-LABEL: func @sum(
// CHECK:         %[[S:.*]] = linalg.generic {{.*}} iterator_types = ["reduction"]
// CHECK:         %[[R:.*]] = linalg.generic {{.*}} iterator_types = []
// CHECK-SAME:      ins(%[[S]] : tensor<i64>)
// CHECK:           llvm.call @weir_field_reseed(
// CHECK:         return %[[R]] : tensor<i64>
func.func @sum(%x: tensor<4xf32>, %zero: tensor<f32>) -> tensor<f32> {
  %0 = linalg.generic {
      indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> ()>],
      iterator_types = ["reduction"]}
      ins(%x : tensor<4xf32>) outs(%zero : tensor<f32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.addf %in, %out : f32
    linalg.yield %1 : f32
  } -> tensor<f32>
  return %0 : tensor<f32>
}

// Integers, and sums of them, stay what they are.
// CHECK-LABEL: func @integers(
// CHECK-SAME:    %[[X:.*]]: i32)
// CHECK-NEXT:    %[[Y:.*]] = arith.addi %[[X]], %[[X]] : i32
// CHECK-NEXT:    return %[[Y]] : i32
func.func @integers(%x: i32) -> i32 {
  %0 = arith.addi %x, %x : i32
  return %0 : i32
}
