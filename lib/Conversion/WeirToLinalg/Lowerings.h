//===- Lowerings.h - Patterns that lower weir ops -------------------------===//

#ifndef WEIR_LIB_CONVERSION_WEIRTOLINALG_LOWERINGS_H
#define WEIR_LIB_CONVERSION_WEIRTOLINALG_LOWERINGS_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/PatternMatch.h"
#include "weir/Interfaces/TokenAxis.h"

namespace weir {

void populateAbsentLowerings(mlir::RewritePatternSet &patterns);
void populateClusterChoiceLowerings(mlir::RewritePatternSet &patterns);
void populateClusterMoveLowerings(mlir::RewritePatternSet &patterns);
void populateRetroactiveLowerings(mlir::RewritePatternSet &patterns);
void populateSlidingDctLowerings(mlir::RewritePatternSet &patterns);

/// The least window position of a token that has come by step t.
mlir::Value findFirstPresent(mlir::OpBuilder &b, mlir::Location loc, mlir::Value step,
                             const TokenAxis &axis);
/// First of all: what is computed of rows is still in onnx ops.
void readRingsInPlace(mlir::ModuleOp module);
/// Each with the transpose that reads it, which patterns could not erase.
void lowerAttentions(mlir::Operation *root);
/// Lowers all `weir.gather_tokens`, once loops show which of their rows are read
/// together.
void lowerClusterGathers(mlir::Operation *root);

} // namespace weir

#endif // WEIR_LIB_CONVERSION_WEIRTOLINALG_LOWERINGS_H
