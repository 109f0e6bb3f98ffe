//===- NarrowWeights.h - Weights as whole numbers times a scale -----------===//

#ifndef WEIR_TRANSFORMS_NARROWWEIGHTS_H
#define WEIR_TRANSFORMS_NARROWWEIGHTS_H

#include "weir/Support/WeightKind.h"
#include <vector>

namespace weir {

/// Whole numbers for the columns of a matrix: column n is about `scales[n]` times them.
/// Of each column, `depth` weights; columns are `scales.size()`.
struct QuantizedColumns {
  std::vector<int8_t> numbers; // column by column
  std::vector<float> scales;
};

/// The whole numbers in [-127, 127] and scales that make the squared error of each column
/// small, never larger than that of its largest magnitude over 127. Weights are finite.
QuantizedColumns quantizeColumns(llvm::ArrayRef<float> weights, int64_t depth);

} // namespace weir

#endif // WEIR_TRANSFORMS_NARROWWEIGHTS_H
