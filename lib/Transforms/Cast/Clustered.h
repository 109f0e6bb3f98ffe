//===- Clustered.h - The ops of one attention inside of clusters ----------===//

#ifndef WEIR_LIB_TRANSFORMS_CAST_CLUSTERED_H
#define WEIR_LIB_TRANSFORMS_CAST_CLUSTERED_H

#include "Projection.h"
#include "Surrogates.h"

namespace weir::cast_attention {

/// Queries, keys and values of an attention, and what they are projected from.
struct Site {
  AttentionOp op;
  Projection queries, keys;
  HeadLayout layout;
  mlir::Value input; ///< of all three projections; null where they have several
  int64_t width() { return layout.numHeads() * op.numFeatures(); }
  int64_t inputWidth();
};

/// Fails, setting `why`, where the attention cannot go into clusters.
mlir::FailureOr<Site> findSite(AttentionOp op, std::string &why);

/// Attention inside of clusters of `size` tokens, made in front of `site.op`: what takes
/// the place of its result.
mlir::Value makeClustered(Site &site, const Surrogates &surrogates, int64_t size,
                          const CastOptions &options);

/// Multiply-accumulates of all heads and sequences with their projections, of full
/// attention or, for `clusters` > 0, of that inside of clusters.
int64_t countMacs(Site &site, int64_t clusters, int64_t size, const CastOptions &options);

} // namespace weir::cast_attention

#endif // WEIR_LIB_TRANSFORMS_CAST_CLUSTERED_H
