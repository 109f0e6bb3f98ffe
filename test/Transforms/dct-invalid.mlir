// RUN: not weir-opt %s --pass-pipeline='builtin.module(func.func(weir-dct{token-axis=x=1 keep=3 approximate=true}))' 2>&1 | FileCheck %s --check-prefix=VARIANT
// RUN: not weir-opt %s --pass-pipeline='builtin.module(func.func(weir-dct{token-axis=x=1 keep=3 variant=fft approximate=true}))' 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not weir-opt %s --pass-pipeline='builtin.module(func.func(weir-dct{token-axis=x=1 variant=qkv approximate=true}))' 2>&1 | FileCheck %s --check-prefix=KEEP
// RUN: not weir-opt %s --pass-pipeline='builtin.module(func.func(weir-dct{token-axis=x=1 variant=qkv keep=0 approximate=true}))' 2>&1 | FileCheck %s --check-prefix=ZERO
// RUN: not weir-opt %s --pass-pipeline='builtin.module(func.func(weir-dct{token-axis=x=1 variant=qkv keep=auto:2 approximate=true}))' 2>&1 | FileCheck %s --check-prefix=ENERGY
// RUN: not weir-opt %s --pass-pipeline='builtin.module(func.func(weir-dct{token-axis=x=1 variant=qkv keep=auto:0.9 approximate=true}))' 2>&1 | FileCheck %s --check-prefix=AUTO
// RUN: not weir-opt %s --pass-pipeline='builtin.module(func.func(weir-dct{token-axis=x=1 variant=qkv keep=3,3,3 approximate=true}))' 2>&1 | FileCheck %s --check-prefix=COUNT
// RUN: not weir-opt %s --pass-pipeline='builtin.module(func.func(weir-dct{token-axis=x=1 variant=resample keep=3}))' 2>&1 | FileCheck %s --check-prefix=LEAVE
// RUN: not weir-opt %s --pass-pipeline='builtin.module(func.func(weir-dct{token-axis=x=1 variant=x keep=3 layers=0-1 approximate=true}))' 2>&1 | FileCheck %s --check-prefix=LAYER
// RUN: not weir-opt %s --pass-pipeline='builtin.module(func.func(weir-dct{token-axis=x=1 variant=x keep=9 approximate=true}))' 2>&1 | FileCheck %s --check-prefix=MANY
// RUN: not weir-opt %s --pass-pipeline='builtin.module(func.func(weir-dct{token-axis=x=1 variant=x keep=3 layers=7 approximate=true}))' 2>&1 | FileCheck %s --check-prefix=OUTSIDE
// RUN: weir-opt %s --remarks-filter=weir --remark-format=emitRemark --pass-pipeline='builtin.module(func.func(weir-dct{token-axis=x=1 variant=x keep=3 approximate=true}))' 2>&1 | FileCheck %s --check-prefix=SOME

// What is asked for has to be said, and be one of what there is.
// VARIANT: error: a DCT rewrite needs a variant
// VARIANT: help: resample and pool approximate a model that was trained with full attention
// NAME: error: variant 'fft' is none of qkv, x, resample and pool
// KEEP: error: a DCT rewrite needs the number of rows to keep
// KEEP: help: give keep=16, keep=32,16,16 or keep=auto:0.99
// ZERO: error: keep=0 is no number of rows
// ENERGY: error: keep=auto:2 is no number of rows
// AUTO: error: keep=auto:0.9 needs to know how much energy attention 0 has, and where
// AUTO: help: calibrate first
// COUNT: error: keep gives numbers of rows for 3 attentions, but 2 are compressed
// LEAVE: error: the variant resample computes other numbers than full attention
// LEAVE: help: measure by how much
// MANY: error: attention 0 ('weir.attention') cannot be compressed: it has 8 keys, and 9 rows shall be kept
// OUTSIDE: error: there is no attention 7

// A layer that was asked for by its number has to be compressed; of all, some can be.
// LAYER: error: attention 0 ('weir.attention') cannot be compressed: its queries, keys or values are no projections of tokens
// LAYER: help: leave what cannot be compressed out of layers=0-1
// SOME: remark: {{.*}}Reason="its queries, keys or values are no projections of tokens"
// SOME: weir.attention softmax %arg0, %arg0, %arg0
// SOME: weir.attention softmax {{.*}} tensor<1x3x4xf32>
func.func @window(%x: tensor<1x8x4xf32> {weir.input = "x"}) -> (tensor<1x8x4xf32>, tensor<1x8x4xf32>) {
  %w = onnx.Constant dense<0.5> : tensor<4x4xf32>
  %a = weir.attention softmax %x, %x, %x
    : tensor<1x8x4xf32>, tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  %p = onnx.MatMul %x, %w : (tensor<1x8x4xf32>, tensor<4x4xf32>) -> tensor<1x8x4xf32>
  %y = weir.attention softmax %p, %p, %p
    : tensor<1x8x4xf32>, tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  return %a, %y : tensor<1x8x4xf32>, tensor<1x8x4xf32>
}
