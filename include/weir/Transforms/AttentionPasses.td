//===- AttentionPasses.td - Passes that find attention and compress it ----===//

#ifndef WEIR_TRANSFORMS_ATTENTIONPASSES_TD
#define WEIR_TRANSFORMS_ATTENTIONPASSES_TD

include "mlir/Pass/PassBase.td"

def RaiseAttentionPass : Pass<"weir-raise-attention", "::mlir::func::FuncOp"> {
  let summary = "Make one op of each attention over tokens";
  let description = [{
    Attentions are found by their token axes; between the product of queries and keys and
    that with the values there may be views, scales, masks, biases and a guard against
    rows that are all masked. Others stay as they are, and a remark says why. Layers are
    numbered from 0 in the order of the program.

    ```mlir
    func.func @window(%x: tensor<4x8xf32> {weir.input = "x"}) -> tensor<4x8xf32> {
      %t = onnx.Transpose %x {perm = [1, 0]} : (tensor<4x8xf32>) -> tensor<8x4xf32>
      %s = onnx.MatMul %x, %t : (tensor<4x8xf32>, tensor<8x4xf32>) -> tensor<4x4xf32>
      %p = onnx.Softmax %s : (tensor<4x4xf32>) -> tensor<4x4xf32>
      %y = onnx.MatMul %p, %x : (tensor<4x4xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
      return %y : tensor<4x8xf32>
    }
    // ==> weir-raise-attention{token-axis=x=0}
    func.func @window(%x: tensor<4x8xf32> {weir.input = "x"}) -> tensor<4x8xf32> {
      %y = weir.attention softmax %x, %x, %x
         : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32> -> tensor<4x8xf32>
      return %y : tensor<4x8xf32>
    }
    ```
  }];
  let options = [
    ListOption<"tokenAxes", "token-axis", "std::string",
               "INPUT=AXIS of streamed inputs; inferred when left out">,
    Option<"chunk", "chunk", "int64_t", "1", "tokens that enter per step">,
    Option<"layers", "layers", "std::string", "\"\"",
           "attentions to raise, as in 0,2-3; all when left out">];
  let dependentDialects = ["::weir::WeirDialect", "::weir::onnx::OnnxDialect"];
}

def ExpandAttention : Pass<"weir-expand-attention", "::mlir::func::FuncOp"> {
  let summary = "Spell each attention as two products and what is between them";
  let description = [{
    ```mlir
    func.func @f(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
      %y = weir.attention softmax %x, %x, %x
         : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32> -> tensor<4x8xf32>
      return %y : tensor<4x8xf32>
    }
    // ==> weir-expand-attention
    func.func @f(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
      %t = onnx.Transpose %x {perm = [1, 0]} : (tensor<4x8xf32>) -> tensor<8x4xf32>
      %s = onnx.MatMul %x, %t : (tensor<4x8xf32>, tensor<8x4xf32>) -> tensor<4x4xf32>
      %p = onnx.Softmax %s : (tensor<4x4xf32>) -> tensor<4x4xf32>
      %y = onnx.MatMul %p, %x : (tensor<4x4xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
      return %y : tensor<4x8xf32>
    }
    ```
  }];
  let dependentDialects = ["::weir::onnx::OnnxDialect"];
}

