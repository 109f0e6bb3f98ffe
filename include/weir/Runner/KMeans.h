//===- KMeans.h - Points that stand for many ------------------------------===//

#ifndef WEIR_RUNNER_KMEANS_H
#define WEIR_RUNNER_KMEANS_H

#include "llvm/ADT/ArrayRef.h"
#include <vector>

namespace weir {

/// Centres [`count`, `width`] of clusters of `points` [.., `width`]: k-means, seeded far
/// apart (k-means++). Equal points give equal centres, on any machine. Where there are
/// fewer different points than centres, some centres are equal.
std::vector<float> findCentres(llvm::ArrayRef<float> points, int64_t width,
                               int64_t count);

} // namespace weir

#endif // WEIR_RUNNER_KMEANS_H
