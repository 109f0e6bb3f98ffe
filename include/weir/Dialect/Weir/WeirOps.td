//===- WeirOps.td - The weir dialect: explicit state of a step ------------===//

#ifndef WEIR_DIALECT_WEIR_WEIROPS_TD
#define WEIR_DIALECT_WEIR_WEIROPS_TD

include "weir/Dialect/Weir/WeirAttentionOps.td"
include "weir/Dialect/Weir/WeirBase.td"
include "weir/Dialect/Weir/WeirClusterOps.td"
include "weir/Dialect/Weir/WeirEncoderOps.td"
include "weir/Dialect/Weir/WeirSlidingDctOps.td"
include "weir/Dialect/Weir/WeirTokenMapOps.td"
include "weir/Interfaces/Enums.td"

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

def Weir_ShiftPushOp : Weir_Op<"shift_push", [AllTypesMatch<["window", "result"]>]> {
  let summary = "Move the tokens of a window and write rows at their positions";
  let description = [{
    `result` is `window` with its first `chunk` tokens dropped, the others moved to the
    front by as many, and row `positions[i]` then replaced by row `i` of `rows`. It is
    `weir.ring_push` for a state in window order.

    C1: `axis` lies in the window.
    C2: `positions` are distinct and inside the axis.
    C3: `rows` has the type of the window, restricted to that many rows.
    C4: the last `chunk` tokens are written.

    ```mlir
    %w1 = weir.shift_push %x, %w0 {axis = #weir.axis<dim = 1, tokens = 8>,
      positions = array<i64: 7>} : tensor<1x1x4xf32>, tensor<1x8x4xf32>
    ```
  }];
  let arguments = (ins AnyStaticShapeTensor:$rows, AnyStaticShapeTensor:$window,
    Weir_AxisAttr:$axis, DenseI64ArrayAttr:$positions);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$rows `,` $window attr-dict `:` type($rows) `,` type($window)";
  let extraClassDeclaration = [{
    /// Neighbouring rows of the result that are `count` neighbouring rows of `rows` or
    /// of `window`, beginning with row `first`.
    struct Piece {
      bool isNew;
      int64_t first, count;
    };
    /// Joined, they are the result. Pushing row 3 into a window of 4 tokens:
    /// {window, 1, 3}, {rows, 0, 1}.
    ::llvm::SmallVector<Piece> getPieces();
  }];
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

def Weir_AbsentTokenAttr : EnumAttr<Weir_Dialect, AbsentToken, "absent"> {
  let assemblyFormat = "$value";
}

def Weir_MaskAbsentOp : Weir_Op<"mask_absent", [AllTypesMatch<["value", "result"]>]> {
  let summary = "Replace the rows of tokens that have not come yet";
  let description = [{
    `result` is `value`, but rows of tokens that come before the stream's first one read
    as `fill`. At step t, (t + 1) * chunk - skipped tokens have come, where skipped =
    -tokens mod chunk; they stand last in the window. Fixed rows are there always.

    `value` holds all rows in slot order, or those at the window's `positions`.

    C1: `axis`, with all of its rows or `positions`, lies in the value.
    C2: `positions` are inside the axis.
    C3: `fill` is zero, one, lowest or highest.

    ```mlir
    %y = weir.mask_absent lowest %x, %t {axis = #weir.axis<dim = 1, tokens = 8>}
       : tensor<1x8x4xf32>
    ```
  }];
  let arguments = (ins Weir_AbsentTokenAttr:$fill, AnyStaticShapeTensor:$value, Index:$step,
    Weir_AxisAttr:$axis, OptionalAttr<DenseI64ArrayAttr>:$positions);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$fill $value `,` $step attr-dict `:` type($value)";
}

def Weir_ScaleToPresentOp : Weir_Op<"scale_to_present", [AllTypesMatch<["value", "result"]>]> {
  let summary = "Scale a mean over the window to the tokens that have come";
  let description = [{
    `result` is `value` times the rows of the axis over those that are there: its fixed
    rows and the tokens that have come by step t.

    C1: the value holds floats.

    ```mlir
    %y = weir.scale_to_present %x, %t {axis = #weir.axis<dim = 1, tokens = 8>}
       : tensor<1x4xf32>
    ```
  }];
  let arguments = (ins AnyStaticShapeTensor:$value, Index:$step, Weir_AxisAttr:$axis);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$value `,` $step attr-dict `:` type($value)";
}

#endif // WEIR_DIALECT_WEIR_WEIROPS_TD
