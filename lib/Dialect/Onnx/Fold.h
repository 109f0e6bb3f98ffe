//===- Fold.h - Fold onnx ops of constants --------------------------------===//

#ifndef WEIR_LIB_DIALECT_ONNX_FOLD_H
#define WEIR_LIB_DIALECT_ONNX_FOLD_H

#include "FoldBudget.h"
#include "mlir/Interfaces/FoldInterfaces.h"
#include "llvm/ADT/DenseMap.h"
#include <mutex>

namespace weir::onnx {

/// Folds an op whose operands are all constants into what it computes.
struct FoldByEvaluation : mlir::DialectFoldInterface {
  using DialectFoldInterface::DialectFoldInterface;
  llvm::LogicalResult
  fold(mlir::Operation *op, llvm::ArrayRef<mlir::Attribute> operands,
       llvm::SmallVectorImpl<mlir::OpFoldResult> &results) const override;

private:
  /// What an op computes, empty when it is not folded. Drivers ask for the same fold many
  /// times, and each clone of a module asks again.
  using Values = llvm::SmallVector<mlir::Attribute, 1>;
  Values compute(mlir::Operation *op, llvm::ArrayRef<mlir::Attribute> operands) const;

  mutable std::mutex mutex; // functions are canonicalized in parallel
  mutable llvm::DenseMap<mlir::Attribute, Values> known;
  mutable FoldBudget budget;
};

} // namespace weir::onnx

#endif // WEIR_LIB_DIALECT_ONNX_FOLD_H
