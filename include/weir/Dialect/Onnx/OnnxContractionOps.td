//===- OnnxContractionOps.td - Operators that multiply and accumulate -----===//

#ifndef WEIR_DIALECT_ONNX_ONNXCONTRACTIONOPS_TD
#define WEIR_DIALECT_ONNX_ONNXCONTRACTIONOPS_TD

include "weir/Dialect/Onnx/OnnxBase.td"

def Onnx_MatMulOp : Onnx_Op<"MatMul"> {
  let summary = "Multiply matrices, or batches of them";
  let description = [{
    `y[..., i, j] = sum_k a[..., i, k] b[..., k, j]`; the dimensions before the last
    two broadcast, an operand of rank 1 is a row (`a`) or a column (`b`).

    C1: both operands have rank 1 or more.
    C2: the last dimension of `a` equals the last but one (or only one) of `b`.

    ```mlir
    %y = onnx.MatMul %a, %b : (tensor<2x4x8xf32>, tensor<8x3xf32>) -> tensor<2x4x3xf32>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$A, Onnx_Tensor:$B);
  let results = (outs Onnx_Tensor:$Y);
}
def Onnx_GemmOp : Onnx_Op<"Gemm"> {
  let summary = "Multiply two matrices, scale and add";
  let description = [{
    `y = alpha A' B' + beta C`, where `'` transposes when `transA`, `transB` say so.

    C1: `A` and `B` have rank 2.
    C2: the inner dimensions of `A'` and `B'` are equal.

    ```mlir
    %y = onnx.Gemm %a, %b, %c {transB = 1 : si64}
       : (tensor<4x8xf32>, tensor<3x8xf32>, tensor<3xf32>) -> tensor<4x3xf32>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$A, Onnx_Tensor:$B, Onnx_OptionalTensor:$C,
    DefaultValuedAttr<F32Attr, "1.0f">:$alpha, DefaultValuedAttr<F32Attr, "1.0f">:$beta,
    DefaultValuedAttr<SI64Attr, "0">:$transA, DefaultValuedAttr<SI64Attr, "0">:$transB);
  let results = (outs Onnx_Tensor:$Y);
}
def Onnx_EinsumOp : Onnx_Op<"Einsum"> {
  let summary = "Contract tensors by Einstein's summation";
  let description = [{
    C1: the equation has one term an operand, of as many letters as its rank.
    C2: a letter stands for one size.

    ```mlir
    %y = onnx.Einsum %a, %b {equation = "bqd,bkd->bqk"}
       : (tensor<1x4x8xf32>, tensor<1x5x8xf32>) -> tensor<1x4x5xf32>
    ```
  }];
  let arguments = (ins Variadic<Onnx_Tensor>:$Inputs, StrAttr:$equation);
  let results = (outs Onnx_Tensor:$Output);
}
def Onnx_ConvOp : Onnx_Op<"Conv"> {
  let summary = "Convolve over the dimensions after batch and channel";
  let description = [{
    `x` is `[B, C, spatial...]`, `w` is `[M, C / group, kernel...]`.

    C1: `x` and `w` have the same rank of 3 or more.
    C2: `C = group * w.dim(1)` and `M` is divisible by `group`.

    ```mlir
    %n = onnx.NoValue
    %y = onnx.Conv %x, %w, %n {pads = [1, 1]}
       : (tensor<1x8x16xf32>, tensor<4x8x3xf32>, none) -> tensor<1x4x16xf32>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$X, Onnx_Tensor:$W, Onnx_OptionalTensor:$B,
    DefaultValuedStrAttr<StrAttr, "NOTSET">:$auto_pad, OptionalAttr<I64ArrayAttr>:$dilations,
    DefaultValuedAttr<SI64Attr, "1">:$group, OptionalAttr<I64ArrayAttr>:$kernel_shape,
    OptionalAttr<I64ArrayAttr>:$pads, OptionalAttr<I64ArrayAttr>:$strides);
  let results = (outs Onnx_Tensor:$Y);
}
def Onnx_AttentionOp : Onnx_Op<"Attention"> {
  let summary = "Attend from queries to keys and values";
  let description = [{
    `Y = softmax(scale Q K^T + mask) V` a head, of operands `[B, heads, n, d]` or
    `[B, n, heads * d]` (then `q_num_heads` and `kv_num_heads` are given). Outputs
    after `Y`, and the inputs after `attn_mask`, are the operator's caches. A query sees
    the keys from `left_window_size` before it to `right_window_size` after it (all where
    that is -1), and none after it when `is_causal`.

    C1: `Q`, `K`, `V` have the same rank, 3 or 4.
    C2: at rank 3 both head counts are given and divide the widths.

    ```mlir
    %n = onnx.NoValue
    %y, %pk, %pv, %qk = onnx.Attention %q, %k, %v, %n, %n, %n, %n
      : (tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, none, none, none, none)
      -> (tensor<1x2x4x8xf32>, none, none, none)
    ```
  }];
  let arguments = (ins Onnx_Tensor:$Q, Onnx_Tensor:$K, Onnx_Tensor:$V,
    Onnx_OptionalTensor:$attn_mask, Onnx_OptionalTensor:$past_key,
    Onnx_OptionalTensor:$past_value, Onnx_OptionalTensor:$nonpad_kv_seqlen,
    DefaultValuedAttr<SI64Attr, "0">:$is_causal, OptionalAttr<SI64Attr>:$kv_num_heads,
    DefaultValuedAttr<SI64Attr, "-1">:$left_window_size, OptionalAttr<SI64Attr>:$q_num_heads,
    DefaultValuedAttr<SI64Attr, "0">:$qk_matmul_output_mode,
    DefaultValuedAttr<SI64Attr, "-1">:$right_window_size, OptionalAttr<F32Attr>:$scale,
    DefaultValuedAttr<F32Attr, "0.0f">:$softcap, OptionalAttr<SI64Attr>:$softmax_precision);
  let results = (outs Onnx_Tensor:$Y, Onnx_OptionalTensor:$present_key,
    Onnx_OptionalTensor:$present_value, Onnx_OptionalTensor:$qk_matmul_output);
}
def Onnx_RotaryEmbeddingOp : Onnx_Op<"RotaryEmbedding"> {
  let summary = "Turn pairs of features by an angle that grows with the position";
  let description = [{
    Of the first `rotary_embedding_dim` features of a head (all when 0), pairs `(a, b)`
    become `(a cos - b sin, a sin + b cos)`; a pair is feature `i` and `i` of the other
    half, or neighbours when `interleaved`. `X` is `[B, heads, n, d]`, or
    `[B, n, heads * d]` with `num_heads`; the tables are `[B, n, r/2]`, or rows that
    `position_ids` `[B, n]` choose.

    C1: `X` has rank 4, or rank 3 and `num_heads` that divide its width.
    C2: the tables hold half as many features as are turned, an even number.

    ```mlir
    %n = onnx.NoValue
    %y = onnx.RotaryEmbedding %x, %cos, %sin, %n
       : (tensor<1x2x4x8xf32>, tensor<1x4x4xf32>, tensor<1x4x4xf32>, none)
       -> tensor<1x2x4x8xf32>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$X, Onnx_Tensor:$cos_cache, Onnx_Tensor:$sin_cache,
    Onnx_OptionalTensor:$position_ids, DefaultValuedAttr<SI64Attr, "0">:$interleaved,
    DefaultValuedAttr<SI64Attr, "0">:$num_heads,
    DefaultValuedAttr<SI64Attr, "0">:$rotary_embedding_dim);
  let results = (outs Onnx_Tensor:$Y);
}

#endif // WEIR_DIALECT_ONNX_ONNXCONTRACTIONOPS_TD
