//===- FixedPointRows.h - Rows as digits of whole numbers -----------------===//

#ifndef WEIR_LIB_CONVERSION_LINALGTOVECTOR_FIXEDPOINTROWS_H
#define WEIR_LIB_CONVERSION_LINALGTOVECTOR_FIXEDPOINTROWS_H

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Builders.h"

namespace weir {

/// Memory for rows x = s (256 d1 + d0), d1 and d0 whole numbers in [-128, 127]:
///   x = (1, -0.5)   s = 1 / 32639, 256 d1 + d0 = (32639, -16320)   d1 = (127, -64)
///                                                                  d0 = (127, 64)
/// and s is the row's largest magnitude over 32639. A digit's rounding is below
/// 2^-16 of that magnitude.
class FixedPointRows {
public:
  static constexpr int64_t numDigits = 2;
  /// Takes memory of the stack for `count` rows, where `b` stands.
  FixedPointRows(mlir::OpBuilder &b, mlir::Location loc, int64_t count, int64_t depth);

  /// Writes row number `row`; its elements lie in `from`, `stride` apart, from `start`
  /// on.
  void fill(mlir::Value row, mlir::Value from, mlir::Value start, int64_t stride);

  /// Four digits at depth 4 `group` as one i32; digit 1 is the larger.
  mlir::Value loadDigits(mlir::Value row, int64_t digit, mlir::Value group);
  /// The sum of a row's digits, i32.
  mlir::Value loadSum(mlir::Value row, int64_t digit);
  mlir::Value loadScale(mlir::Value row);

private:
  mlir::Value index(int64_t value);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value scaled(mlir::Value value, int64_t by);
  mlir::Value splat(mlir::TypedAttr number, int64_t width);
  mlir::Value splat(int32_t number, int64_t width);
  mlir::Value splat(mlir::Value number, int64_t width);
  mlir::Value loadElements(mlir::Value from, mlir::Value start, int64_t stride,
                           mlir::Value at, int64_t width);
  using Fold = llvm::function_ref<llvm::SmallVector<mlir::Value>(
      mlir::Value at, int64_t width, mlir::ValueRange sums)>;
  using Join = llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)>;
  /// Folds a row in vectors; i32 sums start at 0 and come back joined.
  llvm::SmallVector<mlir::Value> foldRow(unsigned numSums, Fold fold, Join join,
                                         bool isMaximum);
  mlir::Value largestMagnitude(mlir::Value from, mlir::Value start, int64_t stride);

  mlir::OpBuilder &b;
  mlir::Location loc;
  int64_t depth;
  mlir::Value digits, groups, sums, scales; // memory, `groups` that of `digits`
};

} // namespace weir

#endif // WEIR_LIB_CONVERSION_LINALGTOVECTOR_FIXEDPOINTROWS_H
