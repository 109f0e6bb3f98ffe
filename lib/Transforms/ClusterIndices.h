//===- ClusterIndices.h - What indices of tokens are made of --------------===//
// Exporters clamp the indices of empty places before they read by them, and hide what was
// read; they scatter such places to a token more. These say what such values mean.

#ifndef WEIR_LIB_TRANSFORMS_CLUSTERINDICES_H
#define WEIR_LIB_TRANSFORMS_CLUSTERINDICES_H

#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Weir/Weir.h"
#include <optional>

namespace weir {

/// The number that all elements of a constant are.
std::optional<double> getSplat(mlir::Value value);
/// What a chain of Reshape, Squeeze and Unsqueeze views.
mlir::Value skipReshapes(mlir::Value value);
/// Are the last two dimensions swapped, and no others?
bool swapsLast(onnx::TransposeOp op);
/// The number of the first entries of `dim` that a slice takes, if it does just that.
std::optional<int64_t> takesFirst(onnx::SliceOp op, int64_t dim);

/// Are all elements of an integer tensor at least 0?
bool isNonNegative(mlir::Value value);
/// Are all elements of a float tensor more than -inf, unless an operand was no number?
bool isAboveLowest(mlir::Value value);
/// v of a condition v > -inf, or none.
mlir::Value findAboveLowest(mlir::Value condition);
/// i of a condition i < 0 on integers, or none; with `features`, of one that a last
/// dimension of size 1 has been added to.
mlir::Value findNegative(mlir::Value condition, bool features);
/// i of max(i, 0), or none.
mlir::Value skipClamp(mlir::Value value);
/// [.., rows, 1], of which indices [.., rows, features] are repetitions; or none.
mlir::Value findRowIndices(mlir::Value indices);

/// Weights, as the function that makes them and the scores that it makes them of.
struct WeightsOfScores {
  AttentionFunction function;
  mlir::Value scores;
};
/// The softmax over the last dimension, or the laplace function, that `value` is of some
/// scores.
std::optional<WeightsOfScores> matchWeights(mlir::Value value);

} // namespace weir

#endif // WEIR_LIB_TRANSFORMS_CLUSTERINDICES_H
