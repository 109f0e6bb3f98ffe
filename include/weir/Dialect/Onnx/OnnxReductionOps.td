//===- OnnxReductionOps.td - Softmax, norms, reductions, pools ------------===//

#ifndef WEIR_DIALECT_ONNX_ONNXREDUCTIONOPS_TD
#define WEIR_DIALECT_ONNX_ONNXREDUCTIONOPS_TD

include "weir/Dialect/Onnx/OnnxBase.td"

class Onnx_SoftmaxLike<string mnemonic, string formula>
    : Onnx_Op<mnemonic, [], "inferSameType"> {
  let summary = "Compute " # formula # " along an axis";
  let description = "`y = " # formula # "` with the sum over `axis`.\n\n" #
    "```mlir\n%y = onnx." # mnemonic #
    " %x {axis = 1 : si64} : (tensor<2x3xf32>) -> tensor<2x3xf32>\n```";
  let arguments = (ins Onnx_Tensor:$input, DefaultValuedAttr<SI64Attr, "-1">:$axis);
  let results = (outs Onnx_Tensor:$output);
}
def Onnx_SoftmaxOp : Onnx_SoftmaxLike<"Softmax", "e^x / sum e^x">;
def Onnx_LogSoftmaxOp : Onnx_SoftmaxLike<"LogSoftmax", "x - ln sum e^x">;

