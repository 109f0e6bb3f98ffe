//===- Loops.h - Loops that carry tensors ---------------------------------===//

#ifndef WEIR_LIB_CONVERSION_WEIRTOLINALG_CLUSTERS_LOOPS_H
#define WEIR_LIB_CONVERSION_WEIRTOLINALG_CLUSTERS_LOOPS_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/ArrayRef.h"

namespace weir::clusters {

/// Builds loops and conditions of which the values are replaced on the way.
class Loops {
public:
  using Values = llvm::SmallVector<mlir::Value>;
  using Body = llvm::function_ref<Values(mlir::Value index, mlir::ValueRange values)>;
  using NestBody =
      llvm::function_ref<mlir::Value(llvm::ArrayRef<mlir::Value> at, mlir::Value value)>;

  Loops(mlir::OpBuilder &builder, mlir::Location loc) : b(loc, builder) {}

  mlir::Value index(int64_t value);
  mlir::Value integer(int64_t value);
  mlir::Value number(mlir::Type type, double value);
  mlir::Value toIndex(mlir::Value integer);
  mlir::Value toInteger(mlir::Value index);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value both(mlir::Value x, mlir::Value y);
  mlir::Value either(mlir::Value x, mlir::Value y);
  mlir::Value is(mlir::arith::CmpIPredicate predicate, mlir::Value x, mlir::Value y);
  mlir::Value is(mlir::arith::CmpFPredicate predicate, mlir::Value x, mlir::Value y);
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y);

  mlir::Value filled(llvm::ArrayRef<int64_t> shape, mlir::Type type, double value);
  mlir::Value empty(llvm::ArrayRef<int64_t> shape, mlir::Type type);
  mlir::Value get(mlir::Value tensor, llvm::ArrayRef<mlir::Value> at);
  mlir::Value set(mlir::Value tensor, llvm::ArrayRef<mlir::Value> at, mlir::Value value);
  /// The last dimension behind the indices `at` of all others, as a tensor of rank 1.
  mlir::Value row(mlir::Value tensor, llvm::ArrayRef<mlir::Value> at);
  mlir::Value setRow(mlir::Value tensor, llvm::ArrayRef<mlir::Value> at, mlir::Value row);

  /// Runs `body` for the indices from 0, or down to 0, below `count`.
  Values repeat(mlir::Value count, mlir::ValueRange values, Body body,
                bool downwards = false);
  /// Runs `body` for all indices of `shape`, the last running fastest. The first
  /// `numParallel` dimensions are those of which no two indices write the same.
  mlir::Value nest(llvm::ArrayRef<int64_t> shape, mlir::Value value, NestBody body,
                   int64_t numParallel = 0);
  /// The values of `body` where the condition holds, else `values`.
  Values onlyIf(mlir::Value condition, mlir::ValueRange values,
                llvm::function_ref<Values()> body) {
    return choose(condition, values, body, [&]() { return Values(values); });
  }
  /// The values of one of two bodies, of the types of `values`.
  Values choose(mlir::Value condition, mlir::ValueRange values,
                llvm::function_ref<Values()> then,
                llvm::function_ref<Values()> otherwise);
  /// Says of the loop that made `value` that its iterations are independent.
  void markParallel(mlir::Value value);

  mlir::ImplicitLocOpBuilder b;
};

/// The indices of the leading dimensions of `tensor`, which broadcast to those of `at`;
/// of the tensor `numInner` dimensions are not leading.
llvm::SmallVector<mlir::Value> leadingIndices(Loops &loops, mlir::Value tensor,
                                              int64_t numInner,
                                              llvm::ArrayRef<mlir::Value> at);

} // namespace weir::clusters

#endif // WEIR_LIB_CONVERSION_WEIRTOLINALG_CLUSTERS_LOOPS_H
