//===- Specialize.h - Fix the sizes of a model ----------------------------===//

#ifndef WEIR_TRANSFORMS_SPECIALIZE_H
#define WEIR_TRANSFORMS_SPECIALIZE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace weir {

/// The shape of each input after binding sizes to its dynamic dimensions: `NAME=SIZE`
/// for a symbolic name of `weir.dims`, `INPUT:AXIS=SIZE` for any dimension. Fails, with
/// an error that names input and axis, when a size is missing, unknown or contradicted.
mlir::FailureOr<llvm::SmallVector<llvm::SmallVector<int64_t>>>
bindDims(mlir::func::FuncOp function, llvm::ArrayRef<std::string> dims);

/// Gives the inputs these shapes, infers the types of all values again, folds
/// constants and removes dead ops. Errors name the node that does not fit.
llvm::LogicalResult specialize(mlir::func::FuncOp function,
                               llvm::ArrayRef<llvm::SmallVector<int64_t>> inputShapes);

/// Why a value has no static shape although its op's operands have.
struct UnknownShape {
  mlir::Operation *op;
  std::string reason;
};
/// The ops at which static shapes end, in order: none behind another is listed.
llvm::SmallVector<UnknownShape> findUnknownShapes(mlir::func::FuncOp function);

} // namespace weir

#endif // WEIR_TRANSFORMS_SPECIALIZE_H
