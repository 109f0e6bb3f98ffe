//===- RaiseAttention.h - One op for each attention of an encoder ---------===//
// Attentions are found by what flows into them: a softmax whose scores have two token
// axes, of queries and of keys. How a model spells the scores does not matter, so long
// as each step from their product on can be said of queries, keys or a bias.

#ifndef WEIR_TRANSFORMS_RAISEATTENTION_H
#define WEIR_TRANSFORMS_RAISEATTENTION_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "weir/Analysis/TokenFlow.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Transforms/MakeContinual.h"

namespace weir {

/// A choice of layers, written "0,2-3"; all of them where nothing is written.
class LayerSet {
public:
  /// Reports what is no such list at `location`.
  static mlir::FailureOr<LayerSet> parse(llvm::StringRef text, mlir::Location location);
  bool contains(int64_t layer) const;
  /// Reports, at `function`, a layer that is none of its `count` attentions.
  llvm::LogicalResult check(mlir::func::FuncOp function, int64_t count) const;

private:
  llvm::SmallVector<std::pair<int64_t, int64_t>, 2> ranges;
};

/// The attentions of `function` in program order, each the softmax of its scores or a
/// weir.attention. Their numbers in this list are those of the layers.
llvm::SmallVector<mlir::Operation *> findAttentions(mlir::func::FuncOp function,
                                                    const TokenFlowAnalysis &flows);

/// Replaces the attention around `softmax`, from the product of queries and keys to that
/// with the values, by one op, which keeps what was noted on the softmax. Fails, with a
/// remark, changing nothing and setting `why` to a sentence such as "its weights are used
/// elsewhere"; a weir.attention is returned as it is. Other attentions of `flows` can be
/// raised after it.
mlir::FailureOr<AttentionOp> raiseAttention(mlir::Operation *softmax,
                                            const TokenFlowAnalysis &flows,
                                            std::string *why = nullptr);

/// What became of one attention.
struct RaisedAttention {
  int64_t layer;
  std::string node; ///< of the softmax
  AttentionOp op;   ///< null where it stays as it is, for the reason `why`
  std::string why;
};

/// Raises the attentions of `layers`; one entry for each of them. Fails, with an error,
/// where a layer does not exist.
mlir::FailureOr<llvm::SmallVector<RaisedAttention>>
raiseAttentions(mlir::func::FuncOp function, const ArgumentAxes &axes,
                const LayerSet &layers);

/// Replaces each softmax between two products by one op, whatever its queries and keys
/// are, if it has at least `fewestQueries`; a remark says why another stays.
void fuseAttentions(mlir::func::FuncOp function, int64_t fewestQueries);

/// Spells every weir.attention of `function` as MatMul, Softmax and MatMul.
void expandAttentions(mlir::func::FuncOp function);

/// What the bias of an attention tells apart.
enum class AttentionBias {
  None,
  KeyMask,  ///< keys that are there from padding, alike for all queries
  Position, ///< anything else: distances, bands, what queries say of positions
};
AttentionBias classifyBias(AttentionOp op);

/// Scores from here on, downwards, mask a key: what models add to hide padding is lower.
constexpr double maskedBelow = -5000;

/// Of a bias that is a key mask: [.., keys, 1] of the bias' type, 1 for keys that are
/// there and 0 for padding. Made at the insertion point of `builder`.
mlir::Value makeKeyWeights(mlir::OpBuilder &builder, AttentionOp op);

} // namespace weir

#endif // WEIR_TRANSFORMS_RAISEATTENTION_H
