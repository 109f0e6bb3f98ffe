//===- WeirEncoderOps.td - What an encoder computes, in one piece ---------===//

#ifndef WEIR_DIALECT_WEIR_WEIRENCODEROPS_TD
#define WEIR_DIALECT_WEIR_WEIRENCODEROPS_TD

include "weir/Dialect/Weir/WeirBase.td"

def Weir_AttentionOp : Weir_Op<"attention", [DeclareOpInterfaceMethods<
    TokenFlowOpInterface, ["transferTokenFlow", "countMacs"]>]> {
  let summary = "Weigh values by how well queries meet keys";
  let description = [{
    With n queries, m keys and values, in the last two dimensions; those before
    broadcast as in MatMul:

        result = f(scale q k^T + bias) v

    `softmax` is f over the keys of each query. With `guarded`, a query whose scores are
    all -inf gives zeros, else NaN. `laplace` is, entry by entry,
    f(a) = (1 + erf((a - sqrt(1/2)) / (sqrt(1/(4 pi)) sqrt(2)))) / 2, and 0 of -inf.

    C1: operands and result hold floats of one type, f32 or f64, in two dimensions or
        more; `bias` may have fewer.
    C2: queries and keys have the same number of features, keys and values the same
        number of rows.
    C3: the leading dimensions of all operands broadcast to those of the result, which
        ends in [queries, features of the values].
    C4: `bias` broadcasts to [.., queries, keys].

    ```mlir
    %y = weir.attention softmax %q, %k, %v bias %b {scale = 0.5 : f64}
       : tensor<2x8x4xf32>, tensor<2x6x4xf32>, tensor<2x6x3xf32>, tensor<1x6xf32>
       -> tensor<2x8x3xf32>
    ```
  }];
  let arguments = (ins Weir_AttentionFunctionAttr:$function, AnyStaticShapeTensor:$q,
    AnyStaticShapeTensor:$k, AnyStaticShapeTensor:$v, Optional<AnyStaticShapeTensor>:$bias,
    DefaultValuedAttr<F64Attr, "1.0">:$scale, UnitAttr:$guarded);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = [{
    $function $q `,` $k `,` $v (`bias` $bias^)? attr-dict `:` type($q) `,` type($k) `,`
    type($v) (`,` type($bias)^)? `->` type($result)
  }];
  let extraClassDeclaration = [{
    int64_t numQueries() { return fromEnd(getQ(), 2); }
    int64_t numKeys() { return fromEnd(getK(), 2); }
    int64_t numFeatures() { return fromEnd(getQ(), 1); }
    int64_t numValueFeatures() { return fromEnd(getV(), 1); }
    /// [.., queries, keys]: the leading dimensions are those of the result.
    ::mlir::RankedTensorType getScoresType();

  private:
    static int64_t fromEnd(::mlir::Value value, int64_t count) {
      auto type = ::mlir::cast<::mlir::RankedTensorType>(value.getType());
      return type.getDimSize(type.getRank() - count);
    }
  public:
  }];
}

#endif // WEIR_DIALECT_WEIR_WEIRENCODEROPS_TD
