//===- OnnxQuantizationOps.td - Operators on quantized tensors ------------===//

#ifndef WEIR_DIALECT_ONNX_ONNXQUANTIZATIONOPS_TD
#define WEIR_DIALECT_ONNX_ONNXQUANTIZATIONOPS_TD

include "weir/Dialect/Onnx/OnnxBase.td"

def Onnx_QuantizeLinearOp : Onnx_Op<"QuantizeLinear"> {
  let summary = "Map real numbers to a grid of integers or small floats";
  let description = [{
    `y = saturate(round(x / y_scale) + y_zero_point)`, halves to even. A scale (and zero
    point) is one for all elements, or one for each index of dimension `axis`, or one for
    each `block_size` indices of it. The result has the elements of `y_zero_point`, else
    `output_dtype`, else `ui8`.

    C1: the scale is of one of these shapes, and the zero point of the same.
    C2: the result holds integers of up to 16 bits or floats of 8.

    ```mlir
    %y = onnx.QuantizeLinear %x, %s, %z
       : (tensor<2x3xf32>, tensor<f32>, tensor<i8>) -> tensor<2x3xi8>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$x, Onnx_Tensor:$y_scale,
    Onnx_OptionalTensor:$y_zero_point, DefaultValuedAttr<SI64Attr, "1">:$axis,
    DefaultValuedAttr<SI64Attr, "0">:$block_size, OptionalAttr<TypeAttr>:$output_dtype,
    DefaultValuedAttr<SI64Attr, "0">:$precision, DefaultValuedAttr<SI64Attr, "1">:$saturate);
  let results = (outs Onnx_Tensor:$y);
}

def Onnx_DequantizeLinearOp : Onnx_Op<"DequantizeLinear"> {
  let summary = "Map a grid of integers or small floats to real numbers";
  let description = [{
    `y = (x - x_zero_point) x_scale`, where scale and zero point are spread as by
    `onnx.QuantizeLinear`. The result has the elements of the scale, or `output_dtype`.

    C1: the scale is of one of the shapes that `onnx.QuantizeLinear` names, and the zero
    point of the same.

    ```mlir
    %y = onnx.DequantizeLinear %x, %s, %z {axis = 0 : si64}
       : (tensor<2x3xi8>, tensor<2xf32>, tensor<2xi8>) -> tensor<2x3xf32>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$x, Onnx_Tensor:$x_scale,
    Onnx_OptionalTensor:$x_zero_point, DefaultValuedAttr<SI64Attr, "1">:$axis,
    DefaultValuedAttr<SI64Attr, "0">:$block_size, OptionalAttr<TypeAttr>:$output_dtype);
  let results = (outs Onnx_Tensor:$y);
}

def Onnx_DynamicQuantizeLinearOp : Onnx_Op<"DynamicQuantizeLinear"> {
  let summary = "Quantize to bytes by the range of the data";
  let description = [{
    With `l = min(0, min x)` and `h = max(0, max x)`: `y_scale = (h - l) / 255`,
    `y_zero_point = saturate(round(-l / y_scale))` and `y = saturate(round(x / y_scale) +
    y_zero_point)`.

    C1: `x` holds f32.

    ```mlir
    %y, %s, %z = onnx.DynamicQuantizeLinear %x
               : (tensor<2x3xf32>) -> (tensor<2x3xui8>, tensor<f32>, tensor<ui8>)
    ```
  }];
  let arguments = (ins Onnx_Tensor:$x);
  let results = (outs Onnx_Tensor:$y, Onnx_Tensor:$y_scale, Onnx_Tensor:$y_zero_point);
}

def Onnx_MatMulIntegerOp : Onnx_Op<"MatMulInteger"> {
  let summary = "Multiply matrices of bytes exactly";
  let description = [{
    `Y = (A - a_zero_point) (B - b_zero_point)` in i32, shapes as of `onnx.MatMul`. A zero
    point is one for all elements, one for each row of `A` or column of `B`, or spread over
    all matrices by shape.

    C1: the operands hold bytes.
    C2: zero points fit the operand.

    ```mlir
    %y = onnx.MatMulInteger %a, %b, %az, %bz
       : (tensor<2x3xui8>, tensor<3x4xi8>, tensor<ui8>, tensor<4xi8>) -> tensor<2x4xi32>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$A, Onnx_Tensor:$B, Onnx_OptionalTensor:$a_zero_point,
    Onnx_OptionalTensor:$b_zero_point);
  let results = (outs Onnx_Tensor:$Y);
}

#endif // WEIR_DIALECT_ONNX_ONNXQUANTIZATIONOPS_TD
