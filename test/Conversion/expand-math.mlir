// RUN: weir-opt %s --weir-expand-math | FileCheck %s

// e^x becomes 2^n times a polynomial; NaN fails both comparisons and goes through. The
// whole number n is read from the bits of a float that has no room for a fraction.
// CHECK-LABEL: func @exp(
// CHECK-SAME:    %[[X:.*]]: vector<4xf32>
// CHECK-NOT:     arith.fptosi
// CHECK:         arith.cmpf olt, %[[X]], %
// CHECK:         arith.cmpf ogt, %
// CHECK:         %[[N:.*]] = math.fma
// CHECK-COUNT-8: math.fma
// CHECK:         arith.bitcast %[[N]] : vector<4xf32> to vector<4xi32>
// CHECK-COUNT-2: arith.bitcast %{{.*}} : vector<4xi32> to vector<4xf32>
func.func @exp(%x: vector<4xf32>) -> vector<4xf32> {
  %0 = math.exp %x : vector<4xf32>
  return %0 : vector<4xf32>
}

// Scalars by the same formula, so that a strip's rest agrees with its vectors.
// CHECK-LABEL: func @scalar(
// CHECK-NOT:     math.erf
// CHECK:         return
func.func @scalar(%x: f32) -> f32 {
  %0 = math.erf %x : f32
  return %0 : f32
}

// f16 is widened.
// CHECK-LABEL: func @half(
// CHECK-SAME:    %[[X:.*]]: vector<4xf16>
// CHECK:         arith.extf %[[X]] : vector<4xf16> to vector<4xf32>
// CHECK-NOT:     math.exp
// CHECK:         arith.truncf %{{.*}} : vector<4xf32> to vector<4xf16>
func.func @half(%x: vector<4xf16>) -> vector<4xf16> {
  %0 = math.exp %x : vector<4xf16>
  return %0 : vector<4xf16>
}

// Double precision is left to the library.
// CHECK-LABEL: func @double(
// CHECK-SAME:    %[[X:.*]]: f64
// CHECK-NEXT:    math.exp %[[X]] : f64
func.func @double(%x: f64) -> f64 {
  %0 = math.exp %x : f64
  return %0 : f64
}

// An integer reaches bf16 through f32, then by rounding its bits.
// CHECK-LABEL: func @brain(
// CHECK-SAME:    %[[I:.*]]: i64
// CHECK:         %[[F:.*]] = arith.sitofp %[[I]] : i64 to f32
// CHECK:         arith.bitcast %[[F]] : f32 to i32
// CHECK-NOT:     arith.truncf
// CHECK:         arith.bitcast %{{.*}} : i16 to bf16
func.func @brain(%i: i64) -> bf16 {
  %0 = arith.sitofp %i : i64 to bf16
  return %0 : bf16
}