def FuseAttention : Pass<"weir-fuse-attention", "::mlir::func::FuncOp"> {
  let summary = "Make one op of each softmax between two products";
  let description = [{
    As `weir-raise-attention`, where code is made: queries and keys are what the products
    say, tokens or not. The scores of many queries are never held as a whole.

    ```mlir
    func.func @f(%q: tensor<4x8xf32>, %k: tensor<8x6xf32>, %v: tensor<6x5xf32>) -> tensor<4x5xf32> {
      %s = onnx.MatMul %q, %k : (tensor<4x8xf32>, tensor<8x6xf32>) -> tensor<4x6xf32>
      %p = onnx.Softmax %s : (tensor<4x6xf32>) -> tensor<4x6xf32>
      %y = onnx.MatMul %p, %v : (tensor<4x6xf32>, tensor<6x5xf32>) -> tensor<4x5xf32>
      return %y : tensor<4x5xf32>
    }
    // ==> weir-fuse-attention{fewest-queries=4}
    func.func @f(%q: tensor<4x8xf32>, %k: tensor<8x6xf32>, %v: tensor<6x5xf32>) -> tensor<4x5xf32> {
      %t = onnx.Transpose %k {perm = [1, 0]} : (tensor<8x6xf32>) -> tensor<6x8xf32>
      %y = weir.attention softmax %q, %t, %v
         : tensor<4x8xf32>, tensor<6x8xf32>, tensor<6x5xf32> -> tensor<4x5xf32>
      return %y : tensor<4x5xf32>
    }
    ```
  }];
  let options = [Option<"fewestQueries", "fewest-queries", "int64_t", "1",
                        "queries from which on an attention is fused">];
  let dependentDialects = ["::weir::WeirDialect", "::weir::onnx::OnnxDialect"];
}

def InterleaveHeads : Pass<"weir-interleave-heads", "::mlir::ModuleOp"> {
  let summary = "Put small heads side by side in the rings that attentions read";
  let description = [{
    A ring [.., tokens, heads * features] becomes one [.., tokens, features, heads], in
    all functions that have its state, where only attentions of few queries read it, as
    keys or values of four heads or more with fewer than 32 features each. It depends on
    the model alone, so that a state fits all targets.

    ```mlir
    func.func @step(%q: tensor<1x4x1x3xf32>, %t: index, %x: tensor<1x1x12xf32>,
        %r: tensor<1x8x12xf32> {weir.state = "kv"})
        -> (tensor<1x4x1x3xf32>, tensor<1x8x12xf32> {weir.state = "kv"}) {
      %p = weir.ring_push %x, %r, %t {axis = #weir.axis<dim = 1, tokens = 8>,
        positions = array<i64: 7>} : tensor<1x1x12xf32>, tensor<1x8x12xf32>
      %shape = onnx.Constant dense<[1, 8, 4, 3]> : tensor<4xi64>
      %s = onnx.Reshape %p, %shape : (tensor<1x8x12xf32>, tensor<4xi64>) -> tensor<1x8x4x3xf32>
      %h = onnx.Transpose %s {perm = [0, 2, 1, 3]} : (tensor<1x8x4x3xf32>) -> tensor<1x4x8x3xf32>
      %y = weir.attention softmax %q, %h, %h
         : tensor<1x4x1x3xf32>, tensor<1x4x8x3xf32>, tensor<1x4x8x3xf32> -> tensor<1x4x1x3xf32>
      return %y, %p : tensor<1x4x1x3xf32>, tensor<1x8x12xf32>
    }
    // ==> weir-interleave-heads
    func.func @step(%q: tensor<1x4x1x3xf32>, %t: index, %x: tensor<1x1x12xf32>,
        %r: tensor<1x8x3x4xf32> {weir.state = "kv"})
        -> (tensor<1x4x1x3xf32>, tensor<1x8x3x4xf32> {weir.state = "kv"}) {
      %shape = onnx.Constant dense<[1, 1, 4, 3]> : tensor<4xi64>
      %s = onnx.Reshape %x, %shape : (tensor<1x1x12xf32>, tensor<4xi64>) -> tensor<1x1x4x3xf32>
      %i = onnx.Transpose %s {perm = [0, 1, 3, 2]} : (tensor<1x1x4x3xf32>) -> tensor<1x1x3x4xf32>
      %p = weir.ring_push %i, %r, %t {axis = #weir.axis<dim = 1, tokens = 8>,
        positions = array<i64: 7>} : tensor<1x1x3x4xf32>, tensor<1x8x3x4xf32>
      %a = onnx.Transpose %p {perm = [0, 1, 3, 2]} : (tensor<1x8x3x4xf32>) -> tensor<1x8x4x3xf32>
      %h = onnx.Transpose %a {perm = [0, 2, 1, 3]} : (tensor<1x8x4x3xf32>) -> tensor<1x4x8x3xf32>
      %y = weir.attention softmax %q, %h, %h
         : tensor<1x4x1x3xf32>, tensor<1x4x8x3xf32>, tensor<1x4x8x3xf32> -> tensor<1x4x1x3xf32>
      return %y, %p : tensor<1x4x1x3xf32>, tensor<1x8x3x4xf32>
    }
    ```
  }];
  let dependentDialects = ["::weir::WeirDialect", "::weir::onnx::OnnxDialect"];
}

