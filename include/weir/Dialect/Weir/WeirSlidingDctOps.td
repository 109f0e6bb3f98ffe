//===- WeirSlidingDctOps.td - Frequencies of a window that slides ---------===//

#ifndef WEIR_DIALECT_WEIR_WEIRSLIDINGDCTOPS_TD
#define WEIR_DIALECT_WEIR_WEIRSLIDINGDCTOPS_TD

include "weir/Dialect/Weir/WeirBase.td"

def Weir_SlidingDctOp : Weir_Op<"sliding_dct", [AllTypesMatch<["real", "imaginary",
    "shadowReal", "shadowImaginary", "nextReal", "nextImaginary", "nextShadowReal",
    "nextShadowImaginary"]>]> {
  let summary = "Update the frequencies of a window by the tokens that leave and enter";
  let description = [{
    For frequency k of a window of n tokens, the states hold sums over the window's tokens
    x_u, u the time since the stream began (step t brings the times t c .. t c + c - 1):

        real + i imaginary = sum_u x_u e^(i phi)    phi = pi k (2u + 1) / (2n)

    of which `weir.dct_read` makes coefficients. A token that enters is added and one that
    leaves is subtracted with the same phase, which depends on its time alone: no state is
    ever multiplied, so that rounding errors only add up. They are wiped out by the shadow
    sums: these begin from nothing every ceil(n / c) steps, only add, and have by then met
    exactly the tokens of the window, whereupon the other sums become what they are. Where
    c does not divide n the first step after a beginning leaves out the c - n mod c oldest
    of the entering tokens.

    `entering` and `leaving` hold c rows in the dimension of the axis. Without `leaving`,
    `entering` is the whole window in window order, from which the sums are made anew; the
    shadow sums stay, and the next step has to be one in which they begin.

    C1: the axis fills its dimension with tokens: inner = 1, no fixed rows.
    C2: states hold, in that dimension, at least one and at most n frequencies.
    C3: `entering` and `leaving` have the type of the states, but for c tokens in that
        dimension; without `leaving` it is n tokens.
    C4: elements are f32 or f64.

    ```mlir
    func.func @f(%new: tensor<1x1x8xf32>, %old: tensor<1x1x8xf32>, %t: index,
        %r: tensor<1x4x8xf32>, %i: tensor<1x4x8xf32>, %sr: tensor<1x4x8xf32>,
        %si: tensor<1x4x8xf32>) {
      %0:4 = weir.sliding_dct %new leaving(%old : tensor<1x1x8xf32>), %t
          states(%r, %i, %sr, %si) {axis = #weir.axis<dim = 1, tokens = 64>}
          : tensor<1x1x8xf32>, tensor<1x4x8xf32>
      return
    }
    ```
  }];
  // The optional one last: result types are inferred from the places of the others.
  let arguments = (ins AnyStaticShapeTensor:$entering, Index:$step,
    AnyStaticShapeTensor:$real, AnyStaticShapeTensor:$imaginary,
    AnyStaticShapeTensor:$shadowReal, AnyStaticShapeTensor:$shadowImaginary,
    Optional<AnyStaticShapeTensor>:$leaving, Weir_AxisAttr:$axis);
  let results = (outs AnyStaticShapeTensor:$nextReal, AnyStaticShapeTensor:$nextImaginary,
    AnyStaticShapeTensor:$nextShadowReal, AnyStaticShapeTensor:$nextShadowImaginary);
  let assemblyFormat = [{
    $entering (`leaving` `(` $leaving^ `:` type($leaving) `)`)? `,` $step `states` `(`
    $real `,` $imaginary `,` $shadowReal `,` $shadowImaginary `)` attr-dict
    `:` type($entering) `,` type($real)
  }];
}

def Weir_DctReadOp : Weir_Op<"dct_read",
    [AllTypesMatch<["real", "imaginary", "frequencies"]>]> {
  let summary = "Read the frequencies of a window out of its sums";
  let description = [{
    Of the sums that `weir.sliding_dct` leaves at step t, the coefficients of `weir.dct` of
    the window, whose oldest token has the time s = (t + 1) c - n, times `scale`:

        frequencies = scale c_k (cos(pi k s / n) real + sin(pi k s / n) imaginary)

    with c_0 = sqrt(1/n) and c_k = sqrt(2/n).

    C1: the axis fills its dimension with tokens: inner = 1, no fixed rows.
    C2: the sums hold, in that dimension, at least one and at most n frequencies.
    C3: elements are f32 or f64.

    ```mlir
    %x = weir.dct_read %r, %i, %t {axis = #weir.axis<dim = 1, tokens = 64>, scale = 1.0 : f64}
       : tensor<1x4x8xf32>
    ```
  }];
  let arguments = (ins AnyStaticShapeTensor:$real, AnyStaticShapeTensor:$imaginary,
    Index:$step, Weir_AxisAttr:$axis, F64Attr:$scale);
  let results = (outs AnyStaticShapeTensor:$frequencies);
  let assemblyFormat = "$real `,` $imaginary `,` $step attr-dict `:` type($real)";
}

#endif // WEIR_DIALECT_WEIR_WEIRSLIDINGDCTOPS_TD
