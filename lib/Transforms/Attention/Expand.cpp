//===- Expand.cpp - Spell attentions as products around a softmax ---------===//
// weir.attention f q, k, v bias b  ==>  MatMul(f(Add(MatMul(Mul(q, scale), k^T), b)), v)
// Always legal.

#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Transforms/Passes.h"
#include "weir/Transforms/RaiseAttention.h"
#include <cmath>

namespace weir {
#define GEN_PASS_DEF_EXPANDATTENTION
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// (1 + erf((a - sqrt(1/2)) sqrt(2 pi))) / 2
static Value laplace(OnnxBuilder &make, Value scores) {
  Type element = getElementType(scores);
  auto number = [&](double value) { return make.scalar(value, element); };
  Value shifted = make.sub(scores, number(std::sqrt(0.5)));
  Value step = make.make<ErfOp>(make.mul(shifted, number(std::sqrt(2 * M_PI))));
  return make.mul(make.add(step, number(1)), number(0.5));
}

static Value softmax(OnnxBuilder &make, Value scores, bool isGuarded) {
  Value weights = make.make<SoftmaxOp>(scores, int64_t(-1));
  if (!isGuarded)
    return weights;
  Value zero = make.scalar(0, getElementType(scores));
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
  Value weights = op.getFunction() == AttentionFunction::Softmax
                      ? softmax(make, scores, op.getGuarded())
                      : laplace(make, scores);
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