def DctAttentionPass : Pass<"weir-dct", "::mlir::func::FuncOp"> {
  let summary = "Let attentions meet the lowest frequencies of the tokens only";
  let description = [{
    With D, the first m rows of the orthonormal DCT-II, and R, which resamples n tokens to
    m by it (`weir.dct`, `weir.resample`), an attention softmax(s q k^T) v becomes

    | variant | computes | after |
    |---|---|---|
    | `qkv` | D^T softmax(s (D q) (D k)^T) (D v) | Scribano et al., J. Sci. Comput. 94, 2023 |
    | `x` | the same of q, k, v that are projected from D x | their second form |
    | `resample` | softmax(s q (R k)^T) (R v), which is full attention at m = n | |
    | `pool` | with means of m blocks for R k and R v | |

    Models are trained with `qkv` and `x`; the others approximate one that was trained
    with full attention. `keep` is m, for all layers or one number for each of those that
    are compressed; `keep=auto:ENERGY` reads the attribute `weir.keep` of an attention, which
    calibration writes. With `fold` what is linear is computed on m rows: projections of keys
    and values, with `qkv` also of queries and the output, which changes no more than
    roundings.

    Padded keys, whose scores get less than -5000, are zeroed by `qkv`, left in by `x` (a
    warning says so), and weigh nothing with `resample` and `pool`. Attentions whose scores
    get anything else that depends on positions stay as they are; a remark says why, and it
    is an error for layers that `layers` names.

    ```mlir
    func.func @window(%x: tensor<4x8xf32> {weir.input = "x"}) -> tensor<4x8xf32> {
      %y = weir.attention softmax %x, %x, %x
         : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32> -> tensor<4x8xf32>
      return %y : tensor<4x8xf32>
    }
    // ==> weir-dct{token-axis=x=0 variant=resample keep=2 approximate=true}
    func.func @window(%x: tensor<4x8xf32> {weir.input = "x"}) -> tensor<4x8xf32> {
      %p = weir.resample %x {dim = 0} : tensor<4x8xf32> -> tensor<2x8xf32>
      %y = weir.attention softmax %x, %p, %p
         : tensor<4x8xf32>, tensor<2x8xf32>, tensor<2x8xf32> -> tensor<4x8xf32>
      return %y : tensor<4x8xf32>
    }
    ```
  }];
  let options = [
    ListOption<"tokenAxes", "token-axis", "std::string",
               "INPUT=AXIS of streamed inputs; inferred when left out">,
    Option<"chunk", "chunk", "int64_t", "1", "tokens that enter per step">,
    ListOption<"keep", "keep", "std::string",
               "rows that are kept: for all layers, one number for each, or auto:ENERGY">,
    Option<"variant", "variant", "std::string", "\"\"",
           "qkv, x, resample or pool; there is no default">,
    Option<"layers", "layers", "std::string", "\"\"",
           "attentions to compress, as in 0,2-3; all when left out">,
    Option<"fold", "fold", "bool", "true", "project the kept rows only">,
    Option<"approximate", "approximate", "bool", "false",
           "the numbers may change, or the model was trained with this variant">];
  let dependentDialects = ["::weir::WeirDialect", "::weir::onnx::OnnxDialect"];
}

