//===- CheckModel.h - What can be said against a model ---------------------===//
// Called with what was tried, to say more than that it did not work.

#ifndef WEIR_LIB_PIPELINES_CHECKMODEL_H
#define WEIR_LIB_PIPELINES_CHECKMODEL_H

#include "weir/Transforms/MakeContinual.h"

namespace weir {

/// Reports every operator of `window` that cannot be evaluated.
llvm::LogicalResult refuseUnknownOperators(mlir::func::FuncOp window);

/// Reports the first node whose shape no size of an input fixes.
llvm::LogicalResult refuseUnknownShapes(mlir::func::FuncOp window);

/// Reports a model that joins its own past, which an input brings, to new tokens: a step
/// already, with a window that grows.
llvm::LogicalResult refusePast(mlir::func::FuncOp window);

/// The first op that strides over more tokens than `axes` bring per step, which `wider`
/// ones fill; null where there is none.
mlir::Operation *findStride(mlir::func::FuncOp window, const ArgumentAxes &axes,
                            const ArgumentAxes &wider);

/// Tells behind which op the tokens of `axes` stand in no axis any more, if there is one.
void noteLostTokens(mlir::InFlightDiagnostic &error, mlir::func::FuncOp window,
                    const ArgumentAxes &axes, llvm::StringRef input);

} // namespace weir

#endif // WEIR_LIB_PIPELINES_CHECKMODEL_H
