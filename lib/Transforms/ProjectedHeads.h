//===- ProjectedHeads.h - Rows projected, and cut into heads --------------===//

#ifndef WEIR_LIB_TRANSFORMS_PROJECTEDHEADS_H
#define WEIR_LIB_TRANSFORMS_PROJECTEDHEADS_H

#include "mlir/IR/Value.h"
#include <optional>

namespace weir {

/// Views of X W + b, where nothing else reads them:
///
///   X: 120x192, W: 192x48, b: 48  ==>  Reshape 120x4x12, Transpose 4x12x120
///   rows = 120, inputs = 192, numHeads = 4, features = 12, tokensLast
///
/// All other dimensions are 1; one head may come without a Reshape.
struct ProjectedHeads {
  /// Where `value` ends in [rows, features] or, with `tokensLast`, [features, rows].
  static std::optional<ProjectedHeads> match(mlir::Value value);

  mlir::Value source, weights, bias; ///< X, W and b, or null
  int64_t rows = 0, inputs = 0, numHeads = 1, features = 0;
  bool tokensLast = false;
};

} // namespace weir

#endif // WEIR_LIB_TRANSFORMS_PROJECTEDHEADS_H
