//===- LinearForms.h - Values that are linear in sliding ones -------------===//
// A rotary embedding ends sliding: y[j] = A_j x[j] with another matrix at each position
// j. Scores slide all the same, q_i . A_i^T B_j k_j, where A_i^T B_j depends on i - j
// alone. A linear form writes every entry of a value as a sum of entries of sliding
// values, each times a factor and a column: numbers that depend on the position only. Of
// two tokens of two features, rotated by an angle a_j:
//   entry 0:  x[0] cos + x[1] (-1) sin        cos = (cos a_0, cos a_1)
//   entry 1:  x[0] sin + x[1] cos             sin = (sin a_0, sin a_1)
// However a model spells it (halves, pairs, a part of the features, views between), the
// same forms come out, since they are followed entry by entry.

#ifndef WEIR_LIB_ANALYSIS_LINEARFORMS_H
#define WEIR_LIB_ANALYSIS_LINEARFORMS_H

#include "weir/Analysis/TokenFlow.h"
#include <map>
#include <memory>
#include <vector>

namespace weir {

class LinearForms {
public:
  explicit LinearForms(const TokenFlowAnalysis &flows);

  /// The margins of a matrix product whose operands do not slide by themselves but whose
  /// entries, as products of linear forms, depend on the distance of the two tokens; one
  /// pair an axis of the result. None where that is not so.
  std::optional<llvm::SmallVector<Margins, 2>>
  productMargins(mlir::Operation *op, const FlowTransfer &transfer);

private:
  struct Term {
    unsigned base;   ///< a sliding value
    int64_t entry;   ///< of one row of it
    unsigned column; ///< 0: ones
    double factor;
  };
  /// One sum for each entry of one row of the value, row-major.
  struct Form {
    std::vector<llvm::SmallVector<Term, 2>> entries;
    /// The widest of the values in it.
    Margins margins;
  };
  /// What two columns make of a pair of positions (i, j): sum of factor a_i b_j.
  using Kernel = std::vector<std::tuple<unsigned, unsigned, double>>;

  const Form *get(mlir::Value value, unsigned depth);
  std::optional<Form> derive(mlir::Operation *op, unsigned depth);
  std::optional<Form> move(mlir::Operation *op, const FlowTransfer &transfer,
                           unsigned depth);
  std::optional<Form> add(mlir::Operation *op, const FlowTransfer &transfer,
                          unsigned depth);
  std::optional<Form> scale(mlir::Operation *op, const FlowTransfer &transfer,
                            unsigned depth);
  Form identity(mlir::Value value);
  /// The shape of one row of a value with one axis.
  static llvm::SmallVector<int64_t> rowShape(mlir::Value value, const TokenAxis &axis);
  /// The one use of an operand whose rows are those of the result.
  const AxisUse *rowUse(mlir::Value value, llvm::ArrayRef<AxisUse> uses) const;
  /// The column's number and a factor; numbers that are all equal are in the factor.
  std::pair<unsigned, double> intern(std::vector<double> column);
  unsigned multiply(unsigned a, unsigned b);
  /// False when the sum gets too long.
  static bool append(llvm::SmallVectorImpl<Term> &sum, Term term);
  bool dependsOnDistance(const Kernel &kernel, const TokenAxis &rows,
                         const TokenAxis &columns);
  bool computeDependsOnDistance(const Kernel &kernel, const TokenAxis &rows,
                                const TokenAxis &columns) const;

  const TokenFlowAnalysis &flows;
  std::map<void *, std::unique_ptr<Form>> forms;
  llvm::DenseMap<mlir::Value, unsigned> bases;
  std::vector<std::vector<double>> columns;
  std::map<std::vector<double>, unsigned> columnIds;
  std::map<std::pair<unsigned, unsigned>, unsigned> products;
  std::map<std::tuple<Kernel, TokenAxis, TokenAxis>, bool> kernels;
};

} // namespace weir

#endif // WEIR_LIB_ANALYSIS_LINEARFORMS_H