def CastAttentionPass : Pass<"weir-cast", "::mlir::func::FuncOp"> {
  let summary = "Let tokens attend inside of clusters and to summaries of the others";
  let description = [{
    CAST-style; the equations are a reconstruction of the published idea (van Engelenhoven,
    Strisciuglio, Talavera, 2024), not checked against the paper. `weir.attention`, or what
    can be raised to it, becomes attention inside of `clusters` of `size` tokens each,
    chosen by how similar queries and keys are to learned surrogate tokens. That is
    another function than full attention: a model is trained for it and brings its
    parameters in a file, or calibration finds surrogate tokens (`from=kmeans`), which
    approximates. With tokens that a mask hides: they are never chosen into a cluster, and
    so give nothing to what others see.

    ```mlir
    func.func @window(%x: tensor<8x4xf32> {weir.input = "x"}) -> tensor<8x4xf32> {
      %w = onnx.Constant dense<0.5> : tensor<4x4xf32>
      %p = onnx.MatMul %x, %w : (tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32>
      %y = weir.attention softmax %p, %p, %p
           {weir.surrogates = dense<[[0.0, 0.0, 1.0, 0.0]]> : tensor<1x4xf32>}
         : tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32> -> tensor<8x4xf32>
      return %y : tensor<8x4xf32>
    }
    // ==> weir-cast{clusters=1 size=4 from=kmeans summaries=false intra-weight=false token-axis=x=0}
    func.func @window(%x: tensor<8x4xf32> {weir.input = "x"}) -> tensor<8x4xf32> {
      %w = onnx.Constant dense<0.5> : tensor<4x4xf32>
      %p = onnx.MatMul %x, %w : (tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32>
      %s = onnx.Constant dense<[[[[0.0], [0.0], [1.0], [0.0]]]]> : tensor<1x1x4x1xf32>
      %phi = onnx.Constant dense<0.0> : tensor<1x1x1x1xf32>
      %shape = onnx.Constant dense<[1, 1, 8, 4]> : tensor<4xi64>
      %t = onnx.Reshape %p, %shape : (tensor<8x4xf32>, tensor<4xi64>) -> tensor<1x1x8x4xf32>
      %a = onnx.MatMul %t, %s : (tensor<1x1x8x4xf32>, tensor<1x1x4x1xf32>) -> tensor<1x1x8x1xf32>
      %g = weir.cluster_affinity softmax %a, %a, %phi : tensor<1x1x8x1xf32>,
        tensor<1x1x8x1xf32>, tensor<1x1x1x1xf32> -> tensor<1x1x8x1xf32>
      %i = weir.choose_clusters topk %g {size = 4 : i64}
         : tensor<1x1x8x1xf32> -> tensor<1x1x1x4xi64>
      %c = weir.gather_tokens %t, %i
         : tensor<1x1x8x4xf32>, tensor<1x1x1x4xi64> -> tensor<1x1x1x4x4xf32>
      %o = weir.attention softmax %c, %c, %c : tensor<1x1x1x4x4xf32>,
        tensor<1x1x1x4x4xf32>, tensor<1x1x1x4x4xf32> -> tensor<1x1x1x4x4xf32>
      %b = weir.scatter_add_tokens %o, %i {tokens = 8 : i64}
         : tensor<1x1x1x4x4xf32>, tensor<1x1x1x4xi64> -> tensor<1x1x8x4xf32>
      %back = onnx.Constant dense<[8, 4]> : tensor<2xi64>
      %y = onnx.Reshape %b, %back : (tensor<1x1x8x4xf32>, tensor<2xi64>) -> tensor<8x4xf32>
      return %y : tensor<8x4xf32>
    }
    ```
  }];
  let options = [
    Option<"clusters", "clusters", "int64_t", "0",
           "clusters; as many as there are surrogate tokens when left out">,
    Option<"size", "size", "int64_t", "0",
           "tokens of a cluster; tokens / clusters, rounded up, when left out">,
    Option<"clustering", "clustering", "::weir::Clustering", "::weir::Clustering::TopK",
           "how tokens are chosen", [{::llvm::cl::values(
             clEnumValN(::weir::Clustering::TopK, "topk", "the best of each cluster"),
             clEnumValN(::weir::Clustering::SaGreedy, "sa-greedy",
                        "each token once, the surest first"),
             clEnumValN(::weir::Clustering::SaRounds, "sa-rounds",
                        "each token once, by rounds of preference"))}]>,
    Option<"function", "f", "::weir::AttentionFunction",
           "::weir::AttentionFunction::Softmax", "what makes weights", [{::llvm::cl::values(
             clEnumValN(::weir::AttentionFunction::Softmax, "softmax", "normalized"),
             clEnumValN(::weir::AttentionFunction::Laplace, "laplace", "entry by entry"))}]>,
    Option<"heads", "heads", "::weir::ClusterHeads", "::weir::ClusterHeads::Shared",
           "who chooses", [{::llvm::cl::values(
             clEnumValN(::weir::ClusterHeads::Shared, "shared",
                        "all heads together, by the sum of their affinities"),
             clEnumValN(::weir::ClusterHeads::PerHead, "per-head", "each head alone"))}]>,
    Option<"gates", "gates", "bool", "true",
           "multiply similarities by 1 + softplus of phi or -phi">,
    Option<"ownMask", "own-mask", "bool", "true",
           "tokens do not see summaries of their own clusters">,
    Option<"intraWeight", "intra-weight", "bool", "true",
           "weight what a token finds in a cluster by how well it fits">,
    Option<"summaries", "summaries", "bool", "true", "tokens see summaries of clusters">,
    Option<"tau", "tau", "double", "0",
           "temperature inside of clusters; the attention's own when left out">,
    Option<"tauQ", "tau-q", "double", "0",
           "temperature of mixing; the root of a head's features when left out">,
    Option<"tauK", "tau-k", "double", "0",
           "temperature of summaries; the root of a head's features when left out">,
    Option<"surrogates", "surrogates", "std::string", "\"\"",
           "FILE.npz or FILE.safetensors with the parameters of all layers">,
    Option<"from", "from", "::weir::SurrogateSource", "::weir::SurrogateSource::None",
           "where surrogate tokens come from that no file holds", [{::llvm::cl::values(
             clEnumValN(::weir::SurrogateSource::KMeans, "kmeans",
                        "the attribute weir.surrogates, made by calibration"))}]>,
    Option<"layers", "layers", "std::string", "\"\"",
           "attentions to replace, as in 0,2-3; all when left out">,
    ListOption<"tokenAxes", "token-axis", "std::string",
               "INPUT=AXIS of streamed inputs; inferred when left out">];
  let dependentDialects = ["::weir::WeirDialect", "::weir::onnx::OnnxDialect"];
}

