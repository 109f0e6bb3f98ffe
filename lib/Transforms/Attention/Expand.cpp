//===- Expand.cpp - Spell attentions as products around a softmax ---------===//
// weir.attention f q, k, v bias b  ==>  MatMul(f(Add(MatMul(Mul(q, scale), k^T), b)), v)
// Always legal.

#include "weir/Dialect/Onnx/AttentionWeights.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Transforms/Passes.h"
#include "weir/Transforms/RaiseAttention.h"

namespace weir {
#define GEN_PASS_DEF_EXPANDATTENTION
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// 0 for the weights of a row without any.
static Value guard(OnnxBuilder &make, Value weights) {
  Value zero = make.scalar(0, getElementType(weights));
  return make.make<WhereOp>(make.make<IsNaNOp>(weights), zero, weights);
}

static void expand(weir::AttentionOp op) {
  OpBuilder builder(op);
  OnnxBuilder make(builder, op.getLoc());
  double scale = op.getScale().convertToDouble();
  Value queries = op.getQ();
  if (scale != 1)
    queries = make.mul(queries, make.scalar(scale, getElementType(queries)));
  Value scores = make.matMul(queries, make.transposeMatrix(op.getK()));
  if (op.getBias())
    scores = make.add(scores, op.getBias());
  Value weights = makeWeights(make, op.getFunction(), scores);
  if (op.getFunction() == AttentionFunction::Softmax && op.getGuarded())
    weights = guard(make, weights);
  op.replaceAllUsesWith(make.matMul(weights, op.getV()));
  op.erase();
}

void weir::expandAttentions(func::FuncOp function) {
  function.walk([](weir::AttentionOp op) { expand(op); });
}

namespace {
struct ExpandAttention : weir::impl::ExpandAttentionBase<ExpandAttention> {
  using ExpandAttentionBase::ExpandAttentionBase;
  void runOnOperation() override { expandAttentions(getOperation()); }
};
} // namespace
