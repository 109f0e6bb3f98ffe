//===- LinearRows.h - Rows that are made linearly of rows -----------------===//
// What lies between the tokens and the queries, keys and values of an attention: views,
// products with weights, biases, factors.

#ifndef WEIR_LIB_TRANSFORMS_COMPRESS_LINEARROWS_H
#define WEIR_LIB_TRANSFORMS_COMPRESS_LINEARROWS_H

#include "weir/Analysis/TokenFlow.h"
#include "llvm/ADT/SetVector.h"

namespace weir {

/// A value, and where its rows stand.
struct RowsOf {
  mlir::Value value;
  TokenAxis axis;
};

/// An op each row of whose result is a linear function of one row of each of its
/// `carriers`, plus what its constants add.
struct LinearOp {
  mlir::Operation *op = nullptr;
  const FlowTransfer *transfer = nullptr;
  unsigned axis = 0; ///< number of the rows' axis among those of the transfer
  /// A token of the transfer is several rows.
  bool isRefined = false;
  llvm::SmallVector<mlir::OpOperand *, 1> carriers;

  explicit operator bool() const { return op; }
  bool isView() const { return transfer->linearity == Linearity::Moves; }
  bool isProduct() const { return transfer->isMatrixProduct; }
  bool isSum() const {
    return transfer->linearity == Linearity::Adds ||
           transfer->linearity == Linearity::Subtracts;
  }
  /// Where the rows stand in the result.
  TokenAxis getAxis() const;
  /// Where they stand in an operand; none where it has none of them.
  std::optional<TokenAxis> getAxis(const mlir::OpOperand &operand) const;
  RowsOf getRows(const mlir::OpOperand &operand) const {
    return {operand.get(), *getAxis(operand)};
  }
  /// Constants that are added.
  llvm::SmallVector<mlir::OpOperand *, 1> getAdded() const;
  /// The op on `count` rows of such operands, as a clone.
  mlir::Value build(mlir::OpBuilder &builder, llvm::ArrayRef<mlir::Value> operands,
                    int64_t count) const;
};

/// The op that makes such rows; none where it does not make them linearly.
LinearOp getLinearOp(const RowsOf &rows, const TokenFlowAnalysis &flows);

/// Is there a product with weights between the rows and what they are made of?
bool areProjected(const RowsOf &rows, const TokenFlowAnalysis &flows);

/// The products between `rows` and the tokens that are projected.
void collectProjections(const RowsOf &rows, const TokenFlowAnalysis &flows,
                        llvm::SetVector<mlir::Operation *> &found);

/// Do all rows of the constant operand hold the same?
bool isUniform(const LinearOp &op, const mlir::OpOperand &constant);

/// `axis` with other rows, all of them tokens.
TokenAxis withRows(TokenAxis axis, int64_t count);

} // namespace weir

#endif // WEIR_LIB_TRANSFORMS_COMPRESS_LINEARROWS_H
