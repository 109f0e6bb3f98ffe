// RUN: weir-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 rows=last warmup=partial})'
// RUN: not weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 rows=last warmup=partial})' 2>/dev/null | FileCheck %s
// RUN: weir-opt %s --split-input-file --pass-pipeline='builtin.module(weir-continual{token-axis=x=1 rows=last})' | FileCheck %s --check-prefix=WAIT

// WAIT-NOT: weir.mask_absent

// Keys that have not come get no weight, and outputs mean something from the first step.
// CHECK-LABEL: func @step(
// CHECK-SAME:    weir.full = 6 : i64, weir.skipped = 0 : i64, weir.warmup = 1 : i64
// CHECK:         %[[S:.*]] = onnx.MatMul {{.*}} -> tensor<1x1x6xf32>
// CHECK:         %[[M:.*]] = weir.mask_absent lowest %[[S]], %{{.*}} {axis = #weir.axis<dim = 2, tokens = 6>} : tensor<1x1x6xf32>
// CHECK:         onnx.Softmax %[[M]]
// expected-warning@+2 {{a step saves nothing over the window}}
// expected-note@+1 {{help: what a step computes is new}}
func.func @window(%x: tensor<1x6x2xf32> {weir.input = "x"}) -> (tensor<1x6x2xf32> {weir.output = "y"}) {
  %kt = onnx.Transpose %x {perm = [0, 2, 1]} : (tensor<1x6x2xf32>) -> tensor<1x2x6xf32>
  %s = onnx.MatMul %x, %kt : (tensor<1x6x2xf32>, tensor<1x2x6xf32>) -> tensor<1x6x6xf32>
  %p = onnx.Softmax %s {axis = -1 : si64} : (tensor<1x6x6xf32>) -> tensor<1x6x6xf32>
  %o = onnx.MatMul %p, %x : (tensor<1x6x6xf32>, tensor<1x6x2xf32>) -> tensor<1x6x2xf32>
  return %o : tensor<1x6x2xf32>
}

// -----

// A weight for each token of the window says nothing of fewer tokens.
func.func @window(%x: tensor<1x3x2xf32> {weir.input = "x"}) -> (tensor<1x4x2xf32> {weir.output = "y"}) {
  %w = onnx.Constant dense<0.5> : tensor<4x3xf32>
  // expected-error@+2 {{stands in the way of warmup=partial: its weight has an entry for each token of the window}}
  // expected-note@+1 {{help: use warmup=wait}}
  %0 = onnx.MatMul %w, %x : (tensor<4x3xf32>, tensor<1x3x2xf32>) -> tensor<1x4x2xf32>
  return %0 : tensor<1x4x2xf32>
}
