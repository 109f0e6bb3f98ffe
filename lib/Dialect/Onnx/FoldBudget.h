//===- FoldBudget.h - What folding may cost in all ------------------------===//
// Constants live as long as their context, and a chain of a hundred nodes on one large
// constant makes a hundred of them. So besides a limit for each fold there is one for all
// of a context: of bytes kept and of work done. It grows with the weights that a model
// brings, so that only what is made of nothing runs into it. What is not folded is
// computed at run time.

#ifndef WEIR_LIB_DIALECT_ONNX_FOLDBUDGET_H
#define WEIR_LIB_DIALECT_ONNX_FOLDBUDGET_H

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/DenseSet.h"

namespace weir::onnx {

class FoldBudget {
public:
  /// Elements that are read or written cost this much, a multiplication 1.
  static constexpr int64_t workOfElement = 8;

  /// Counts a constant operand once: one that no fold has made brings room.
  void meet(mlir::Attribute operand);
  /// Takes what a fold costs; false, and nothing taken, when that is too much.
  bool takeWork(int64_t amount) { return take(work, amount); }
  bool takeBytes(int64_t amount) { return take(bytes, amount); }
  void made(mlir::Attribute result) { known.insert(result); }

private:
  static bool take(int64_t &left, int64_t amount) {
    if (amount > left)
      return false;
    left -= amount;
    return true;
  }

  int64_t bytes = int64_t(192) << 20;
  int64_t work = int64_t(1) << 31;
  llvm::DenseSet<mlir::Attribute> known;
};

} // namespace weir::onnx

#endif // WEIR_LIB_DIALECT_ONNX_FOLDBUDGET_H
