//===- States.h - What functions say of states ------------------------------===//

#ifndef WEIR_DIALECT_WEIR_STATES_H
#define WEIR_DIALECT_WEIR_STATES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace weir {

/// The name of the state that `value` is as an argument of a function; null of others.
inline mlir::StringAttr getState(mlir::Value value) {
  auto argument = llvm::dyn_cast<mlir::BlockArgument>(value);
  auto function =
      argument ? llvm::dyn_cast<mlir::func::FuncOp>(argument.getOwner()->getParentOp())
               : mlir::func::FuncOp();
  return function ? function.getArgAttrOfType<mlir::StringAttr>(argument.getArgNumber(),
                                                                "weir.state")
                  : mlir::StringAttr();
}

} // namespace weir

#endif // WEIR_DIALECT_WEIR_STATES_H
