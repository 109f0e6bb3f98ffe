//===- WeirAttentionOps.td - Attentions that a step updates ---------------===//

#ifndef WEIR_DIALECT_WEIR_WEIRATTENTIONOPS_TD
#define WEIR_DIALECT_WEIR_WEIRATTENTIONOPS_TD

include "weir/Dialect/Weir/WeirBase.td"
include "weir/Interfaces/Enums.td"

def Weir_RetroactiveFormAttr : EnumAttr<Weir_Dialect, RetroactiveForm, "form"> {
  let assemblyFormat = "$value";
}

def Weir_RetroactiveAttentionOp : Op<Weir_Dialect, "retroactive_attention",
    [AttrSizedOperandSegments, RecursiveMemoryEffects, SingleBlock]> {
  let summary = "Update the rows of an attention by the keys that leave and enter";
  let description = [{
    Every query i in slot order keeps, of its scores s_ij and the values v_j, a reference
    r_i, the normalizer D_i = sum_j e^(s_ij - r_i) and the weighted sum A_i = sum_j
    e^(s_ij - r_i) v_j; `weir.weighted_mean` gives softmax(s) v. For each key o that
    leaves and n that enters (Hedegaard & Iosifidis, ICLR 2023, eq. 5-7, with a
    reference):

        r' = max(r, s_in)      f = e^(r - r')
        D' = (D - e^(s_io - r)) f + e^(s_in - r')
        A' = (A - e^(s_io - r) v_o) f + e^(s_in - r') v_n
        b' = b f + u (D' + (4 + |s_io|) e^(s_io - r) f + (4 + |s_in|) e^(s_in - r'))

    with u half a unit in the last place. Rows of new queries (the last `chunk` in the
    window, or the first `built[0]` and last `built[1]`), rows that are no tokens, and rows where D' >= 1/2 or b' <= tolerance D' does not hold are built again from all
    keys: r = max_j s_ij, b = 4 u D. A row whose keys are all masked (r = -inf) has D = 0
    and is left alone. `rebuilt` counts the rows that lost their precision: in all, and
    in the worst step.

    The form `shadow` keeps beside each row what came after its reference key, which
    takes over when that key leaves: `left` keys until then, and r, D, A of the shadow;
    `left` is 0 for a row without one. The form `published` has r = 0 and builds new rows
    only.

    Without leaving and entering keys every row is built.

    The body gives the scores of the query in a slot with all keys, [.., 1, keys].

    C1: `queries` and `keys` lie in the last two dimensions of the scores, which they
        fill.
    C2: the states fit the scores and values: reference, normalizer and bound [.., queries],
        weighted [.., queries, features], rebuilt two i64; with `shadow` left (i64) and
        two more like the reference and one like weighted, else none.
    C3: columns are all there or all absent, and hold one entry for each key that leaves
        and for each of as many that enter.
    C4: the body takes a slot and yields one row of scores.
    C5: `built` holds two counts of queries, of which the window has as many.
    C6: with `shadow`, keys leave as the oldest of a window that holds nothing else.

    ```mlir
    func.func @f(%scores: tensor<3x3xf32>, %v: tensor<3x4xf32>, %t: index, %r: tensor<3xf32>,
        %d: tensor<3xf32>, %b: tensor<3xf32>, %a: tensor<3x4xf32>, %n: tensor<2xi64>,
        %so: tensor<3x1xf32>, %vo: tensor<1x4xf32>, %sn: tensor<3x1xf32>, %vn: tensor<1x4xf32>) {
      %0:5 = weir.retroactive_attention guarded %v, %t states(%r, %d, %b, %a, %n)
          leaving(%so, %vo) entering(%sn, %vn)
          attributes {queries = #weir.axis<dim = 0, tokens = 3>,
                      keys = #weir.axis<dim = 1, tokens = 3>, tolerance = 5.0e-6 : f64} {
        ^bb0(%slot: index):
          %row = tensor.extract_slice %scores[%slot, 0] [1, 3] [1, 1]
              : tensor<3x3xf32> to tensor<1x3xf32>
          weir.yield %row : tensor<1x3xf32>
      } : tensor<3x4xf32> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3x4xf32>, tensor<2xi64>)
          columns(tensor<3x1xf32>, tensor<1x4xf32>) (tensor<3x1xf32>, tensor<1x4xf32>)
          -> tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3x4xf32>, tensor<2xi64>
      return
    }
    ```
  }];
  let arguments = (ins Weir_RetroactiveFormAttr:$form, AnyStaticShapeTensor:$values,
    Index:$step, Variadic<AnyStaticShapeTensor>:$states,
    Variadic<AnyStaticShapeTensor>:$leaving, Variadic<AnyStaticShapeTensor>:$entering,
    Weir_AxisAttr:$queries, Weir_AxisAttr:$keys, F64Attr:$tolerance,
    OptionalAttr<DenseI64ArrayAttr>:$built);
  let results = (outs Variadic<AnyStaticShapeTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let hasVerifier = 1;
  let assemblyFormat = [{
    $form $values `,` $step `states` `(` $states `)`
    (`leaving` `(` $leaving^ `)` `entering` `(` $entering `)`)? attr-dict-with-keyword
    $body `:` type($values) `(` type($states) `)`
    (`columns` `(` type($leaving)^ `)` `(` type($entering) `)`)? `->` type($results)
  }];
  let extraClassDeclaration = [{
    /// The scores of one query, as the body yields them.
    ::mlir::RankedTensorType getRowType();
    /// Keys that leave, and as many that enter.
    int64_t numColumns();
    /// Queries at both ends of the window whose rows are new.
    ::weir::Margins getNewQueries();
    /// Places of the states.
    enum State { Reference, Normalizer, Bound, Weighted, Rebuilt, Left, ShadowReference,
                 ShadowNormalizer, ShadowWeighted };
  }];
}

def Weir_YieldOp : Op<Weir_Dialect, "yield",
    [Pure, Terminator, HasParent<"RetroactiveAttentionOp">]> {
  let summary = "Give the result of a body";
  let description = [{
    Ends the body of `weir.retroactive_attention`; the op checks what is yielded.
  }];
  let arguments = (ins AnyStaticShapeTensor:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

def Weir_WeightedMeanOp : Op<Weir_Dialect, "weighted_mean",
    [Pure, AllTypesMatch<["weighted", "mean"]>]> {
  let summary = "Divide weighted sums by their normalizers";
  let description = [{
    Row i of `mean` is row i of `weighted` divided by entry i of `normalizer`.

    C1: `normalizer` has the shape of `weighted` without the last dimension.

    ```mlir
    %y = weir.weighted_mean %a, %d : tensor<1x8x4xf32>, tensor<1x8xf32>
    ```
  }];
  let arguments = (ins AnyStaticShapeTensor:$weighted, AnyStaticShapeTensor:$normalizer);
  let results = (outs AnyStaticShapeTensor:$mean);
  let assemblyFormat =
    "$weighted `,` $normalizer attr-dict `:` type($weighted) `,` type($normalizer)";
  let hasVerifier = 1;
}

#endif // WEIR_DIALECT_WEIR_WEIRATTENTIONOPS_TD
