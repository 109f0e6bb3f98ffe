//===- Passes.h - Conversions from one dialect to another -----------------===//

#ifndef WEIR_CONVERSION_PASSES_H
#define WEIR_CONVERSION_PASSES_H

#include "mlir/Pass/Pass.h"
#include "weir/Support/ByteDot.h"

namespace mlir {
class RewritePatternSet;
} // namespace mlir

namespace weir {
#define GEN_PASS_DECL
#include "weir/Conversion/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "weir/Conversion/Passes.h.inc"

/// Rewrites `exp`, `erf`, `tanh` and the like of f32 scalars and vectors into arithmetic
/// good to about 2 units in the last place.
void populateExpandMathPatterns(mlir::RewritePatternSet &patterns);
} // namespace weir

#endif // WEIR_CONVERSION_PASSES_H
