//===- OnnxShapeOps.td - Operators that move data or compute shapes -------===//

#ifndef WEIR_DIALECT_ONNX_ONNXSHAPEOPS_TD
#define WEIR_DIALECT_ONNX_ONNXSHAPEOPS_TD

include "weir/Dialect/Onnx/OnnxBase.td"

def Onnx_NoValueOp : Op<Onnx_Dialect, "NoValue", [Pure, ConstantLike]> {
  let summary = "Stand for an absent optional input";
  let description = [{
    ```mlir
    %n = onnx.NoValue
    ```
  }];
  let arguments = (ins UnitAttr:$value);
  let results = (outs NoneType:$none_val);
  let assemblyFormat = "attr-dict";
  let hasFolder = 1;
  let builders = [OpBuilder<(ins), [{
    build($_builder, $_state, $_builder.getNoneType(), $_builder.getUnitAttr());
  }]>];
}
def Onnx_ConstantOp : Op<Onnx_Dialect, "Constant",
    [Pure, ConstantLike, AllTypesMatch<["value", "output"]>]> {
  let summary = "Hold the value of an initializer or a folded operator";
  let description = [{
    Large values are `dense_resource` attributes, which share the bytes of the model
    file's tensor and leave the process only in bytecode.

    C1: the value has the type of the result.

    ```mlir
    %c = onnx.Constant dense<[1.0, 2.0]> : tensor<2xf32>
    ```
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs AnyStaticShapeTensor:$output);
  let assemblyFormat = "attr-dict $value";
  let hasFolder = 1;
  let builders = [OpBuilder<(ins "::mlir::ElementsAttr":$value), [{
    build($_builder, $_state, value.getType(), value);
  }]>];
}
def Onnx_CustomOp : Op<Onnx_Dialect, "Custom"> {
  let summary = "Keep an operator of a domain that Weir does not know";
  let description = [{
    ```mlir
    %y = onnx.Custom %x {domain_name = "com.acme", function_name = "Warp"}
       : (tensor<2x3xf32>) -> tensor<*xf32>
    ```
  }];
  let arguments = (ins Variadic<Onnx_OptionalTensor>:$inputs, StrAttr:$function_name,
    StrAttr:$domain_name);
  let results = (outs Variadic<Onnx_OptionalTensor>:$outputs);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

def Onnx_ReshapeOp : Onnx_Op<"Reshape"> {
  let summary = "Give the elements, in order, another shape";
  let description = [{
    In `shape`, 0 keeps the dimension (unless `allowzero`) and one -1 takes the rest.

    C1: the number of elements stays.

    ```mlir
    %y = onnx.Reshape %x, %s : (tensor<2x6xf32>, tensor<3xi64>) -> tensor<*xf32>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$data, Onnx_Tensor:$shape,
    DefaultValuedAttr<SI64Attr, "0">:$allowzero);
  let results = (outs Onnx_Tensor:$reshaped);
}
def Onnx_TransposeOp : Onnx_Op<"Transpose"> {
  let summary = "Permute the dimensions";
  let description = [{
    Dimension `i` of the result is dimension `perm[i]` of the operand; without `perm`
    they are reversed.

    C1: `perm` is a permutation of the dimensions.

    ```mlir
    %y = onnx.Transpose %x {perm = [1, 0]} : (tensor<2x3xf32>) -> tensor<3x2xf32>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$data, OptionalAttr<I64ArrayAttr>:$perm);
  let results = (outs Onnx_Tensor:$transposed);
}
class Onnx_AxesView<string mnemonic, string what> : Onnx_Op<mnemonic> {
  let summary = what # " dimensions of size 1";
  let description = what # " dimensions of size 1 at `axes`.\n\n" #
    "```mlir\n%y = onnx." # mnemonic #
    " %x, %axes : (tensor<2x1x3xf32>, tensor<1xi64>) -> tensor<*xf32>\n```";
}
def Onnx_SqueezeOp : Onnx_AxesView<"Squeeze", "Remove"> {
  let arguments = (ins Onnx_Tensor:$data, Onnx_OptionalTensor:$axes);
  let results = (outs Onnx_Tensor:$squeezed);
}
def Onnx_UnsqueezeOp : Onnx_AxesView<"Unsqueeze", "Insert"> {
  let arguments = (ins Onnx_Tensor:$data, Onnx_Tensor:$axes);
  let results = (outs Onnx_Tensor:$expanded);
}
def Onnx_FlattenOp : Onnx_Op<"Flatten"> {
  let summary = "Merge the dimensions before and after an axis";
  let description = [{
    ```mlir
    %y = onnx.Flatten %x {axis = 2 : si64} : (tensor<2x3x4xf32>) -> tensor<6x4xf32>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$input, DefaultValuedAttr<SI64Attr, "1">:$axis);
  let results = (outs Onnx_Tensor:$output);
}
def Onnx_ExpandOp : Onnx_Op<"Expand"> {
  let summary = "Broadcast to a shape";
  let description = [{
    The result's shape is that of the operand broadcast against `shape`.

    ```mlir
    %y = onnx.Expand %x, %s : (tensor<1x3xf32>, tensor<2xi64>) -> tensor<*xf32>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$input, Onnx_Tensor:$shape);
  let results = (outs Onnx_Tensor:$output);
}
def Onnx_TileOp : Onnx_Op<"Tile"> {
  let summary = "Repeat along every dimension";
  let description = [{
    ```mlir
    %y = onnx.Tile %x, %r : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<*xf32>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$input, Onnx_Tensor:$repeats);
  let results = (outs Onnx_Tensor:$output);
}
def Onnx_ConcatOp : Onnx_Op<"Concat"> {
  let summary = "Join tensors along an axis";
  let description = [{
    C1: the operands' shapes agree but for `axis`.

    ```mlir
    %y = onnx.Concat %a, %b {axis = 1 : si64}
       : (tensor<2x1xf32>, tensor<2x3xf32>) -> tensor<2x4xf32>
    ```
  }];
  let arguments = (ins Variadic<Onnx_Tensor>:$inputs, SI64Attr:$axis);
  let results = (outs Onnx_Tensor:$concat_result);
}
def Onnx_SplitOp : Onnx_Op<"Split"> {
  let summary = "Cut a tensor along an axis";
  let description = [{
    Into the sizes of `split`, or without it into equal parts, the last one smaller.

    ```mlir
    %n = onnx.NoValue
    %a, %b = onnx.Split %x, %n {axis = 1 : si64, num_outputs = 2 : si64}
           : (tensor<2x6xf32>, none) -> (tensor<2x3xf32>, tensor<2x3xf32>)
    ```
  }];
  let arguments = (ins Onnx_Tensor:$input, Onnx_OptionalTensor:$split,
    DefaultValuedAttr<SI64Attr, "0">:$axis, SI64Attr:$num_outputs);
  let results = (outs Variadic<Onnx_Tensor>:$outputs);
}
def Onnx_SliceOp : Onnx_Op<"Slice"> {
  let summary = "Take a range of some dimensions";
  let description = [{
    Elements `starts`, `starts + steps`, ... before `ends` of each of `axes`; negative
    positions count from the end, out-of-range ones are clamped.

    ```mlir
    %n = onnx.NoValue
    %y = onnx.Slice %x, %starts, %ends, %axes, %n
       : (tensor<2x6xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<*xf32>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$data, Onnx_Tensor:$starts, Onnx_Tensor:$ends,
    Onnx_OptionalTensor:$axes, Onnx_OptionalTensor:$steps);
  let results = (outs Onnx_Tensor:$output);
}
def Onnx_GatherOp : Onnx_Op<"Gather"> {
  let summary = "Take entries of one dimension by index";
  let description = [{
    The dimension `axis` of `data` is replaced by the dimensions of `indices`.

    ```mlir
    %y = onnx.Gather %x, %i {axis = 0 : si64}
       : (tensor<50x8xf32>, tensor<1x4xi64>) -> tensor<1x4x8xf32>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$data, Onnx_Tensor:$indices,
    DefaultValuedAttr<SI64Attr, "0">:$axis);
  let results = (outs Onnx_Tensor:$output);
}
def Onnx_GatherElementsOp : Onnx_Op<"GatherElements"> {
  let summary = "Take elements of one dimension by an index of each";
  let description = [{
    `out[i, j] = data[i, indices[i, j]]` for `axis = 1`, and so on.

    ```mlir
    %y = onnx.GatherElements %x, %i {axis = 1 : si64}
       : (tensor<2x6xf32>, tensor<2x3xi64>) -> tensor<2x3xf32>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$data, Onnx_Tensor:$indices,
    DefaultValuedAttr<SI64Attr, "0">:$axis);
  let results = (outs Onnx_Tensor:$output);
}
def Onnx_GatherNDOp : Onnx_Op<"GatherND"> {
  let summary = "Take slices by index vectors";
  let description = [{
    The last dimension of `indices` points into the leading dimensions of `data`.

    ```mlir
    %y = onnx.GatherND %x, %i : (tensor<4x6xf32>, tensor<3x1xi64>) -> tensor<3x6xf32>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$data, Onnx_Tensor:$indices,
    DefaultValuedAttr<SI64Attr, "0">:$batch_dims);
  let results = (outs Onnx_Tensor:$output);
}
def Onnx_ScatterNDOp : Onnx_Op<"ScatterND"> {
  let summary = "Replace slices by index vectors";
  let description = [{
    A copy of `data` in which the slices that the vectors of `indices` point at are those
    of `updates`; `reduction` is `none`, `add`, `mul`, `max` or `min`.

    C1: `updates` has the shape of what `indices` point at.

    ```mlir
    %y = onnx.ScatterND %x, %i, %u
       : (tensor<4x6xf32>, tensor<3x1xi64>, tensor<3x6xf32>) -> tensor<4x6xf32>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$data, Onnx_Tensor:$indices, Onnx_Tensor:$updates,
    DefaultValuedStrAttr<StrAttr, "none">:$reduction);
  let results = (outs Onnx_Tensor:$output);
}
def Onnx_ScatterElementsOp : Onnx_Op<"ScatterElements"> {
  let summary = "Replace elements of one dimension by an index of each";
  let description = [{
    A copy of `data` in which `out[i, indices[i, j]] = updates[i, j]` for `axis = 1`, and so
    on; `reduction` is `none` (of several updates the last one stays), `add`, `mul`, `max` or
    `min` (they join what is there, in their order).

    C1: `indices` and `updates` have one shape, of the rank of `data`, which exceeds `data` in
    no dimension but `axis`.

    ```mlir
    %y = onnx.ScatterElements %x, %i, %u {axis = 1 : si64}
       : (tensor<2x6xf32>, tensor<2x3xi64>, tensor<2x3xf32>) -> tensor<2x6xf32>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$data, Onnx_Tensor:$indices, Onnx_Tensor:$updates,
    DefaultValuedAttr<SI64Attr, "0">:$axis,
    DefaultValuedStrAttr<StrAttr, "none">:$reduction);
  let results = (outs Onnx_Tensor:$output);
}
def Onnx_PadOp : Onnx_Op<"Pad"> {
  let summary = "Extend dimensions at both ends";
  let description = [{
    `pads` holds all begins, then all ends, of `axes`; `mode` is `constant`,
    `reflect`, `edge` or `wrap`.

    ```mlir
    %n = onnx.NoValue
    %y = onnx.Pad %x, %p, %n, %n
       : (tensor<2x3xf32>, tensor<4xi64>, none, none) -> tensor<*xf32>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$data, Onnx_Tensor:$pads,
    Onnx_OptionalTensor:$constant_value, Onnx_OptionalTensor:$axes,
    DefaultValuedStrAttr<StrAttr, "constant">:$mode);
  let results = (outs Onnx_Tensor:$output);
}
def Onnx_TriluOp : Onnx_Op<"Trilu"> {
  let summary = "Keep a triangle of each matrix, zero elsewhere";
  let description = [{
    `upper = 1` keeps `j - i >= k`, `upper = 0` keeps `j - i <= k`.

    ```mlir
    %n = onnx.NoValue
    %y = onnx.Trilu %x, %n : (tensor<4x4xf32>, none) -> tensor<4x4xf32>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$input, Onnx_OptionalTensor:$k,
    DefaultValuedAttr<SI64Attr, "1">:$upper);
  let results = (outs Onnx_Tensor:$output);
}
def Onnx_ShapeOp : Onnx_Op<"Shape"> {
  let summary = "Return the shape as a tensor";
  let description = [{
    ```mlir
    %s = onnx.Shape %x : (tensor<2x3xf32>) -> tensor<2xi64>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$data, OptionalAttr<SI64Attr>:$end,
    DefaultValuedAttr<SI64Attr, "0">:$start);
  let results = (outs Onnx_Tensor:$shape);
}
def Onnx_SizeOp : Onnx_Op<"Size"> {
  let summary = "Return the number of elements";
  let description = [{
    ```mlir
    %s = onnx.Size %x : (tensor<2x3xf32>) -> tensor<i64>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$data);
  let results = (outs Onnx_Tensor:$size);
}
def Onnx_RangeOp : Onnx_Op<"Range"> {
  let summary = "Count from a start to before a limit";
  let description = [{
    ```mlir
    %y = onnx.Range %start, %limit, %delta
       : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<*xi64>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$start, Onnx_Tensor:$limit, Onnx_Tensor:$delta);
  let results = (outs Onnx_Tensor:$output);
}
def Onnx_ConstantOfShapeOp : Onnx_Op<"ConstantOfShape"> {
  let summary = "Fill a shape with one value";
  let description = [{
    ```mlir
    %y = onnx.ConstantOfShape %s {value = dense<1> : tensor<1xi64>}
       : (tensor<2xi64>) -> tensor<*xi64>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$input, OptionalAttr<ElementsAttr>:$value);
  let results = (outs Onnx_Tensor:$output);
}

#endif // WEIR_DIALECT_ONNX_ONNXSHAPEOPS_TD
