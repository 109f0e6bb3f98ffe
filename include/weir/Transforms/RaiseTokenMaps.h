//===- RaiseTokenMaps.h - Products that are maps along the tokens ---------===//

#ifndef WEIR_TRANSFORMS_RAISETOKENMAPS_H
#define WEIR_TRANSFORMS_RAISETOKENMAPS_H

#include "weir/Analysis/TokenFlow.h"
#include "weir/Transforms/MakeContinual.h"

namespace weir {

/// The maps of tokens to fewer rows, as ops or as products with their matrices: where
/// there are some, the axes that `flows` was told are those of tokens.
int64_t countTokenMaps(mlir::func::FuncOp function, const TokenFlowAnalysis &flows);

/// Makes weir.dct, weir.idct, weir.resample and weir.pool of products with their
/// matrices along tokens; returns how many.
int64_t raiseTokenMaps(mlir::func::FuncOp function, const ArgumentAxes &axes);

} // namespace weir

#endif // WEIR_TRANSFORMS_RAISETOKENMAPS_H
