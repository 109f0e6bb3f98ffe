//===- Probe.h - Values inside of a window, as its outputs ----------------===//

#ifndef WEIR_LIB_RUNNER_PROBE_H
#define WEIR_LIB_RUNNER_PROBE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace weir {

/// Makes `window` return `values`, named by their place, and nothing else.
void returnValues(mlir::func::FuncOp window, llvm::ArrayRef<mlir::Value> values);

/// A module with a copy of `window` that returns copies of `values`.
mlir::OwningOpRef<mlir::ModuleOp> makeProbe(mlir::func::FuncOp window,
                                            llvm::ArrayRef<mlir::Value> values);

} // namespace weir

#endif // WEIR_LIB_RUNNER_PROBE_H
