//===- OnnxElementwiseOps.td - Operators that work element by element -----===//

#ifndef WEIR_DIALECT_ONNX_ONNXELEMENTWISEOPS_TD
#define WEIR_DIALECT_ONNX_ONNXELEMENTWISEOPS_TD

include "weir/Dialect/Onnx/OnnxBase.td"

/// One tensor in, one of the same shape and element type out.
class Onnx_Unary<string mnemonic, string formula>
    : Onnx_Op<mnemonic, [], "inferSameType"> {
  let summary = "Compute " # formula # " element by element";
  let description = "`y = " # formula # "`, of the type of `x`.\n\n" #
    "```mlir\n%y = onnx." # mnemonic # " %x : (tensor<2x3xf32>) -> tensor<2x3xf32>\n```";
  let arguments = (ins Onnx_Tensor:$X);
  let results = (outs Onnx_Tensor:$Y);
}

/// Two tensors that broadcast against each other.
class Onnx_Binary<string mnemonic, string formula, string inferFn = "inferBroadcast">
    : Onnx_Op<mnemonic, [], inferFn> {
  let summary = "Compute " # formula # " element by element";
  let arguments = (ins Onnx_Tensor:$A, Onnx_Tensor:$B);
  let results = (outs Onnx_Tensor:$C);
}
class Onnx_Arithmetic<string mnemonic, string formula> : Onnx_Binary<mnemonic, formula> {
  let description = "`" # formula # "`; shapes broadcast from the right.\n\n" #
    "```mlir\n%c = onnx." # mnemonic #
    " %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>\n```";
}
class Onnx_Comparison<string mnemonic, string formula>
    : Onnx_Binary<mnemonic, formula, "inferComparison"> {
  let description = "`" # formula # "`, a tensor of booleans; shapes broadcast.\n\n" #
    "```mlir\n%c = onnx." # mnemonic #
    " %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xi1>\n```";
}
class Onnx_Logical<string mnemonic, string formula> : Onnx_Binary<mnemonic, formula> {
  let description = "`" # formula # "` of booleans; shapes broadcast.\n\n" #
    "```mlir\n%c = onnx." # mnemonic #
    " %a, %b : (tensor<2x3xi1>, tensor<3xi1>) -> tensor<2x3xi1>\n```";
}

