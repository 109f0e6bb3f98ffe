//===- WeirOps.td - The weir dialect: explicit state of a step ------------===//

#ifndef WEIR_DIALECT_WEIR_WEIROPS_TD
#define WEIR_DIALECT_WEIR_WEIROPS_TD

include "weir/Dialect/Weir/WeirAttentionOps.td"
include "weir/Dialect/Weir/WeirBase.td"

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
