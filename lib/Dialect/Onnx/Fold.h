//===- Fold.h - Fold onnx ops of constants --------------------------------===//

#ifndef WEIR_LIB_DIALECT_ONNX_FOLD_H
#define WEIR_LIB_DIALECT_ONNX_FOLD_H

#include "mlir/Interfaces/FoldInterfaces.h"

namespace weir::onnx {

/// Folds an op whose operands are all constants into what it computes.
struct FoldByEvaluation : mlir::DialectFoldInterface {
  using DialectFoldInterface::DialectFoldInterface;
  llvm::LogicalResult
  fold(mlir::Operation *op, llvm::ArrayRef<mlir::Attribute> operands,
       llvm::SmallVectorImpl<mlir::OpFoldResult> &results) const override;
};

} // namespace weir::onnx

#endif // WEIR_LIB_DIALECT_ONNX_FOLD_H