def Onnx_AddOp : Onnx_Arithmetic<"Add", "a + b">;
def Onnx_SubOp : Onnx_Arithmetic<"Sub", "a - b">;
def Onnx_MulOp : Onnx_Arithmetic<"Mul", "a * b">;
def Onnx_DivOp : Onnx_Arithmetic<"Div", "a / b">;
def Onnx_PowOp : Onnx_Arithmetic<"Pow", "a ^ b">;
def Onnx_PReluOp : Onnx_Arithmetic<"PRelu", "a < 0 ? b * a : a">;
def Onnx_ModOp : Onnx_Binary<"Mod", "a mod b"> {
  let description = [{
    `a mod b` with the sign of `b`; with `fmod = 1` that of `a`.

    ```mlir
    %c = onnx.Mod %a, %b : (tensor<2x3xi64>, tensor<3xi64>) -> tensor<2x3xi64>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$A, Onnx_Tensor:$B, DefaultValuedAttr<SI64Attr, "0">:$fmod);
}
def Onnx_AndOp : Onnx_Logical<"And", "a and b">;
def Onnx_OrOp : Onnx_Logical<"Or", "a or b">;
def Onnx_XorOp : Onnx_Logical<"Xor", "a xor b">;
def Onnx_EqualOp : Onnx_Comparison<"Equal", "a = b">;
def Onnx_GreaterOp : Onnx_Comparison<"Greater", "a > b">;
def Onnx_GreaterOrEqualOp : Onnx_Comparison<"GreaterOrEqual", "a >= b">;
def Onnx_LessOp : Onnx_Comparison<"Less", "a < b">;
def Onnx_LessOrEqualOp : Onnx_Comparison<"LessOrEqual", "a <= b">;

/// Any number of tensors that broadcast against each other.
class Onnx_Variadic<string mnemonic, string formula>
    : Onnx_Op<mnemonic, [], "inferBroadcast"> {
  let summary = "Compute the " # formula # " of all operands element by element";
  let description = "The " # formula # " of all operands; shapes broadcast.\n\n" #
    "```mlir\n%y = onnx." # mnemonic #
    " %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>\n```";
  let arguments = (ins Variadic<Onnx_Tensor>:$data_0);
  let results = (outs Onnx_Tensor:$result);
}
def Onnx_MaxOp : Onnx_Variadic<"Max", "maximum">;
def Onnx_MinOp : Onnx_Variadic<"Min", "minimum">;
def Onnx_SumOp : Onnx_Variadic<"Sum", "sum">;

def Onnx_AbsOp : Onnx_Unary<"Abs", "|x|">;
def Onnx_NegOp : Onnx_Unary<"Neg", "-x">;
def Onnx_SqrtOp : Onnx_Unary<"Sqrt", "sqrt(x)">;
def Onnx_ExpOp : Onnx_Unary<"Exp", "e^x">;
def Onnx_LogOp : Onnx_Unary<"Log", "ln(x)">;
def Onnx_ReciprocalOp : Onnx_Unary<"Reciprocal", "1 / x">;
def Onnx_ErfOp : Onnx_Unary<"Erf", "erf(x)">;
def Onnx_TanhOp : Onnx_Unary<"Tanh", "tanh(x)">;
def Onnx_SigmoidOp : Onnx_Unary<"Sigmoid", "1 / (1 + e^-x)">;
def Onnx_ReluOp : Onnx_Unary<"Relu", "max(x, 0)">;
def Onnx_FloorOp : Onnx_Unary<"Floor", "floor(x)">;
def Onnx_CeilOp : Onnx_Unary<"Ceil", "ceil(x)">;
def Onnx_RoundOp : Onnx_Unary<"Round", "round(x), halves to even">;
def Onnx_SignOp : Onnx_Unary<"Sign", "sign(x)">;
def Onnx_CosOp : Onnx_Unary<"Cos", "cos(x)">;
def Onnx_SinOp : Onnx_Unary<"Sin", "sin(x)">;
def Onnx_SoftplusOp : Onnx_Unary<"Softplus", "ln(1 + e^x)">;
def Onnx_SoftsignOp : Onnx_Unary<"Softsign", "x / (1 + |x|)">;
def Onnx_MishOp : Onnx_Unary<"Mish", "x tanh(ln(1 + e^x))">;
def Onnx_HardSwishOp : Onnx_Unary<"HardSwish", "x max(0, min(1, x / 6 + 1/2))">;
def Onnx_IdentityOp : Onnx_Unary<"Identity", "x">;
def Onnx_NotOp : Onnx_Unary<"Not", "not x"> {
  let description = [{
    `y = not x` of booleans.

    ```mlir
    %y = onnx.Not %x : (tensor<2x3xi1>) -> tensor<2x3xi1>
    ```
  }];
}
def Onnx_LeakyReluOp : Onnx_Unary<"LeakyRelu", "x < 0 ? alpha x : x"> {
  let arguments = (ins Onnx_Tensor:$X, DefaultValuedAttr<F32Attr, "0.01f">:$alpha);
}
def Onnx_EluOp : Onnx_Unary<"Elu", "x < 0 ? alpha (e^x - 1) : x"> {
  let arguments = (ins Onnx_Tensor:$X, DefaultValuedAttr<F32Attr, "1.0f">:$alpha);
}
def Onnx_SeluOp : Onnx_Unary<"Selu", "x < 0 ? gamma alpha (e^x - 1) : gamma x"> {
  let arguments = (ins Onnx_Tensor:$X,
    DefaultValuedAttr<F32Attr, "1.67326319217681884765625f">:$alpha,
    DefaultValuedAttr<F32Attr, "1.05070102214813232421875f">:$gamma);
}
def Onnx_HardSigmoidOp : Onnx_Unary<"HardSigmoid", "max(0, min(1, alpha x + beta))"> {
  let arguments = (ins Onnx_Tensor:$X, DefaultValuedAttr<F32Attr, "0.2f">:$alpha,
    DefaultValuedAttr<F32Attr, "0.5f">:$beta);
}
def Onnx_SwishOp : Onnx_Unary<"Swish", "x / (1 + e^(-alpha x))"> {
  let arguments = (ins Onnx_Tensor:$X, DefaultValuedAttr<F32Attr, "1.0f">:$alpha);
}
def Onnx_GeluOp : Onnx_Unary<"Gelu", "x Phi(x)"> {
  let description = [{
    `y = x/2 (1 + erf(x / sqrt 2))`, or with `approximate = "tanh"`
    `y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))`.

    ```mlir
    %y = onnx.Gelu %x {approximate = "tanh"} : (tensor<2x3xf32>) -> tensor<2x3xf32>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$X, DefaultValuedStrAttr<StrAttr, "none">:$approximate);
}
def Onnx_IsNaNOp : Onnx_Op<"IsNaN", [], "inferPredicate"> {
  let summary = "Test each element for being no number";
  let description = [{
    ```mlir
    %y = onnx.IsNaN %x : (tensor<2x3xf32>) -> tensor<2x3xi1>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$X);
  let results = (outs Onnx_Tensor:$Y);
}
def Onnx_IsInfOp : Onnx_Op<"IsInf", [], "inferPredicate"> {
  let summary = "Test each element for being infinite";
  let description = [{
    ```mlir
    %y = onnx.IsInf %x {detect_negative = 0 : si64} : (tensor<2x3xf32>) -> tensor<2x3xi1>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$X, DefaultValuedAttr<SI64Attr, "1">:$detect_negative,
    DefaultValuedAttr<SI64Attr, "1">:$detect_positive);
  let results = (outs Onnx_Tensor:$Y);
}
def Onnx_CastOp : Onnx_Op<"Cast"> {
  let summary = "Convert the element type";
  let description = [{
    Floats to integers truncate, anything to boolean asks `x != 0`.

    ```mlir
    %y = onnx.Cast %x {to = f32} : (tensor<2x3xi64>) -> tensor<2x3xf32>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$input, DefaultValuedAttr<SI64Attr, "1">:$saturate,
    TypeAttr:$to);
  let results = (outs Onnx_Tensor:$output);
}
def Onnx_ClipOp : Onnx_Op<"Clip", [], "inferSameType"> {
  let summary = "Limit each element to an interval";
  let description = [{
    `y = min(max(x, min), max)` with scalar bounds, either of which may be absent.

    ```mlir
    %y = onnx.Clip %x, %min, %max
       : (tensor<2x3xf32>, tensor<f32>, tensor<f32>) -> tensor<2x3xf32>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$input, Onnx_OptionalTensor:$min, Onnx_OptionalTensor:$max);
  let results = (outs Onnx_Tensor:$output);
}
def Onnx_WhereOp : Onnx_Op<"Where"> {
  let summary = "Choose between two tensors element by element";
  let description = [{
    `out = condition ? x : y`; all three broadcast.

    ```mlir
    %o = onnx.Where %c, %x, %y
       : (tensor<3xi1>, tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
    ```
  }];
  let arguments = (ins Onnx_Tensor:$condition, Onnx_Tensor:$X, Onnx_Tensor:$Y);
  let results = (outs Onnx_Tensor:$output);
}
def Onnx_DropoutOp : Onnx_Op<"Dropout"> {
  let summary = "Pass the data through, as dropout does in inference";
  let description = [{
    `output = data`; `mask`, where it is used, holds true.

    ```mlir
    %n = onnx.NoValue
    %y, %m = onnx.Dropout %x, %n, %n
           : (tensor<2x3xf32>, none, none) -> (tensor<2x3xf32>, tensor<2x3xi1>)
    ```
  }];
  let arguments = (ins Onnx_Tensor:$data, Onnx_OptionalTensor:$ratio,
    Onnx_OptionalTensor:$training_mode);
  let results = (outs Onnx_Tensor:$output, Onnx_OptionalTensor:$mask);
}

#endif // WEIR_DIALECT_ONNX_ONNXELEMENTWISEOPS_TD
