// REQUIRES: python
// Two windows of 8 tokens: 0.9 of what is not the mean lies in frequency 1, the rest in 2.
// RUN: %python -c "import numpy as np; t = (2 * np.arange(8) + 1) * np.pi / 16; x = 5 + np.stack([3 * np.cos(t), np.cos(2 * t)], 1); np.save(r'%t.npy', np.tile(x, (2, 1)).astype('f4'))"
// RUN: weir-opt %s --weir-calibrate='data=%t.npy energy=0.85' | FileCheck %s --check-prefixes=CHECK,LOW
// RUN: weir-opt %s --weir-calibrate='data=x=%t.npy energy=0.95' | FileCheck %s --check-prefixes=CHECK,HIGH
// RUN: weir-opt %s --weir-calibrate='data=%t.npy clusters=1' | FileCheck %s --check-prefixes=CHECK,MEAN
// RUN: weir-opt %s --weir-calibrate='data=%t.npy' | FileCheck %s --check-prefix=NOTHING
// RUN: not weir-opt %s --weir-calibrate='energy=0.5' 2>&1 | FileCheck %s --check-prefix=NODATA
// RUN: not weir-opt %s --weir-calibrate='data=%t.npy energy=2' 2>&1 | FileCheck %s --check-prefix=PART
// RUN: %python -c "import numpy as np; np.save(r'%t.short.npy', np.zeros((7, 2), 'f4'))"
// RUN: not weir-opt %s --weir-calibrate='data=%t.short.npy energy=0.5' 2>&1 | FileCheck %s --check-prefix=SHORT
// RUN: echo 'func.func @other() { return }' | not weir-opt --weir-calibrate='data=%t.npy' 2>&1 | FileCheck %s --check-prefix=NOWINDOW

// CHECK-LABEL: func.func @window(
// LOW:           weir.attention {{.*}}weir.keep = 2 : i64
// HIGH:          weir.attention {{.*}}weir.keep = 3 : i64
// The only centre is the mean of all tokens, here of every window.
// MEAN:          weir.attention {{.*}}weir.surrogates = dense<5.000000e+00> : tensor<1x2xf32>
// NOTHING-NOT:   weir.keep
// NOTHING-NOT:   weir.surrogates
// NODATA: error: no values for input 'x'; give data x=FILE.npy
// PART: error: energy is a part, from 0 to 1, and clusters a number
// SHORT: error: input 'x' holds 7 tokens, but a window takes 8
// NOWINDOW: error: there is no function 'window' to calibrate
func.func @window(%x: tensor<8x2xf32> {weir.input = "x"})
    -> (tensor<8x2xf32> {weir.output = "y"}) {
  %one = onnx.Constant dense<[[1.0, 0.0], [0.0, 1.0]]> : tensor<2x2xf32>
  %q = onnx.MatMul %x, %one : (tensor<8x2xf32>, tensor<2x2xf32>) -> tensor<8x2xf32>
  %k = onnx.Transpose %q {perm = [1, 0]} : (tensor<8x2xf32>) -> tensor<2x8xf32>
  %s = onnx.MatMul %q, %k : (tensor<8x2xf32>, tensor<2x8xf32>) -> tensor<8x8xf32>
  %p = onnx.Softmax %s : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %y = onnx.MatMul %p, %x : (tensor<8x8xf32>, tensor<8x2xf32>) -> tensor<8x2xf32>
  return %y : tensor<8x2xf32>
}