def Onnx_LayerNormalizationOp : Onnx_Op<"LayerNormalization"> {
  let summary = "Normalize the dimensions from an axis on, scale and shift";
  let description = [{
    `Y = (x - mean) / sqrt(var + epsilon) * Scale + B` over the dimensions from `axis`
    on; `Mean` and `InvStdDev` are none where nobody uses them.

    ```mlir
    %y, %m, %s = onnx.LayerNormalization %x, %g, %b {epsilon = 1.0e-5 : f32}
      : (tensor<2x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x8xf32>, none, none)
    ```
  }];
  let arguments = (ins Onnx_Tensor:$X, Onnx_Tensor:$Scale, Onnx_OptionalTensor:$B,
    DefaultValuedAttr<SI64Attr, "-1">:$axis, DefaultValuedAttr<F32Attr, "1e-05f">:$epsilon,
    DefaultValuedAttr<SI64Attr, "1">:$stash_type);
  let results = (outs Onnx_Tensor:$Y, Onnx_OptionalTensor:$Mean,
    Onnx_OptionalTensor:$InvStdDev);
}
def Onnx_RMSNormalizationOp : Onnx_Op<"RMSNormalization", [], "inferSameType"> {
  let summary = "Divide by the root mean square of the dimensions from an axis on";
  let description = [{
    `Y = x / sqrt(mean(x^2) + epsilon) * scale`.

    ```mlir
    %y = onnx.RMSNormalization %x, %g : (tensor<2x8xf32>, tensor<8xf32>) -> tensor<2x8xf32>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$X, Onnx_Tensor:$scale,
    DefaultValuedAttr<SI64Attr, "-1">:$axis, DefaultValuedAttr<F32Attr, "1e-05f">:$epsilon,
    DefaultValuedAttr<SI64Attr, "1">:$stash_type);
  let results = (outs Onnx_Tensor:$Y);
}
def Onnx_BatchNormalizationOp : Onnx_Op<"BatchNormalization", [], "inferSameType"> {
  let summary = "Normalize each channel with stored statistics";
  let description = [{
    `Y = (x - mean) / sqrt(var + epsilon) * scale + B`, channels in dimension 1;
    inference only, so one result.

    ```mlir
    %y = onnx.BatchNormalization %x, %g, %b, %m, %v
       : (tensor<2x4x3xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
       -> tensor<2x4x3xf32>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$X, Onnx_Tensor:$scale, Onnx_Tensor:$B,
    Onnx_Tensor:$input_mean, Onnx_Tensor:$input_var,
    DefaultValuedAttr<F32Attr, "1e-05f">:$epsilon, DefaultValuedAttr<F32Attr, "0.9f">:$momentum,
    DefaultValuedAttr<SI64Attr, "0">:$training_mode);
  let results = (outs Onnx_Tensor:$Y);
}
def Onnx_InstanceNormalizationOp : Onnx_Op<"InstanceNormalization", [], "inferSameType"> {
  let summary = "Normalize each channel of each sample over its positions";
  let description = [{
    ```mlir
    %y = onnx.InstanceNormalization %x, %g, %b
       : (tensor<2x4x9xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x9xf32>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$input, Onnx_Tensor:$scale, Onnx_Tensor:$B,
    DefaultValuedAttr<F32Attr, "1e-05f">:$epsilon);
  let results = (outs Onnx_Tensor:$output);
}

/// Reduce the dimensions `axes` (all when absent, unless `noop_with_empty_axes`).
class Onnx_Reduction<string mnemonic, string formula>
    : Onnx_Op<mnemonic, [], "inferReduction"> {
  let summary = "Compute the " # formula # " over some dimensions";
  let description = "The " # formula # " over `axes`, or all when they are absent.\n\n" #
    "```mlir\n%y = onnx." # mnemonic # " %x, %axes {keepdims = 0 : si64}\n" #
    "   : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>\n```";
  let arguments = (ins Onnx_Tensor:$data, Onnx_OptionalTensor:$axes,
    DefaultValuedAttr<SI64Attr, "1">:$keepdims,
    DefaultValuedAttr<SI64Attr, "0">:$noop_with_empty_axes);
  let results = (outs Onnx_Tensor:$reduced);
}
def Onnx_ReduceMeanOp : Onnx_Reduction<"ReduceMean", "mean">;
def Onnx_ReduceSumOp : Onnx_Reduction<"ReduceSum", "sum">;
def Onnx_ReduceMaxOp : Onnx_Reduction<"ReduceMax", "maximum">;
def Onnx_ReduceMinOp : Onnx_Reduction<"ReduceMin", "minimum">;
def Onnx_ReduceProdOp : Onnx_Reduction<"ReduceProd", "product">;
def Onnx_ReduceL1Op : Onnx_Reduction<"ReduceL1", "sum of absolute values">;
def Onnx_ReduceL2Op : Onnx_Reduction<"ReduceL2", "root of the sum of squares">;
def Onnx_ReduceSumSquareOp : Onnx_Reduction<"ReduceSumSquare", "sum of squares">;
def Onnx_ReduceLogSumExpOp : Onnx_Reduction<"ReduceLogSumExp", "logarithm of the sum of e^x">;

class Onnx_ArgReduction<string mnemonic, string what> : Onnx_Op<mnemonic, [], "inferArgReduction"> {
  let summary = "Find the index of the " # what # " along an axis";
  let description = "The first index (the last with `select_last_index`) of the " # what #
    " along `axis`.\n\n```mlir\n%y = onnx." # mnemonic # " %x {axis = 1 : si64}\n" #
    "   : (tensor<2x3xf32>) -> tensor<2x1xi64>\n```";
  let arguments = (ins Onnx_Tensor:$data, DefaultValuedAttr<SI64Attr, "0">:$axis,
    DefaultValuedAttr<SI64Attr, "1">:$keepdims,
    DefaultValuedAttr<SI64Attr, "0">:$select_last_index);
  let results = (outs Onnx_Tensor:$reduced);
}
def Onnx_ArgMaxOp : Onnx_ArgReduction<"ArgMax", "maximum">;
def Onnx_ArgMinOp : Onnx_ArgReduction<"ArgMin", "minimum">;

def Onnx_TopKOp : Onnx_Op<"TopK"> {
  let summary = "Find the best entries of one dimension, in order";
  let description = [{
    The `K` largest entries along `axis` (smallest, if `largest` is 0), best first, and their
    indices; of equal entries the one with the lower index comes first, with `sorted` or
    without.

    C1: `K` is one number, from 0 to the entries that there are.

    ```mlir
    %v, %i = onnx.TopK %x, %k {axis = 1 : si64}
           : (tensor<2x6xf32>, tensor<1xi64>) -> (tensor<*xf32>, tensor<*xi64>)
    ```
  }];
  let arguments = (ins Onnx_Tensor:$X, Onnx_Tensor:$K, DefaultValuedAttr<SI64Attr, "-1">:$axis,
    DefaultValuedAttr<SI64Attr, "1">:$largest, DefaultValuedAttr<SI64Attr, "1">:$sorted);
  let results = (outs Onnx_Tensor:$Values, Onnx_Tensor:$Indices);
}

def Onnx_CumSumOp : Onnx_Op<"CumSum", [], "inferSameType"> {
  let summary = "Add up along an axis";
  let description = [{
    ```mlir
    %y = onnx.CumSum %x, %axis : (tensor<2x3xf32>, tensor<i64>) -> tensor<2x3xf32>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$x, Onnx_Tensor:$axis,
    DefaultValuedAttr<SI64Attr, "0">:$exclusive, DefaultValuedAttr<SI64Attr, "0">:$reverse);
  let results = (outs Onnx_Tensor:$y);
}
class Onnx_Pool<string mnemonic, string what> : Onnx_Op<mnemonic, [], "inferPool"> {
  let summary = "Take the " # what # " of sliding windows over the spatial dimensions";
  let description = "`x` is `[B, C, spatial...]`.\n\n```mlir\n%y = onnx." # mnemonic #
    " %x {kernel_shape = [2], strides = [2]}\n" #
    "   : (tensor<1x4x8xf32>) -> tensor<1x4x4xf32>\n```";
  let arguments = (ins Onnx_Tensor:$X, DefaultValuedStrAttr<StrAttr, "NOTSET">:$auto_pad,
    DefaultValuedAttr<SI64Attr, "0">:$ceil_mode,
    DefaultValuedAttr<SI64Attr, "0">:$count_include_pad, OptionalAttr<I64ArrayAttr>:$dilations,
    I64ArrayAttr:$kernel_shape, OptionalAttr<I64ArrayAttr>:$pads,
    OptionalAttr<I64ArrayAttr>:$strides);
  let results = (outs Onnx_Tensor:$Y);
}
def Onnx_AveragePoolOp : Onnx_Pool<"AveragePool", "mean">;
def Onnx_MaxPoolOp : Onnx_Pool<"MaxPool", "maximum">;
class Onnx_GlobalPool<string mnemonic, string what> : Onnx_Op<mnemonic, [], "inferGlobalPool"> {
  let summary = "Take the " # what # " over all spatial dimensions";
  let description = "```mlir\n%y = onnx." # mnemonic #
    " %x : (tensor<1x4x8xf32>) -> tensor<1x4x1xf32>\n```";
  let arguments = (ins Onnx_Tensor:$X);
  let results = (outs Onnx_Tensor:$Y);
}
def Onnx_GlobalAveragePoolOp : Onnx_GlobalPool<"GlobalAveragePool", "mean">;
def Onnx_GlobalMaxPoolOp : Onnx_GlobalPool<"GlobalMaxPool", "maximum">;

#endif // WEIR_DIALECT_ONNX_ONNXREDUCTIONOPS_TD
