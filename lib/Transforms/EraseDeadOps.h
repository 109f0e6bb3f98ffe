//===- EraseDeadOps.h - Erase what a rewrite left behind ------------------===//

#ifndef WEIR_LIB_TRANSFORMS_ERASEDEADOPS_H
#define WEIR_LIB_TRANSFORMS_ERASEDEADOPS_H

#include "mlir/IR/Block.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/STLExtras.h"

namespace weir {

/// Erases the ops of `block` that nobody uses, and those that only these used.
inline void eraseDeadOps(mlir::Block &block) {
  for (mlir::Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (mlir::isOpTriviallyDead(&op))
      op.erase();
}

} // namespace weir

#endif // WEIR_LIB_TRANSFORMS_ERASEDEADOPS_H
