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

/// Beside it no score counts: what a mask becomes that replaces scores by a number.
constexpr double swampingScore = -1e30;

/// Dimension i of the result is dimension perm[i] of the operand.
llvm::SmallVector<int64_t> getPermutation(onnx::TransposeOp op);

/// Do all tensors of the op have static shapes?
bool hasStaticTypes(mlir::Operation *op);

} // namespace weir

#endif // WEIR_LIB_TRANSFORMS_ATTENTION_MATCH_H