def RaiseTokenMaps : Pass<"weir-raise-token-maps", "::mlir::func::FuncOp"> {
  let summary = "Make maps along the tokens of products with their matrices";
  let description = [{
    A product of tokens with a constant that is, within 1e-5 of its largest entry, the
    matrix of `weir.dct`, `weir.idct`, `weir.resample` or `weir.pool` becomes that op: the
    same numbers to rounding.

    ```mlir
    func.func @window(%x: tensor<3x8xf32> {weir.input = "x"}) -> tensor<1x8xf32> {
      %m = onnx.Constant dense<0.577350269> : tensor<1x3xf32>
      %y = onnx.MatMul %m, %x : (tensor<1x3xf32>, tensor<3x8xf32>) -> tensor<1x8xf32>
      return %y : tensor<1x8xf32>
    }
    // ==> weir-raise-token-maps{token-axis=x=0}
    func.func @window(%x: tensor<3x8xf32> {weir.input = "x"}) -> tensor<1x8xf32> {
      %y = weir.dct %x {dim = 0} : tensor<3x8xf32> -> tensor<1x8xf32>
      return %y : tensor<1x8xf32>
    }
    ```
  }];
  let options = [
    ListOption<"tokenAxes", "token-axis", "std::string",
               "INPUT=AXIS of streamed inputs; inferred when left out">];
  let dependentDialects = ["::weir::WeirDialect", "::weir::onnx::OnnxDialect"];
}

