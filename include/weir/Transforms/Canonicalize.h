//===- Canonicalize.h - Bring operators to one spelling each --------------===//

#ifndef WEIR_TRANSFORMS_CANONICALIZE_H
#define WEIR_TRANSFORMS_CANONICALIZE_H

namespace mlir {
class OpPassManager;
class RewritePatternSet;
} // namespace mlir

namespace weir {

/// All patterns of `weir-canonicalize`.
void populateCanonicalizePatterns(mlir::RewritePatternSet &patterns);

/// What every rewrite starts from, as passes over functions of static shapes: canonical
/// operators, packed projections split, common subexpressions and dead ops removed.
void buildCanonicalizationPipeline(mlir::OpPassManager &manager);

} // namespace weir

#endif // WEIR_TRANSFORMS_CANONICALIZE_H
