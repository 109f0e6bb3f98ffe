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

/// Gives every op of `window` that adds a position table that of `longer`, the same model
/// for more tokens, as an attribute. Fails, with an error at the op, where there is none
/// or where it does not begin with the rows of the window.
llvm::LogicalResult attachFullTables(const PreparedWindow &window,
                                     const PreparedWindow &longer);

} // namespace weir

#endif // WEIR_LIB_PIPELINES_FULLTABLES_H
