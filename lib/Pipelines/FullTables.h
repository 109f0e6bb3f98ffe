//===- FullTables.h - Position tables beyond the window -------------------===//

#ifndef WEIR_LIB_PIPELINES_FULLTABLES_H
#define WEIR_LIB_PIPELINES_FULLTABLES_H

#include "weir/Transforms/MakeContinual.h"

namespace weir {

/// A prepared model and the token axes of its inputs.
struct PreparedWindow {
  mlir::func::FuncOp function;
  const ArgumentAxes &axes;
};

/// Gives every op of `window` that adds a position table that of the model for `numRows`
/// tokens, as an attribute: `prepare` prepares `longer`, the model as it came, for them.
/// Fails, with an error, where it cannot, or where a table does not begin with the rows
/// of the window.
llvm::LogicalResult
keepFullTables(const PreparedWindow &window, mlir::ModuleOp longer, int64_t numRows,
               llvm::function_ref<mlir::FailureOr<ArgumentAxes>(mlir::ModuleOp)> prepare);

} // namespace weir

#endif // WEIR_LIB_PIPELINES_FULLTABLES_H
