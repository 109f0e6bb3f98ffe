// RUN: weir-opt %s --weir-specialize --split-input-file --verify-diagnostics | FileCheck %s

// An operator that others spell out is replaced by them, under its node's name.
// CHECK-LABEL: func @fused(
// CHECK-SAME:    %[[X:.*]]: tensor<2x3xf32>, %[[B:.*]]: tensor<3xf32>
// CHECK-NEXT:    %[[S:.*]] = onnx.Add %[[X]], %[[B]]
// CHECK-NEXT:    %[[Y:.*]] = onnx.Gelu %[[S]]
// CHECK-NEXT:    return %[[Y]]
func.func @fused(%x: tensor<2x3xf32>, %b: tensor<3xf32>) -> tensor<*xf32> {
  %y = onnx.Custom %x, %b {domain_name = "com.microsoft", function_name = "BiasGelu"}
     : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// One of ONNX's own, on constants: nothing is left of it.
// CHECK-LABEL: func @folded(
// CHECK-NEXT:    %[[C:.*]] = onnx.Constant dense<{{\[\[}}0, 1], [2, 0]]> : tensor<2x2xi64>
// CHECK-NEXT:    return %[[C]]
func.func @folded() -> tensor<*xi64> {
  %c = onnx.Constant dense<[[0.0, 0.0, 5.0], [4.0, 0.0, 0.0]]> : tensor<2x3xf32>
  %y = "onnx.NonZero"(%c) : (tensor<2x3xf32>) -> tensor<*xi64>
  return %y : tensor<*xi64>
}

// -----

// Behind an operator that nobody knows no shape is known: it stays.
// CHECK-LABEL: func @hidden(
// CHECK:         function_name = "Warp"
// CHECK-NEXT:    "onnx.Celu"
func.func @hidden(%x: tensor<2x3xf32>) -> tensor<*xf32> {
  %u = onnx.Custom %x {domain_name = "com.acme", function_name = "Warp"}
     : (tensor<2x3xf32>) -> tensor<*xf32>
  %y = "onnx.Celu"(%u) : (tensor<*xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// What is asked for beyond that is refused.
func.func @cache(%x: tensor<1x4x6xf32>, %w: tensor<6x18xf32>, %p: tensor<2x1x2x3x3xf32>) -> tensor<*xf32> {
  %n = onnx.NoValue
  // expected-error@+2 {{keeps a cache of its own}}
  // expected-note@+1 {{help: export the encoder without caches (past, present)}}
  %y = onnx.Custom %x, %w, %n, %n, %p {domain_name = "com.microsoft", function_name = "Attention", num_heads = 2 : si64}
     : (tensor<1x4x6xf32>, tensor<6x18xf32>, none, none, tensor<2x1x2x3x3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @statistics(%x: tensor<1x4x6xf32>, %g: tensor<6xf32>) -> tensor<*xf32> {
  // expected-error@+1 {{output 1 is read, but Weir does not compute it}}
  %y:2 = onnx.Custom %x, %x, %g {domain_name = "com.microsoft", function_name = "SkipLayerNormalization"}
     : (tensor<1x4x6xf32>, tensor<1x4x6xf32>, tensor<6xf32>) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#1 : tensor<*xf32>
}

// -----

func.func @arity(%x: tensor<2x3xf32>) -> tensor<*xf32> {
  // expected-error@+1 {{lacks input 1 of at least 2}}
  %y = onnx.Custom %x {domain_name = "com.microsoft", function_name = "BiasGelu"}
     : (tensor<2x3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @kind(%x: tensor<2x3xf32>) -> tensor<*xf32> {
  // expected-error@+1 {{attribute 'alpha' is of a kind that its operator does not take}}
  %y = "onnx.Celu"(%x) {alpha = "much"} : (tensor<2x3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// The ops that it is spelled as check their operands.
func.func @unfit(%x: tensor<2x3xf32>, %w: tensor<4x5xf32>) -> tensor<*xf32> {
  // expected-error@+1 {{contracts 3 elements of A with 4 of B}}
  %y = onnx.Custom %x, %w {domain_name = "com.microsoft", function_name = "FusedMatMul"}
     : (tensor<2x3xf32>, tensor<4x5xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