def RaiseClusters : Pass<"weir-raise-clusters", "::mlir::func::FuncOp"> {
  let summary = "Make clusters of tokens of the operators that say the same";
  let description = [{
    A TopK over tokens, gathers and scatters by indices that all features of a token share,
    with what exporters put around them for places that stay empty, become
    `weir.choose_clusters`, `weir.gather_tokens`, `weir.scatter_add_tokens` and
    `weir.cluster_members`: the same numbers. CAST-style; the equations are a
    reconstruction, not checked against the paper.

    ```mlir
    func.func @window(%x: tensor<8x5xf32> {weir.input = "x"}) -> tensor<1x3x5xf32> {
      %k = onnx.Constant dense<3> : tensor<1xi64>
      %shape = onnx.Constant dense<[3, 5]> : tensor<2xi64>
      %split = onnx.Constant dense<[1, 3, 5]> : tensor<3xi64>
      %axis = onnx.Constant dense<1> : tensor<1xi64>
      %n = onnx.ReduceSum %x, %axis : (tensor<8x5xf32>, tensor<1xi64>) -> tensor<8x1xf32>
      %v, %i = onnx.TopK %n, %k {axis = 0 : si64} : (tensor<8x1xf32>, tensor<1xi64>) -> (tensor<3x1xf32>, tensor<3x1xi64>)
      %e = onnx.Expand %i, %shape : (tensor<3x1xi64>, tensor<2xi64>) -> tensor<3x5xi64>
      %g = onnx.GatherElements %x, %e : (tensor<8x5xf32>, tensor<3x5xi64>) -> tensor<3x5xf32>
      %r = onnx.Reshape %g, %split : (tensor<3x5xf32>, tensor<3xi64>) -> tensor<1x3x5xf32>
      return %r : tensor<1x3x5xf32>
    }
    // ==> weir-raise-clusters{token-axis=x=0}
    func.func @window(%x: tensor<8x5xf32> {weir.input = "x"}) -> tensor<1x3x5xf32> {
      %k = onnx.Constant dense<3> : tensor<1xi64>
      %shape = onnx.Constant dense<[1, 3]> : tensor<2xi64>
      %axis = onnx.Constant dense<1> : tensor<1xi64>
      %n = onnx.ReduceSum %x, %axis : (tensor<8x5xf32>, tensor<1xi64>) -> tensor<8x1xf32>
      %v, %i = onnx.TopK %n, %k {axis = 0 : si64} : (tensor<8x1xf32>, tensor<1xi64>) -> (tensor<3x1xf32>, tensor<3x1xi64>)
      %j = onnx.Reshape %i, %shape : (tensor<3x1xi64>, tensor<2xi64>) -> tensor<1x3xi64>
      %r = weir.gather_tokens %x, %j : tensor<8x5xf32>, tensor<1x3xi64> -> tensor<1x3x5xf32>
      return %r : tensor<1x3x5xf32>
    }
    ```
  }];
  let options = [
    ListOption<"tokenAxes", "token-axis", "std::string",
               "INPUT=AXIS of streamed inputs; inferred when left out">];
  let dependentDialects = ["::weir::WeirDialect", "::weir::onnx::OnnxDialect"];
}

#endif // WEIR_TRANSFORMS_ATTENTIONPASSES_TD
