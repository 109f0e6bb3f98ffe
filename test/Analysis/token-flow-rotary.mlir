// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(weir-annotate-token-flow{token-axis=x=1}))' | FileCheck %s

// Neither rotated queries nor rotated keys slide, but their scores do.
// CHECK-LABEL: func @halves(
// CHECK:       onnx.Add {{.*}}weir.flow = "4 tokens in dim 1; full: a constant varies along the token axis
// CHECK:       onnx.MatMul {{.*}}weir.flow = "4 tokens in dim 1; 4 tokens in dim 2; slides with margins (0, 1), (0, 1) up to rounding"
func.func @halves(%x: tensor<1x4x2xf32> {weir.input = "x"}) -> tensor<1x4x4xf32> {
  %cos = onnx.Constant dense<[[1.0], [0.54030230], [-0.41614683], [-0.98999249]]> : tensor<4x1xf32>
  %sin = onnx.Constant dense<[[0.0], [0.84147098], [0.90929742], [0.14112000]]> : tensor<4x1xf32>
  %n = onnx.NoValue
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %a = onnx.Slice %x, %c0, %c1, %c2, %n : (tensor<1x4x2xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<1x4x1xf32>
  %b = onnx.Slice %x, %c1, %c2, %c2, %n : (tensor<1x4x2xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<1x4x1xf32>
  %m = onnx.Neg %b : (tensor<1x4x1xf32>) -> tensor<1x4x1xf32>
  %t = onnx.Concat %m, %a {axis = -1 : si64} : (tensor<1x4x1xf32>, tensor<1x4x1xf32>) -> tensor<1x4x2xf32>
  %0 = onnx.Mul %x, %cos : (tensor<1x4x2xf32>, tensor<4x1xf32>) -> tensor<1x4x2xf32>
  %1 = onnx.Mul %t, %sin : (tensor<1x4x2xf32>, tensor<4x1xf32>) -> tensor<1x4x2xf32>
  %q = onnx.Add %0, %1 : (tensor<1x4x2xf32>, tensor<1x4x2xf32>) -> tensor<1x4x2xf32>
  %k = onnx.Transpose %q {perm = [0, 2, 1]} : (tensor<1x4x2xf32>) -> tensor<1x2x4xf32>
  %s = onnx.MatMul %q, %k : (tensor<1x4x2xf32>, tensor<1x2x4xf32>) -> tensor<1x4x4xf32>
  return %s : tensor<1x4x4xf32>
}

// -----

// Neighbouring features in pairs, of which the last is left as it is; products alone.
// CHECK-LABEL: func @pairs(
// CHECK:       onnx.MatMul {{.*}}weir.flow = "4 tokens in dim 1; 4 tokens in dim 2; slides with margins (0, 1), (0, 1) up to rounding"
func.func @pairs(%x: tensor<1x4x3xf32> {weir.input = "x"}) -> tensor<1x4x4xf32> {
  %cos = onnx.Constant dense<[[1.0], [0.54030230], [-0.41614683], [-0.98999249]]> : tensor<4x1xf32>
  %sin = onnx.Constant dense<[[0.0], [0.84147098], [0.90929742], [0.14112000]]> : tensor<4x1xf32>
  %n = onnx.NoValue
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c3 = onnx.Constant dense<3> : tensor<1xi64>
  %r = onnx.Slice %x, %c0, %c2, %c2, %n : (tensor<1x4x3xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<1x4x2xf32>
  %rest = onnx.Slice %x, %c2, %c3, %c2, %n : (tensor<1x4x3xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<1x4x1xf32>
  %even = onnx.Slice %r, %c0, %c2, %c2, %c2 : (tensor<1x4x2xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x4x1xf32>
  %odd = onnx.Slice %r, %c1, %c2, %c2, %c2 : (tensor<1x4x2xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x4x1xf32>
  %ec = onnx.Mul %even, %cos : (tensor<1x4x1xf32>, tensor<4x1xf32>) -> tensor<1x4x1xf32>
  %os = onnx.Mul %odd, %sin : (tensor<1x4x1xf32>, tensor<4x1xf32>) -> tensor<1x4x1xf32>
  %es = onnx.Mul %even, %sin : (tensor<1x4x1xf32>, tensor<4x1xf32>) -> tensor<1x4x1xf32>
  %oc = onnx.Mul %odd, %cos : (tensor<1x4x1xf32>, tensor<4x1xf32>) -> tensor<1x4x1xf32>
  %real = onnx.Sub %ec, %os : (tensor<1x4x1xf32>, tensor<1x4x1xf32>) -> tensor<1x4x1xf32>
  %imaginary = onnx.Add %es, %oc : (tensor<1x4x1xf32>, tensor<1x4x1xf32>) -> tensor<1x4x1xf32>
  %q = onnx.Concat %real, %imaginary, %rest {axis = 2 : si64} : (tensor<1x4x1xf32>, tensor<1x4x1xf32>, tensor<1x4x1xf32>) -> tensor<1x4x3xf32>
  %k = onnx.Transpose %q {perm = [0, 2, 1]} : (tensor<1x4x3xf32>) -> tensor<1x3x4xf32>
  %s = onnx.MatMul %q, %k : (tensor<1x4x3xf32>, tensor<1x3x4xf32>) -> tensor<1x4x4xf32>
  return %s : tensor<1x4x4xf32>
}

// -----

// Angles 0, 1, 4, 9 are no multiples of the position.
// CHECK-LABEL: func @no_rotation(
// CHECK:       onnx.MatMul {{.*}}weir.flow = "4 tokens in dim 1; 4 tokens in dim 2; full: a constant varies along the token axis
func.func @no_rotation(%x: tensor<1x4x2xf32> {weir.input = "x"}) -> tensor<1x4x4xf32> {
  %cos = onnx.Constant dense<[[1.0], [0.54030230], [-0.65364362], [-0.91113026]]> : tensor<4x1xf32>
  %sin = onnx.Constant dense<[[0.0], [0.84147098], [-0.75680249], [0.41211848]]> : tensor<4x1xf32>
  %turn = onnx.Constant dense<[1, 0]> : tensor<2xi64>
  %sign = onnx.Constant dense<[-1.0, 1.0]> : tensor<2xf32>
  %t = onnx.Gather %x, %turn {axis = 2 : si64} : (tensor<1x4x2xf32>, tensor<2xi64>) -> tensor<1x4x2xf32>
  %m = onnx.Mul %t, %sign : (tensor<1x4x2xf32>, tensor<2xf32>) -> tensor<1x4x2xf32>
  %0 = onnx.Mul %x, %cos : (tensor<1x4x2xf32>, tensor<4x1xf32>) -> tensor<1x4x2xf32>
  %1 = onnx.Mul %m, %sin : (tensor<1x4x2xf32>, tensor<4x1xf32>) -> tensor<1x4x2xf32>
  %q = onnx.Add %0, %1 : (tensor<1x4x2xf32>, tensor<1x4x2xf32>) -> tensor<1x4x2xf32>
  %k = onnx.Transpose %q {perm = [0, 2, 1]} : (tensor<1x4x2xf32>) -> tensor<1x2x4xf32>
  %s = onnx.MatMul %q, %k : (tensor<1x4x2xf32>, tensor<1x2x4xf32>) -> tensor<1x4x4xf32>
  return %s : tensor<1x4x4xf32>
}

// -----

// A table that is added, however small, is no rotation; nor is one that drifts from 1.
// CHECK-LABEL: func @small_tables(
// CHECK:       onnx.MatMul {{.*}}weir.flow = "3 tokens in dim 1; 3 tokens in dim 2; full: a constant varies along the token axis
// CHECK:       onnx.MatMul {{.*}}weir.flow = "3 tokens in dim 1; 3 tokens in dim 2; full: a constant varies along the token axis
func.func @small_tables(%x: tensor<1x3x2xf32> {weir.input = "x"}) -> (tensor<1x3x3xf32>, tensor<1x3x3xf32>) {
  %added = onnx.Constant dense<[[0.0], [1.0e-30], [2.0e-30]]> : tensor<3x1xf32>
  %drift = onnx.Constant dense<[[1.0], [1.000002], [1.000004]]> : tensor<3x1xf32>
  %k = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x3x2xf32>) -> tensor<1x2x3xf32>
  %p = onnx.Add %x, %added : (tensor<1x3x2xf32>, tensor<3x1xf32>) -> tensor<1x3x2xf32>
  %0 = onnx.MatMul %p, %k : (tensor<1x3x2xf32>, tensor<1x2x3xf32>) -> tensor<1x3x3xf32>
  %m = onnx.Mul %x, %drift : (tensor<1x3x2xf32>, tensor<3x1xf32>) -> tensor<1x3x2xf32>
  %1 = onnx.MatMul %m, %k : (tensor<1x3x2xf32>, tensor<1x2x3xf32>) -> tensor<1x3x3xf32>
  return %0, %1 : tensor<1x3x3xf32>, tensor<1x3x3xf32>
}
