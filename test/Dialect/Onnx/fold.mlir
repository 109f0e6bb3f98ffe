// RUN: weir-opt %s --canonicalize --split-input-file | FileCheck %s

// Any host's canonicalizer folds shape arithmetic.
// CHECK-LABEL: func @shape_arithmetic(
// CHECK-NEXT:    %[[C:.*]] = onnx.Constant dense<[24, 2]> : tensor<2xi64>
// CHECK-NEXT:    return %[[C]]
func.func @shape_arithmetic(%x: tensor<2x3x4xf32>) -> tensor<2xi64> {
  %i = onnx.Constant dense<[0]> : tensor<1xi64>
  %s = onnx.Shape %x : (tensor<2x3x4xf32>) -> tensor<3xi64>
  %b = onnx.Gather %s, %i {axis = 0 : si64} : (tensor<3xi64>, tensor<1xi64>) -> tensor<1xi64>
  %n = onnx.Size %x : (tensor<2x3x4xf32>) -> tensor<i64>
  %one = onnx.Constant dense<1> : tensor<1xi64>
  %v = onnx.Reshape %n, %one : (tensor<i64>, tensor<1xi64>) -> tensor<1xi64>
  %c = onnx.Concat %v, %b {axis = 0 : si64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  return %c : tensor<2xi64>
}

// -----

// Weights keep their bytes when only their shape changes.
// CHECK-LABEL: func @reshaped_weight(
// CHECK-NEXT:    onnx.Constant dense_resource<w> : tensor<4x2xf32>
func.func @reshaped_weight() -> tensor<4x2xf32> {
  %w = onnx.Constant dense_resource<w> : tensor<2x4xf32>
  %s = onnx.Constant dense<[4, 2]> : tensor<2xi64>
  %r = onnx.Reshape %w, %s : (tensor<2x4xf32>, tensor<2xi64>) -> tensor<4x2xf32>
  return %r : tensor<4x2xf32>
}

{-#
  dialect_resources: {
    builtin: {
      w: "0x040000000000803f0000803f0000803f0000803f0000803f0000803f0000803f00000040"
    }
  }
#-}

// -----

// Pads may be negative: they cut.
// CHECK-LABEL: func @negative_pads(
// CHECK-NEXT:    onnx.Constant dense<[3, 4, 0]> : tensor<3xi64>
func.func @negative_pads() -> tensor<3xi64> {
  %n = onnx.NoValue
  %x = onnx.Constant dense<[1, 2, 3, 4]> : tensor<4xi64>
  %p = onnx.Constant dense<[-2, 1]> : tensor<2xi64>
  %y = onnx.Pad %x, %p, %n, %n : (tensor<4xi64>, tensor<2xi64>, none, none) -> tensor<3xi64>
  return %y : tensor<3xi64>
}

// -----

// What ONNX leaves undefined is left alone: an index out of range, a division by zero.
// CHECK-LABEL: func @undefined(
// CHECK:         onnx.Gather
// CHECK:         onnx.Div
func.func @undefined() -> (tensor<i64>, tensor<2xi64>) {
  %x = onnx.Constant dense<[1, 2]> : tensor<2xi64>
  %i = onnx.Constant dense<-3> : tensor<i64>
  %z = onnx.Constant dense<[1, 0]> : tensor<2xi64>
  %y = onnx.Gather %x, %i : (tensor<2xi64>, tensor<i64>) -> tensor<i64>
  %d = onnx.Div %x, %z : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  return %y, %d : tensor<i64>, tensor<2xi64>
}

// -----

// A few bytes of model do not become a terabyte.
// CHECK-LABEL: func @bombs(
// CHECK:         onnx.ConstantOfShape
// CHECK:         onnx.Expand
// CHECK:         onnx.Add
// CHECK:         onnx.MatMul
func.func @bombs()
    -> (tensor<1152921504606846976xi64>, tensor<65536x1x1024xi32>, tensor<1152921504606846976xf64>, tensor<4000x4000xf32>) {
  %s = onnx.Constant dense<1152921504606846976> : tensor<1xi64>
  %y = onnx.ConstantOfShape %s {value = dense<1> : tensor<1xi64>}
     : (tensor<1xi64>) -> tensor<1152921504606846976xi64>
  %t = onnx.Constant dense<[65536, 1, 1024]> : tensor<3xi64>
  %r = onnx.Constant dense<[[[1]]]> : tensor<1x1x1xi32>
  %z = onnx.Expand %r, %t : (tensor<1x1x1xi32>, tensor<3xi64>) -> tensor<65536x1x1024xi32>
  %big = onnx.Constant dense<1.0> : tensor<1152921504606846976xf64>
  %sum = onnx.Add %big, %big : (tensor<1152921504606846976xf64>, tensor<1152921504606846976xf64>) -> tensor<1152921504606846976xf64>
  %a = onnx.Constant dense<1.0> : tensor<4000x4000xf32>
  %p = onnx.MatMul %a, %a : (tensor<4000x4000xf32>, tensor<4000x4000xf32>) -> tensor<4000x4000xf32>
  return %y, %z, %sum, %p : tensor<1152921504606846976xi64>, tensor<65536x1x1024xi32>, tensor<1152921504606846976xf64>, tensor<4000x4000xf32>
}

// -----

// A large transpose takes no time to speak of.
// CHECK-LABEL: func @large_transpose(
// CHECK:         onnx.Constant dense<1.000000e+00> : tensor<f32>
func.func @large_transpose() -> tensor<f32> {
  %n = onnx.NoValue
  %start = onnx.Constant dense<0.0> : tensor<f32>
  %limit = onnx.Constant dense<16777216.0> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %s = onnx.Constant dense<4096> : tensor<2xi64>
  %r = onnx.Range %start, %limit, %one
     : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<16777216xf32>
  %x = onnx.Reshape %r, %s : (tensor<16777216xf32>, tensor<2xi64>) -> tensor<4096x4096xf32>
  %t = onnx.Transpose %x {perm = [1, 0]} : (tensor<4096x4096xf32>) -> tensor<4096x4096xf32>
  %i = onnx.Constant dense<[1, 0]> : tensor<2xi64>
  %e = onnx.GatherND %t, %i : (tensor<4096x4096xf32>, tensor<2xi64>) -> tensor<f32>
  return %e : tensor<f32>
}

// -----

// Complex numbers are viewed, not computed with; scalars that are none are left alone.
// CHECK-LABEL: func @odd_operands(
// CHECK:         onnx.Add
// CHECK:         onnx.CumSum
// CHECK:         onnx.Trilu
func.func @odd_operands() -> (tensor<2x1xcomplex<f32>>, tensor<2xcomplex<f32>>, tensor<2xf32>, tensor<2x2xf32>) {
  %s = onnx.Constant dense<[2, 1]> : tensor<2xi64>
  %e = onnx.Constant dense<> : tensor<0xi64>
  %z = onnx.Constant dense<[(1.0, 2.0), (3.0, 4.0)]> : tensor<2xcomplex<f32>>
  %x = onnx.Constant dense<[1.0, 2.0]> : tensor<2xf32>
  %m = onnx.Constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %0 = onnx.Reshape %z, %s : (tensor<2xcomplex<f32>>, tensor<2xi64>) -> tensor<2x1xcomplex<f32>>
  %1 = onnx.Add %z, %z : (tensor<2xcomplex<f32>>, tensor<2xcomplex<f32>>) -> tensor<2xcomplex<f32>>
  %2 = onnx.CumSum %x, %e : (tensor<2xf32>, tensor<0xi64>) -> tensor<2xf32>
  %3 = onnx.Trilu %m, %e : (tensor<2x2xf32>, tensor<0xi64>) -> tensor<2x2xf32>
  return %0, %1, %2, %3 : tensor<2x1xcomplex<f32>>, tensor<2xcomplex<f32>>, tensor<2xf32>, tensor<2x2xf32>
}

// -----

// What is as much work as running a model is left to run time: 2^36 multiplications, 2^25 elements.
// CHECK-LABEL: func @too_much_work(
// CHECK:         onnx.MatMul
// CHECK:         onnx.Range
func.func @too_much_work() -> (tensor<4096x4096xf32>, tensor<33554432xi64>) {
  %x = onnx.Constant dense<0.5> : tensor<4096x4096xf32>
  %m = onnx.MatMul %x, %x : (tensor<4096x4096xf32>, tensor<4096x4096xf32>) -> tensor<4096x4096xf32>
  %zero = onnx.Constant dense<0> : tensor<i64>
  %one = onnx.Constant dense<1> : tensor<i64>
  %n = onnx.Constant dense<33554432> : tensor<i64>
  %r = onnx.Range %zero, %n, %one : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<33554432xi64>
  return %m, %r : tensor<4096x4096xf32>, tensor<33554432xi64>
}

// -----

// Weights in blocks of two, of integers of 4 bits, become what they stand for.
// CHECK-LABEL: func @dequantize_blocks(
// CHECK-NEXT:    onnx.Constant dense<{{\[\[}}5.000000e-01, 1.000000e+00, -1.400000e+01, 0.000000e+00]]> : tensor<1x4xf32>
func.func @dequantize_blocks() -> tensor<1x4xf32> {
  %x = onnx.Constant dense<[[1, 2, -7, 0]]> : tensor<1x4xi4>
  %s = onnx.Constant dense<[[0.5, 2.0]]> : tensor<1x2xf32>
  %n = onnx.NoValue
  %0 = onnx.DequantizeLinear %x, %s, %n {block_size = 2 : si64} : (tensor<1x4xi4>, tensor<1x2xf32>, none) -> tensor<1x4xf32>
  return %0 : tensor<1x4xf32>
}

// -----

// Halves go to the even neighbour, what is too large to the end of the grid.
// CHECK-LABEL: func @quantize_rounds(
// CHECK-NEXT:    onnx.Constant dense<[2, 4, 127, -126]> : tensor<4xi8>
func.func @quantize_rounds() -> tensor<4xi8> {
  %x = onnx.Constant dense<[0.25, 1.25, 99.0, -64.0]> : tensor<4xf32>
  %s = onnx.Constant dense<0.5> : tensor<f32>
  %z = onnx.Constant dense<2> : tensor<i8>
  %0 = onnx.QuantizeLinear %x, %s, %z : (tensor<4xf32>, tensor<f32>, tensor<i8>) -> tensor<4xi8>
  return %0 : tensor<4xi8>
}

// -----

// Of equal entries the first comes first; zeros are equal, whatever their sign.
// CHECK-LABEL: func @top_k(
// CHECK-DAG:     %[[I:.*]] = onnx.Constant dense<[3, 0, 2, 1]> : tensor<4xi64>
// CHECK:         return %{{.*}}, %[[I]]
func.func @top_k() -> (tensor<4xf32>, tensor<4xi64>) {
  %x = onnx.Constant dense<[0.0, -1.0, -0.0, 2.0]> : tensor<4xf32>
  %k = onnx.Constant dense<4> : tensor<1xi64>
  %v, %i = onnx.TopK %x, %k : (tensor<4xf32>, tensor<1xi64>) -> (tensor<4xf32>, tensor<4xi64>)
  return %v, %i : tensor<4xf32>, tensor<4xi64>
}

// -----

// Updates of one element join in their order.
// CHECK-LABEL: func @scatter_elements(
// CHECK-NEXT:    onnx.Constant dense<[5, 1, 40]> : tensor<3xi32>
func.func @scatter_elements() -> tensor<3xi32> {
  %x = onnx.Constant dense<[5, 1, 2]> : tensor<3xi32>
  %i = onnx.Constant dense<[2, -1]> : tensor<2xi64>
  %u = onnx.Constant dense<[4, 5]> : tensor<2xi32>
  %0 = onnx.ScatterElements %x, %i, %u {reduction = "mul"} : (tensor<3xi32>, tensor<2xi64>, tensor<2xi32>) -> tensor<3xi32>
  return %0 : tensor<3xi32>
}
