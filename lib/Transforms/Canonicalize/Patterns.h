//===- Patterns.h - The patterns of Canonicalize, one idea a file ---------===//

#ifndef WEIR_LIB_TRANSFORMS_CANONICALIZE_PATTERNS_H
#define WEIR_LIB_TRANSFORMS_CANONICALIZE_PATTERNS_H

#include "mlir/IR/PatternMatch.h"

namespace weir {
void populateRemoveNoOpsPatterns(mlir::RewritePatternSet &patterns);
void populateRemoveNanGuardPatterns(mlir::RewritePatternSet &patterns);
void populateUnifyViewsPatterns(mlir::RewritePatternSet &patterns);
void populateUnifySlicesPatterns(mlir::RewritePatternSet &patterns);
void populateUnifyGathersPatterns(mlir::RewritePatternSet &patterns);
void populateUnifyTilesPatterns(mlir::RewritePatternSet &patterns);
void populateDropExpandPatterns(mlir::RewritePatternSet &patterns);
void populateDecomposeGemmPatterns(mlir::RewritePatternSet &patterns);
void populateDecomposeEinsumPatterns(mlir::RewritePatternSet &patterns);
void populateDecomposeAttentionPatterns(mlir::RewritePatternSet &patterns);
void populateDecomposeRotaryPatterns(mlir::RewritePatternSet &patterns);
void populateDecomposeQuantizationPatterns(mlir::RewritePatternSet &patterns);
void populateRaiseOnnxSoftmaxPatterns(mlir::RewritePatternSet &patterns);
void populateRaiseSoftmaxPatterns(mlir::RewritePatternSet &patterns);
void populateSimplifyLinalgPatterns(mlir::RewritePatternSet &patterns);
void populateExplicitPadsPatterns(mlir::RewritePatternSet &patterns);

/// True when `value` is a constant whose elements all equal `wanted`.
bool isConstantOf(mlir::Value value, double wanted);
} // namespace weir

#endif // WEIR_LIB_TRANSFORMS_CANONICALIZE_PATTERNS_H
