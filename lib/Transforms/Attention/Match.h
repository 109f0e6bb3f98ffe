//===- Match.h - The ops that one attention is spelled of -----------------===//

#ifndef WEIR_LIB_TRANSFORMS_ATTENTION_MATCH_H
#define WEIR_LIB_TRANSFORMS_ATTENTION_MATCH_H

#include "weir/Analysis/TokenFlow.h"
#include "weir/Dialect/Onnx/Onnx.h"

namespace weir {

/// Where queries and keys stand in scores or weights.
struct ScoreDims {
  int64_t query, key;
};

/// An op that makes scores of scores, or weights of weights: its operand that holds them.
struct Link {
  mlir::OpOperand *data;
  ScoreDims before, after;
};

/// product  --scores-->  softmax  --weights-->  result
struct AttentionMatch {
  mlir::Operation *product, *softmax, *result;
  ScoreDims productDims; ///< in the result of the product: its last two
  llvm::SmallVector<Link> scores, weights;
  mlir::OpOperand *weightsUse; ///< of `result`
  bool isGuarded = false;      ///< rows that are all masked become zeros
};

/// Matches the attention around a softmax over keys; fails with the reason in `why`.
mlir::FailureOr<AttentionMatch> matchAttention(mlir::Operation *softmax,
                                               const TokenFlowAnalysis &flows,
                                               std::string &why);

/// The same where nothing is known of tokens: queries are what the products say.
mlir::FailureOr<AttentionMatch> matchAttention(onnx::SoftmaxOp softmax, std::string &why);

/// Why the masks among the links from the product to the softmax are no sums; none where
/// they are.
std::optional<std::string> findMaskProblem(llvm::ArrayRef<Link> scores);

/// Beside it no score counts: what a mask becomes that replaces scores by a number.
constexpr double swampingScore = -1e30;

/// May the op stand between the products, or is it one of them?
bool isScoreOp(mlir::Operation *op);

/// Dimension i of the result is dimension perm[i] of the operand.
llvm::SmallVector<int64_t> getPermutation(onnx::TransposeOp op);

/// Do all tensors of the op have static shapes?
bool hasStaticTypes(mlir::Operation *op);

} // namespace weir

#endif // WEIR_LIB_TRANSFORMS_ATTENTION_MATCH_H
