//===- ContinualChecks.h - What no step function is made of ---------------===//
// Each reports what it finds, and what the user can do about it.

#ifndef WEIR_LIB_TRANSFORMS_CONTINUALCHECKS_H
#define WEIR_LIB_TRANSFORMS_CONTINUALCHECKS_H

#include "weir/Transforms/MakeContinual.h"

namespace weir {

/// Everything later counts on static shapes.
llvm::LogicalResult checkShapes(mlir::func::FuncOp window);
/// What no stream reaches is the same at every step: some output must not be.
llvm::LogicalResult checkOutputs(mlir::func::FuncOp window,
                                 const TokenFlowAnalysis &flows);
/// Updated rows are slots, which window order does not have.
llvm::LogicalResult checkLayout(mlir::func::FuncOp window,
                                const ContinualOptions &options);
/// Do all inputs have one window, which a step's tokens fit?
llvm::LogicalResult checkChunk(mlir::func::FuncOp window, const ArgumentAxes &axes,
                               Semantics semantics);
/// Tokens of one window have different rows of a position table.
llvm::LogicalResult checkPeriod(mlir::func::FuncOp window, const ArgumentAxes &axes,
                                int64_t period);
/// Where a step equals the model on another number of tokens than a window holds, the
/// model has to mean something on them.
llvm::LogicalResult checkLength(mlir::func::FuncOp window, const TokenFlowAnalysis &flows,
                                const ContinualOptions &options);
/// Nobody has said what absolute positions mean: always fails.
llvm::LogicalResult rejectPositions(const PositionTable &table);

} // namespace weir

#endif // WEIR_LIB_TRANSFORMS_CONTINUALCHECKS_H
