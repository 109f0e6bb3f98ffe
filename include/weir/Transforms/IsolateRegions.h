//===- IsolateRegions.h - Bring constants into the bodies that read them --===//

#ifndef WEIR_TRANSFORMS_ISOLATEREGIONS_H
#define WEIR_TRANSFORMS_ISOLATEREGIONS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace weir {

/// Makes the regions of the ops of `function` read nothing of their surroundings: what
/// follows from constants is computed inside. Fails, with an error, where anything else
/// is read.
llvm::LogicalResult isolateRegions(mlir::func::FuncOp function);

} // namespace weir

#endif // WEIR_TRANSFORMS_ISOLATEREGIONS_H
