//===- WeirClusterOps.td - Tokens in clusters -----------------------------===//
// CAST-style attention. The equations are a reconstruction of the published idea and have
// not been checked against the paper.

#ifndef WEIR_DIALECT_WEIR_WEIRCLUSTEROPS_TD
#define WEIR_DIALECT_WEIR_WEIRCLUSTEROPS_TD

include "weir/Dialect/Weir/WeirBase.td"
include "weir/Interfaces/Enums.td"

def Weir_ClusteringAttr : EnumAttr<Weir_Dialect, Clustering, "clustering"> {
  let assemblyFormat = "$value";
}

class Weir_ClusterOp<string mnemonic> : Weir_Op<mnemonic, [DeclareOpInterfaceMethods<
    TokenFlowOpInterface, ["transferTokenFlow"]>]>;

def Weir_ClusterAffinityOp : Weir_ClusterOp<"cluster_affinity"> {
  let summary = "Rate how well each token fits each cluster";
  let description = [{
    `affinity` = sigmoid(phi) f(queries) + (1 - sigmoid(phi)) f(keys), where row i of
    `queries` and `keys` holds the similarities of token i's query and key with the
    clusters' surrogate tokens, and f is the softmax over clusters or the element-wise
    `laplace` function. Leading dimensions broadcast. CAST-style; the equations are a
    reconstruction, not checked against the paper.

    C1: `queries` and `keys` hold floats of one type, [.., tokens, clusters].
    C2: `phi` holds them as well, [.., tokens, 1] or [.., 1, 1].
    C3: `affinity` is [.., tokens, clusters].

    ```mlir
    %a = weir.cluster_affinity softmax %q, %k, %phi
       : tensor<2x8x3xf32>, tensor<2x8x3xf32>, tensor<1x8x1xf32> -> tensor<2x8x3xf32>
    ```
  }];
  let arguments = (ins Weir_AttentionFunctionAttr:$function, AnyStaticShapeTensor:$queries,
    AnyStaticShapeTensor:$keys, AnyStaticShapeTensor:$phi);
  let results = (outs AnyStaticShapeTensor:$affinity);
  let assemblyFormat = [{
    $function $queries `,` $keys `,` $phi attr-dict
    `:` type($queries) `,` type($keys) `,` type($phi) `->` type($affinity)
  }];
}

def Weir_ChooseClustersOp : Weir_ClusterOp<"choose_clusters"> {
  let summary = "Choose the tokens of each cluster by their affinities";
  let description = [{
    Row c of `indices` holds the numbers of the tokens of cluster c, at most `size`, and
    -1 in places that stay empty. Of equal affinities the one of the lower token comes
    first, then that of the lower cluster. A token whose affinity with a cluster is -inf
    or no number is never in it.

    - `topk`: the tokens of the highest affinities with the cluster, in falling order; a
      token may be in no cluster or in several.
    - `sa_greedy`: tokens in falling order of their best affinity go each to the best
      cluster that has room; each is in one cluster at most.
    - `sa_rounds`: in round r every token without a cluster asks its r-th best one, which
      takes the best that ask while it has room; each is in one cluster at most.

    CAST-style; the ways to choose are a reconstruction, not checked against the paper.

    C1: `affinity` holds floats, [.., tokens, clusters].
    C2: `size` is positive, and at most the number of tokens.
    C3: `indices` is [.., clusters, size] of i64.

    ```mlir
    %i = weir.choose_clusters topk %a {size = 4 : i64} : tensor<2x8x3xf32> -> tensor<2x3x4xi64>
    ```
  }];
  let arguments = (ins Weir_ClusteringAttr:$clustering, AnyStaticShapeTensor:$affinity,
    I64Attr:$size);
  let results = (outs AnyStaticShapeTensor:$indices);
  let assemblyFormat =
    "$clustering $affinity attr-dict `:` type($affinity) `->` type($indices)";
}

def Weir_GatherTokensOp : Weir_ClusterOp<"gather_tokens"> {
  let summary = "Copy the tokens of each cluster together";
  let description = [{
    Row (c, p) of `rows` is token `indices[c, p]` of `tokens`, or zeros where that is -1
    or no token. Leading dimensions broadcast.

    C1: `tokens` holds floats, [.., tokens, features].
    C2: `indices` is [.., clusters, size] of i64.
    C3: `rows` is [.., clusters, size, features].

    ```mlir
    %r = weir.gather_tokens %x, %i
       : tensor<2x8x5xf32>, tensor<1x3x4xi64> -> tensor<2x3x4x5xf32>
    ```
  }];
  let arguments = (ins AnyStaticShapeTensor:$tokens, AnyStaticShapeTensor:$indices);
  let results = (outs AnyStaticShapeTensor:$rows);
  let assemblyFormat =
    "$tokens `,` $indices attr-dict `:` type($tokens) `,` type($indices) `->` type($rows)";
}

def Weir_ScatterAddTokensOp : Weir_ClusterOp<"scatter_add_tokens"> {
  let summary = "Add the rows of each cluster to their tokens";
  let description = [{
    Token t of `sums` is the sum of all rows (c, p) with `indices[c, p]` = t, added in
    the order of the rows: zeros for a token in no cluster. Leading dimensions broadcast.

    C1: `rows` holds floats, [.., clusters, size, features].
    C2: `indices` is [.., clusters, size] of i64.
    C3: `tokens` is positive, and `sums` is [.., tokens, features].

    ```mlir
    %y = weir.scatter_add_tokens %r, %i {tokens = 8 : i64}
       : tensor<2x3x4x5xf32>, tensor<1x3x4xi64> -> tensor<2x8x5xf32>
    ```
  }];
  let arguments = (ins AnyStaticShapeTensor:$rows, AnyStaticShapeTensor:$indices,
    I64Attr:$tokens);
  let results = (outs AnyStaticShapeTensor:$sums);
  let assemblyFormat =
    "$rows `,` $indices attr-dict `:` type($rows) `,` type($indices) `->` type($sums)";
}

def Weir_ClusterMembersOp : Weir_ClusterOp<"cluster_members"> {
  let summary = "Mark which tokens are in which clusters";
  let description = [{
    `members[t, c]` is 1 where token t is among `indices[c, ..]`, else 0.

    C1: `indices` is [.., clusters, size] of i64.
    C2: `tokens` is positive, and `members` holds floats, [.., tokens, clusters].

    ```mlir
    %m = weir.cluster_members %i {tokens = 8 : i64} : tensor<1x3x4xi64> -> tensor<1x8x3xf32>
    ```
  }];
  let arguments = (ins AnyStaticShapeTensor:$indices, I64Attr:$tokens);
  let results = (outs AnyStaticShapeTensor:$members);
  let assemblyFormat = "$indices attr-dict `:` type($indices) `->` type($members)";
}

#endif // WEIR_DIALECT_WEIR_WEIRCLUSTEROPS_TD
