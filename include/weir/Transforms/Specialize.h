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

/// An input of one number only.
struct FixedInput {
  unsigned argument;
  std::string number;
};
/// Reads `INPUT=NUMBER`; fails, with an error, where there is no such input.
mlir::FailureOr<llvm::SmallVector<FixedInput>>
findFixedInputs(mlir::func::FuncOp function, llvm::ArrayRef<std::string> fixed);
/// Puts the numbers in the place of inputs of static shapes, which are inputs no more.
llvm::LogicalResult fixInputs(mlir::func::FuncOp function,
                              llvm::ArrayRef<FixedInput> fixed);

/// Sums that number the tokens which are no padding.
llvm::SmallVector<mlir::Operation *> findPaddingCounts(mlir::func::FuncOp function);
/// Folds what compares ids with padding, so that such numbers become constant. Legal
/// where no token is padding.
void assumeNoPadding(mlir::func::FuncOp function);

struct Specialization {
  llvm::SmallVector<std::string> dims; ///< as `bindDims` takes them
  llvm::SmallVector<FixedInput> fixed;
  bool noPadding = false;
};
/// All of the above in turn.
llvm::LogicalResult specialize(mlir::func::FuncOp function,
                               const Specialization &options);

/// Why a value has no static shape although its op's operands have.
struct UnknownShape {
  mlir::Operation *op;
  std::string reason;
};
/// The ops at which static shapes end, in order: none behind another is listed.
llvm::SmallVector<UnknownShape> findUnknownShapes(mlir::func::FuncOp function);

} // namespace weir

#endif // WEIR_TRANSFORMS_SPECIALIZE_H
