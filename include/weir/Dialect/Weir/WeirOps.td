//===- WeirOps.td - The weir dialect: explicit state of a step ------------===//

#ifndef WEIR_DIALECT_WEIR_WEIROPS_TD
#define WEIR_DIALECT_WEIR_WEIROPS_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "weir/Interfaces/TokenFlowOpInterface.td"

def Weir_Dialect : Dialect {
  let name = "weir";
  let cppNamespace = "::weir";
  let summary = "What one step keeps for the next";
  let description = [{
    Rings hold the tokens of a window in *slot order*: at step t (counted from 0) the
    token at window position p stands in slot `(p + (t + 1) * chunk) mod tokens`, so that
    new tokens overwrite the ones that leave and nothing else moves. Fixed rows before
    and after the tokens keep their places.

    States are values: a function takes the state `k` as an argument with
    `weir.state = "k"` and returns its new value as a result with the same attribute.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasRegionArgAttrVerify = 1;
}

def Weir_AxisAttr : AttrDef<Weir_Dialect, "Axis"> {
  let mnemonic = "axis";
  let summary = "Where the tokens stand in a tensor";
  let description = [{
    Dimension `dim` reads (outer, row, inner); the rows are `lead` fixed ones, `tokens`
    tokens and `tail` fixed ones; `chunk` tokens enter a step.

    C1: `dim`, `lead` and `tail` are not negative; `inner`, `tokens` and `chunk` are
    positive, and `chunk` is at most `tokens`.

    Example: 64 tokens after a class token: `#weir.axis<dim = 1, lead = 1, tokens = 64>`.
  }];
  let parameters = (ins "int64_t":$dim, DefaultValuedParameter<"int64_t", "1">:$inner,
    DefaultValuedParameter<"int64_t", "0">:$lead, "int64_t":$tokens,
    DefaultValuedParameter<"int64_t", "0">:$tail, DefaultValuedParameter<"int64_t", "1">:$chunk);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let builders = [AttrBuilder<(ins "const ::weir::TokenAxis &":$axis), [{
    return $_get($_ctxt, axis.dim, axis.inner, axis.lead, axis.tokens, axis.tail, axis.chunk);
  }]>];
  let extraClassDeclaration = [{
    ::weir::TokenAxis toAxis() const {
      return {getDim(), getInner(), getLead(), getTokens(), getTail(), getChunk()};
    }
  }];
}

class Weir_Op<string mnemonic, list<Trait> traits = []>
    : Op<Weir_Dialect, mnemonic, !listconcat(traits, [Pure])> {
  let hasVerifier = 1;
}

def Weir_RingPushOp : Weir_Op<"ring_push", [AllTypesMatch<["ring", "result"]>]> {
  let summary = "Write rows into a ring at the slots of their window positions";
  let description = [{
    `result` is `ring` with row `positions[i]` of the window of step `step` replaced by
    row `i` of `rows`; a token at window position p (fixed rows not counted) goes to slot
    `(p + (step + 1) * chunk) mod tokens`.

    C1: `axis` lies in the ring: its dimension exists and is a multiple of rows * inner.
    C2: `positions` are distinct and inside the axis.
    C3: `rows` has the type of the ring, restricted to that many rows.

    ```mlir
    %r1 = weir.ring_push %x, %r0, %t {axis = #weir.axis<dim = 1, tokens = 8>,
      positions = array<i64: 7>} : tensor<1x1x4xf32>, tensor<1x8x4xf32>
    ```
  }];
  let arguments = (ins AnyStaticShapeTensor:$rows, AnyStaticShapeTensor:$ring, Index:$step,
    Weir_AxisAttr:$axis, DenseI64ArrayAttr:$positions);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$rows `,` $ring `,` $step attr-dict `:` type($rows) `,` type($ring)";
}

def Weir_RingReadOp : Weir_Op<"ring_read"> {
  let summary = "Read rows of a ring by their window positions";
  let description = [{
    Row `i` of `rows` is row `positions[i]` of the window of step `step`, read from the
    slot where `weir.ring_push` wrote it.

    C1: `axis` lies in the ring.
    C2: `positions` are inside the axis.
    C3: `rows` has the type of the ring, restricted to that many rows.

    ```mlir
    %x = weir.ring_read %r, %t {axis = #weir.axis<dim = 1, tokens = 8>,
      positions = array<i64: 0, 7>} : tensor<1x8x4xf32> -> tensor<1x2x4xf32>
    ```
  }];
  let arguments = (ins AnyStaticShapeTensor:$ring, Index:$step, Weir_AxisAttr:$axis,
    DenseI64ArrayAttr:$positions);
  let results = (outs AnyStaticShapeTensor:$rows);
  let assemblyFormat = "$ring `,` $step attr-dict `:` type($ring) `->` type($rows)";
}

def Weir_RollOp : Weir_Op<"roll", [AllTypesMatch<["window", "result"]>]> {
  let summary = "Put a whole window into slot order";
  let description = [{
    Row `s` of `result` is the row of `window` whose slot at step `step` is `s`; fixed
    rows stay.

    C1: `axis` lies in the window.

    ```mlir
    %s = weir.roll %w, %t {axis = #weir.axis<dim = 1, tokens = 8>} : tensor<1x8x4xf32>
    ```
  }];
  let arguments = (ins AnyStaticShapeTensor:$window, Index:$step, Weir_AxisAttr:$axis);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$window `,` $step attr-dict `:` type($window)";
}

def Weir_SelectRowsOp : Weir_Op<"select_rows", [DeclareOpInterfaceMethods<
    TokenFlowOpInterface, ["transferTokenFlow", "buildOnRows"]>]> {
  let summary = "Take some rows out of others";
  let description = [{
    Dimension `dim` of `value` reads (outer, row, inner) with `extent` rows; row `i` of
    `rows` is row `indices[i]`.

    C1: `dim` exists and is a multiple of `extent * inner`.
    C2: `indices` are inside `extent`.
    C3: `rows` has the type of the value, restricted to that many rows.

    ```mlir
    %y = weir.select_rows %x {dim = 1, inner = 1, extent = 3, indices = array<i64: 2>}
       : tensor<1x3x4xf32> -> tensor<1x1x4xf32>
    ```
  }];
  let arguments = (ins AnyStaticShapeTensor:$value, I64Attr:$dim, I64Attr:$inner,
    I64Attr:$extent, DenseI64ArrayAttr:$indices);
  let results = (outs AnyStaticShapeTensor:$rows);
  let assemblyFormat = "$value attr-dict `:` type($value) `->` type($rows)";
}

#endif // WEIR_DIALECT_WEIR_WEIROPS_TD
