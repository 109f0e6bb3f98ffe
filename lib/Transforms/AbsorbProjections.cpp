//===- AbsorbProjections.cpp - Meet tokens before they are projected ------===//
// K = X W + b, heads of it as keys of few queries, V alike as values of few weights:
//
//   q_h K_h^T = (q_h W_h^T) X^T + q_h b_h      p_h V_h = (p_h X) W_h + (p_h 1) b_h
//
// Legal always: products in another order. Done where it takes fewer multiply-accumulates
// and nothing else reads keys or values, which then are not made: one query against n new
// tokens projects itself, not them. A part of weir-reassociate-products.

#include "weir/Transforms/AbsorbProjections.h"
#include "EraseDeadOps.h"
#include "ProjectedHeads.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Support/Remarks.h"
#include "weir/Support/TensorTypes.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

namespace {
/// A product of few rows, [.., rows, x], with the heads of a projection.
class Absorption {
public:
  static std::optional<Absorption> match(MatMulOp product);

  int64_t countBefore() const {
    return heads.rows * heads.inputs * heads.numHeads * heads.features +
           numRows() * heads.rows * heads.features;
  }
  int64_t countAfter() const {
    return numRows() * heads.inputs * (heads.features + heads.rows);
  }
  Value build(OnnxBuilder &b) { return heads.tokensLast ? buildScores(b) : buildSums(b); }

private:
  Absorption(MatMulOp product, const ProjectedHeads &heads)
      : product(product), heads(heads) {}
  /// Of all heads.
  int64_t numRows() const { return heads.numHeads * rowsOfHead; }
  Value buildScores(OnnxBuilder &b);
  Value buildSums(OnnxBuilder &b);
  /// The matrix as [inputs, head, feature], its dimensions in another order.
  Value weights(OnnxBuilder &b, ArrayRef<int64_t> perm) {
    return b.transpose(
        b.reshape(heads.weights, {heads.inputs, heads.numHeads, heads.features}), perm);
  }
  Value tokens(OnnxBuilder &b) {
    return b.reshape(heads.source, {heads.rows, heads.inputs});
  }

  MatMulOp product;
  ProjectedHeads heads;
  int64_t rowsOfHead = 0;
};
} // namespace

std::optional<Absorption> Absorption::match(MatMulOp product) {
  auto left = dyn_cast<RankedTensorType>(product.getA().getType());
  auto result = dyn_cast<RankedTensorType>(product.getResult().getType());
  if (!left || !left.hasStaticShape() || left.getRank() < 2 || !result ||
      !result.hasStaticShape())
    return std::nullopt;
  std::optional<ProjectedHeads> heads = ProjectedHeads::match(product.getB());
  if (!heads)
    return std::nullopt;
  Absorption absorption(product, *heads);
  absorption.rowsOfHead = left.getShape().drop_back().back();
  // Every head has rows of its own.
  int64_t columns = heads->tokensLast ? heads->rows : heads->features;
  if (left.getNumElements() != absorption.numRows() * left.getShape().back() ||
      result.getNumElements() != absorption.numRows() * columns)
    return std::nullopt;
  return absorption;
}

Value Absorption::buildScores(OnnxBuilder &b) {
  int64_t numHeads = heads.numHeads, features = heads.features;
  Value queries = b.reshape(product.getA(), {numHeads, rowsOfHead, features});
  Value back = b.matMul(queries, weights(b, {1, 2, 0})); // [head, row, input]
  Value scores =
      b.matMul(b.reshape(back, {numRows(), heads.inputs}), b.transposeMatrix(tokens(b)));
  if (heads.bias) {
    Value shift = b.matMul(queries, b.reshape(heads.bias, {numHeads, features, 1}));
    scores = b.add(scores, b.reshape(shift, {numRows(), 1}));
  }
  return b.reshape(scores, shapeOf(product.getResult()));
}

Value Absorption::buildSums(OnnxBuilder &b) {
  int64_t numHeads = heads.numHeads;
  Value p = b.reshape(product.getA(), {numRows(), heads.rows});
  Value mixed = b.reshape(b.matMul(p, tokens(b)), {numHeads, rowsOfHead, heads.inputs});
  Value sums = b.matMul(mixed, weights(b, {1, 0, 2})); // [head, row, feature]
  if (heads.bias) {
    Type element = cast<RankedTensorType>(p.getType()).getElementType();
    Value ones = b.constant(DenseElementsAttr::get(
        RankedTensorType::get({heads.rows, 1}, element), FloatAttr::get(element, 1)));
    Value total = b.reshape(b.matMul(p, ones), {numHeads, rowsOfHead, 1});
    sums =
        b.add(sums, b.mul(total, b.reshape(heads.bias, {numHeads, 1, heads.features})));
  }
  return b.reshape(sums, shapeOf(product.getResult()));
}

int64_t weir::absorbProjections(func::FuncOp function) {
  if (function.isExternal())
    return 0;
  int64_t saved = 0;
  Block &block = function.getBody().front();
  for (auto product : llvm::make_early_inc_range(block.getOps<MatMulOp>())) {
    std::optional<Absorption> absorption = Absorption::match(product);
    if (!absorption)
      continue;
    int64_t before = absorption->countBefore(), after = absorption->countAfter();
    if (after >= before) {
      (void)missed(product,
                   "projects its tokens, which takes {0} multiply-accumulates, and of "
                   "its rows {1}",
                   before, after);
      continue;
    }
    OpBuilder builder(product);
    OnnxBuilder make(builder, product.getLoc());
    product.getResult().replaceAllUsesWith(absorption->build(make));
    madeCheaper(product, "absorb", "meets tokens before they are projected", before,
                after);
    saved += before - after;
  }
  eraseDeadOps(block);
  return saved;
}
