//===- Evaluate.h - Compute onnx ops on constants -------------------------===//
// One function a family. Floats are computed in double and rounded once to the element
// type; integers in 64 bits, wrapping around. A function returns nullopt for an op of
// another family, and for one whose result ONNX leaves undefined.

#ifndef WEIR_LIB_DIALECT_ONNX_EVALUATE_H
#define WEIR_LIB_DIALECT_ONNX_EVALUATE_H

#include "FoldBudget.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/HostTensor.h"

namespace weir::onnx::detail {

/// One result of an op whose operands are constants.
struct Evaluation {
  mlir::Operation *op;
  llvm::ArrayRef<std::optional<HostTensor>> operands; ///< nullopt where absent
  mlir::RankedTensorType type;                        ///< of the result
  unsigned result;                                    ///< its index
  FoldBudget &budget;

  bool has(unsigned operand) const {
    return operand < operands.size() && operands[operand];
  }
  const HostTensor &operator[](unsigned operand) const { return *operands[operand]; }
  /// All integers of an operand, `absent` without it.
  std::vector<int64_t> ints(unsigned operand, std::vector<int64_t> absent = {}) const {
    return has(operand) ? operands[operand]->getInts() : absent;
  }
};

std::optional<HostTensor> evaluateElementwise(const Evaluation &e);
std::optional<HostTensor> evaluateArithmetic(const Evaluation &e);
std::optional<HostTensor> evaluateMove(const Evaluation &e);
std::optional<HostTensor> evaluateGather(const Evaluation &e);
std::optional<HostTensor> evaluateReduction(const Evaluation &e);
std::optional<HostTensor> evaluateNormalization(const Evaluation &e);
std::optional<HostTensor> evaluateContraction(const Evaluation &e);
std::optional<HostTensor> evaluateWindow(const Evaluation &e);
std::optional<HostTensor> evaluateQuantization(const Evaluation &e);

/// The elements of `tensor` repeated to `shape`.
std::vector<double> expandFloats(const HostTensor &tensor, llvm::ArrayRef<int64_t> shape);
std::vector<int64_t> expandInts(const HostTensor &tensor, llvm::ArrayRef<int64_t> shape);

} // namespace weir::onnx::detail

#endif // WEIR_LIB_DIALECT_ONNX_EVALUATE_H
