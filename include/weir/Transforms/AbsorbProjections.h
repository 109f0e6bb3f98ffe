//===- AbsorbProjections.h - Meet tokens before they are projected --------===//

#ifndef WEIR_TRANSFORMS_ABSORBPROJECTIONS_H
#define WEIR_TRANSFORMS_ABSORBPROJECTIONS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace weir {

/// Lets few queries, and few rows of weights, meet tokens before they are projected to
/// keys and values, wherever that takes fewer multiply-accumulates; returns how many
/// fewer.
int64_t absorbProjections(mlir::func::FuncOp function);

} // namespace weir

#endif // WEIR_TRANSFORMS_ABSORBPROJECTIONS_H
