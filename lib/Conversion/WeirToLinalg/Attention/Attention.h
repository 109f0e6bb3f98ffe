//===- Attention.h - What lowering an attention works with ----------------===//

#ifndef WEIR_LIB_CONVERSION_WEIRTOLINALG_ATTENTION_ATTENTION_H
#define WEIR_LIB_CONVERSION_WEIRTOLINALG_ATTENTION_ATTENTION_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/PatternMatch.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/Panels.h"

namespace weir::attention {

/// Number of panels that hold `columns`.
inline int64_t countPanels(int64_t columns) { return llvm::divideCeil(columns, panel); }

/// [.., rows, columns] as it lies in memory: dimension i is dimension dims[i] of
/// `tensor`. So heads are read where a projection wrote them, a transpose or not.
struct Operand {
  mlir::Value tensor;
  llvm::SmallVector<int64_t> dims;

  explicit Operand(mlir::Value value);
  int64_t rank() const { return dims.size(); }
  int64_t size(int64_t dim) const;
};

/// Rows and columns of an operand: a tensor of two dimensions, which `isSwapped` says to
/// be [columns, rows].
struct Matrix {
  mlir::Value tensor;
  bool isSwapped = false;

  int64_t numRows() const { return size(isSwapped); }
  int64_t numColumns() const { return size(!isSwapped); }

private:
  int64_t size(int64_t dim) const {
    return mlir::cast<mlir::RankedTensorType>(tensor.getType()).getDimSize(dim);
  }
};

/// Small linalg ops on tensors of one float type. The last value that a body sees is the
/// init's.
class Ops {
public:
  using Body = llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location,
                                              mlir::ValueRange)>;

  Ops(mlir::OpBuilder &b, mlir::Location loc, mlir::Type element)
      : b(b), loc(loc), element(element) {}

  mlir::Value constant(double value) {
    return mlir::arith::ConstantOp::create(b, loc, b.getFloatAttr(element, value));
  }
  mlir::Value index(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(b, loc, value);
  }
  mlir::Value empty(llvm::ArrayRef<int64_t> shape) {
    return mlir::tensor::EmptyOp::create(b, loc, shape, element);
  }
  mlir::Value fill(mlir::Value tensor, double value);

  mlir::AffineExpr dim(unsigned loop) { return b.getAffineDimExpr(loop); }
  mlir::AffineMap map(unsigned numLoops, llvm::ArrayRef<mlir::AffineExpr> results) {
    return mlir::AffineMap::get(numLoops, 0, results, b.getContext());
  }
  /// Reads `matrix` at a row and a column.
  mlir::AffineMap map(unsigned numLoops, const Matrix &matrix, mlir::AffineExpr row,
                      mlir::AffineExpr column) {
    return matrix.isSwapped ? map(numLoops, {column, row}) : map(numLoops, {row, column});
  }
  /// `reduces` has a flag for each loop.
  mlir::Value generic(mlir::ValueRange inputs, llvm::ArrayRef<mlir::AffineMap> maps,
                      mlir::Value init, llvm::ArrayRef<bool> reduces, Body body);
  /// The body of a sum of products.
  static mlir::Value addProduct(mlir::OpBuilder &b, mlir::Location loc,
                                mlir::ValueRange in);
  /// The sum of products of two inputs, added to `init`.
  mlir::Value contract(mlir::ValueRange inputs, llvm::ArrayRef<mlir::AffineMap> maps,
                       mlir::Value init, llvm::ArrayRef<bool> reduces);

  /// Part of a tensor of two dimensions, and the tensor with that part replaced.
  mlir::Value slice(mlir::Value tensor, llvm::ArrayRef<int64_t> offsets,
                    llvm::ArrayRef<int64_t> sizes);
  mlir::Value insert(mlir::Value part, mlir::Value tensor,
                     llvm::ArrayRef<int64_t> offsets);
  /// [rows, columns] as [rows, columns / panel, panel], and back.
  mlir::Value splitColumns(mlir::Value tensor);
  mlir::Value joinColumns(mlir::Value tensor);

  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::Type element;
};

/// The columns of `matrix` as panels [columns / panel, rows, panel]; places behind the
/// last column are zeros.
mlir::Value packColumns(Ops &ops, const Matrix &matrix);
/// The rows of `matrix` as the columns of panels [rows / panel, columns, panel].
mlir::Value packRows(Ops &ops, const Matrix &matrix);

/// What softmax makes of scores: e^(s - max s), and 1 over the sum of each row.
struct Powers {
  mlir::Value rows, inverseSums;
};
/// Of `scores`, whose columns are a multiple of `panel`.
Powers takePowers(Ops &ops, mlir::Value scores);

/// What the function of that name makes of a score.
mlir::Value laplace(Ops &ops, mlir::OpBuilder &b, mlir::Location loc, mlir::Value score);

/// `mean`; of a guarded attention 0 where the sum of its weights, or 1 over it, is none.
mlir::Value guard(AttentionOp op, mlir::OpBuilder &b, mlir::Location loc,
                  mlir::Value mean, mlir::Value sum);

/// The result of an attention without strips, in the order of the dimensions `order` of
/// it: all scores are held.
mlir::Value lowerFewQueries(AttentionOp op, mlir::OpBuilder &b,
                            llvm::ArrayRef<int64_t> order);

/// One attention as loops: over the leading dimensions, which hold what all queries
/// share, and over strips of queries.
class Loops {
public:
  Loops(AttentionOp op, mlir::OpBuilder &b);

  /// The result, in the order of the dimensions `order` of it.
  mlir::Value build(llvm::ArrayRef<int64_t> order);

private:
  using Step = llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)>;
  mlir::Value loop(int64_t count, mlir::Value result, Step body);
  mlir::Value overLeading(size_t dim, mlir::Value result);
  mlir::Value overStrips(mlir::Value result);

  Matrix matrix(const Operand &operand, mlir::Value row, int64_t count);
  mlir::Value strip(mlir::Value row, int64_t count, mlir::Value result);
  mlir::Value scores(mlir::Value row, int64_t count);
  mlir::Value productWithKeys(const Matrix &queries, mlir::Value init);
  mlir::Value productWithValues(mlir::Value weights);
  mlir::Value addBias(mlir::Value scores, mlir::Value row, int64_t count);
  mlir::Value finish(mlir::Value rows, mlir::Value inverseSums, mlir::Value part);

  AttentionOp op;
  Ops ops;
  Operand q, k, v;
  llvm::SmallVector<int64_t> order;
  llvm::SmallVector<mlir::Value> leading; ///< indices; null for sizes of 1
  mlir::Value keyPanels, valuePanels;     ///< of these indices
};

} // namespace weir::attention

#endif // WEIR_LIB_CONVERSION_WEIRTOLINALG_ATTENTION_ATTENTION_H
