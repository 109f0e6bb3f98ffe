//===- Nest.h - A linalg op on memrefs as loops and strides ---------------===//
// All that matters to a kernel: how many times each loop runs, whether it reduces, and
// by how many elements it moves in each operand. Layouts, transposes and broadcasts are
// nothing but strides:
//   C[i, j] += A[i, k] * B[k, j], 4x8x16    i: 4, (16, 0, 8)   j: 8, (0, 1, 1)
//                                           k: 16 reduces, (1, 8, 0)

#ifndef WEIR_LIB_CONVERSION_LINALGTOVECTOR_NEST_H
#define WEIR_LIB_CONVERSION_LINALGTOVECTOR_NEST_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace weir {

struct Loop {
  int64_t extent;
  bool reduces;
  llvm::SmallVector<int64_t> strides; // one an operand, the output last
};

struct Nest {
  mlir::Operation *op = nullptr;
  mlir::Block *body = nullptr;
  unsigned numInputs = 0;
  llvm::SmallVector<Loop> loops;
  llvm::SmallVector<int64_t> offsets; // constant part of each operand's index
  /// The op of the body that takes in the accumulated value; null without reduction.
  mlir::Operation *combiner = nullptr;
  /// Begins all sums with a constant; null where they begin with what the output holds.
  mlir::linalg::FillOp start;

  unsigned output() const { return numInputs; }
  bool reduces() const { return combiner != nullptr; }
  /// Does the body use what the output holds?
  bool readsOutput() const { return !body->getArguments().back().use_empty(); }
  /// Is the body `acc + x * y`?
  bool isContraction() const;
};

/// The loops of `op`: those that run once are dropped, those that move all operands like
/// one longer loop are merged. Fails where the op is of another kind: several outputs,
/// dynamic sizes, a body that reads memory or loop indices, or no plain reduction.
mlir::FailureOr<Nest> analyzeNest(mlir::linalg::LinalgOp op);

/// The elements that `memref` can reach as one dimension, from its first one on; scalars
/// as they are.
mlir::Value flattenMemref(mlir::OpBuilder &b, mlir::Location loc, mlir::Value memref);

} // namespace weir

#endif // WEIR_LIB_CONVERSION_LINALGTOVECTOR_NEST_H
