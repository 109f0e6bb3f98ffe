//===- Lowerings.h - Patterns that lower weir ops -------------------------===//

#ifndef WEIR_LIB_CONVERSION_WEIRTOLINALG_LOWERINGS_H
#define WEIR_LIB_CONVERSION_WEIRTOLINALG_LOWERINGS_H

#include "mlir/IR/PatternMatch.h"

namespace weir {

void populateAbsentLowerings(mlir::RewritePatternSet &patterns);
void populateClusterChoiceLowerings(mlir::RewritePatternSet &patterns);
void populateClusterMoveLowerings(mlir::RewritePatternSet &patterns);
void populateRetroactiveLowerings(mlir::RewritePatternSet &patterns);
void populateSlidingDctLowerings(mlir::RewritePatternSet &patterns);

/// Each with the transpose that reads it, which patterns could not erase.
void lowerAttentions(mlir::Operation *root);
/// Lowers all `weir.gather_tokens`, once loops show which of their rows are read
/// together.
void lowerClusterGathers(mlir::Operation *root);

} // namespace weir

#endif // WEIR_LIB_CONVERSION_WEIRTOLINALG_LOWERINGS_H
