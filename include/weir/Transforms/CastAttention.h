//===- CastAttention.h - Attention inside of clusters ---------------------===//
// CAST-style attention after "CAST: Clustering self-Attention using Surrogate Tokens"
// (van Engelenhoven, Strisciuglio, Talavera, Pattern Recognit. Lett. 2024). The equations
// are a reconstruction, not checked against the paper.

#ifndef WEIR_TRANSFORMS_CASTATTENTION_H
#define WEIR_TRANSFORMS_CASTATTENTION_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Transforms/CompressedAttention.h"
#include "weir/Transforms/MakeContinual.h"
#include "llvm/Support/Error.h"

namespace weir {

/// Where surrogate tokens come from that no file holds.
enum class SurrogateSource {
  None,
  KMeans, ///< the attribute `weir.surrogates` of each attention, made by calibration
};

/// Do all heads share one choice of clusters?
enum class ClusterHeads {
  Shared,  ///< one, by the affinities summed over the heads
  PerHead, ///< each has its own
};

struct CastOptions {
  /// 0: as many as there are surrogate tokens.
  int64_t clusters = 0;
  /// Tokens of a cluster; 0: tokens / clusters, rounded up.
  int64_t size = 0;
  Clustering clustering = Clustering::TopK;
  AttentionFunction function = AttentionFunction::Softmax;
  ClusterHeads heads = ClusterHeads::Shared;
  /// Multiply similarities by 1 + softplus(phi) where tokens mix summaries, and by
  /// 1 + softplus(-phi) where clusters are summarized.
  bool gates = true;
  /// A token does not see the summaries of its own clusters.
  bool ownMask = true;
  /// What a token finds in a cluster is weighted by how well it fits.
  bool intraWeight = true;
  /// Tokens see the summaries of clusters.
  bool summaries = true;
  /// Temperatures; 0: the attention's own inside of clusters, else the square root of the
  /// features of a head.
  double tau = 0, tauQ = 0, tauK = 0;
  /// A .npz or .safetensors file that holds, for each layer i, `surrogate_<i>`
  /// [clusters, width], the heads side by side, and perhaps `wphi_<i>` [width] and
  /// `bphi_<i>` [].
  std::string surrogates;
  SurrogateSource from = SurrogateSource::None;
  /// As in "0,2-3"; all when empty.
  std::string layers;
};

/// Reads them as `weir-cast` does: "size=64 clustering=sa-greedy surrogates=s.npz".
llvm::Expected<CastOptions> parseCastOptions(llvm::StringRef text);

/// What is said of all results.
constexpr llvm::StringLiteral castDisclaimer =
    "CAST-style: the equations are a reconstruction, not checked against the paper";

/// The surrogate tokens that calibration found for an attention (or for its softmax, if
/// it is not raised yet): tensor<clusters x width>, the heads side by side.
constexpr llvm::StringLiteral surrogatesName = "weir.surrogates";

/// Replaces the attentions of `window` by attention inside of clusters. Attentions that
/// cannot be stay, and the result says why. Fails, with an error, where parameters are
/// missing or do not fit.
mlir::FailureOr<llvm::SmallVector<CompressedAttention>>
compressWithCast(mlir::func::FuncOp window, const ArgumentAxes &axes,
                 const CastOptions &options);

/// What the surrogate tokens of an attention are compared with.
struct QueriesAndKeys {
  mlir::Value queries, keys; ///< [sequences, tokens, width], the heads side by side
};

/// Makes them in front of the attention. Fails, setting `why`, where its queries and keys
/// are no projections of the same tokens.
mlir::FailureOr<QueriesAndKeys> makeQueriesAndKeys(AttentionOp op, std::string &why);

} // namespace weir

#endif // WEIR_TRANSFORMS_CASTATTENTION_H
