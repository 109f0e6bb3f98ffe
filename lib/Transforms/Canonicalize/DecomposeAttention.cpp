//===- DecomposeAttention.cpp - Spell Attention as its parts --------------===//
// Attention(q, k, v, mask)
//   ==>  MatMul(Softmax(Add(MatMul(Mul(q, scale), Transpose(k)), mask)), v)
// on operands [B, heads, n, d]. With g query heads to one of keys and values, operands
// are [B, heads, g, n, d] and [B, heads, 1, m, d]. Legal without caches.

#include "Patterns.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/Remarks.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// [B, n, heads * d] as [B, heads, n, d].
static Value splitHeads(OnnxBuilder &make, Value value, std::optional<int64_t> heads) {
  ArrayRef<int64_t> shape = *getStaticShape(value);
  if (shape.size() == 4)
    return value;
  Value split = make.reshape(value, {shape[0], shape[1], *heads, shape[2] / *heads});
  return make.transpose(split, {0, 2, 1, 3});
}

/// The additive mask [n, m] of `is_causal` and of the window sizes; null without them.
static Value positionMask(OnnxBuilder &make, AttentionOp op, int64_t n, int64_t m,
                          Type element) {
  int64_t left = op.getLeftWindowSize(), right = op.getRightWindowSize();
  if (op.getIsCausal())
    right = right < 0 ? 0 : std::min<int64_t>(right, 0);
  if (left < 0 && right < 0)
    return nullptr;
  std::vector<double> mask;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < m; ++j) {
      bool seen = (left < 0 || i - j <= left) && (right < 0 || j - i <= right);
      mask.push_back(seen ? 0 : -INFINITY);
    }
  auto type = RankedTensorType::get({n, m}, element);
  return make.constant(HostTensor::fromFloats(type, mask).toAttr());
}

/// The mask operand as numbers to add, its head dimension split like the queries'.
static Value inputMask(OnnxBuilder &make, Value mask, int64_t heads, int64_t group,
                       Type element) {
  if (getElementType(mask).isInteger(1))
    mask = make.make<WhereOp>(mask, make.scalar(0, element),
                              make.scalar(-INFINITY, element));
  Shape shape(*getStaticShape(mask));
  if (group == 1 || shape.size() < 3)
    return mask;
  int64_t at = shape.size() - 3; // heads become [heads, group]
  bool each = shape[at] != 1;
  shape[at] = each ? heads : 1;
  shape.insert(shape.begin() + at + 1, each ? group : 1);
  return make.reshape(mask, shape);
}

namespace {
struct DecomposeAttention : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  static const char *whyNot(AttentionOp op) {
    for (Value operand : {op.getPastKey(), op.getPastValue(), op.getNonpadKvSeqlen()})
      if (!isNone(operand))
        return "keeps a cache of its own";
    for (Value result :
         {op.getPresentKey(), op.getPresentValue(), op.getQkMatmulOutput()})
      if (!result.use_empty())
        return "gives its cache or its scores to others";
    auto mask = getStaticShape(op.getAttnMask());
    if (mask && (mask->empty() || (mask->back() != keysOf(op) && mask->back() != 1)))
      return "has a mask for fewer keys than there are";
    return nullptr;
  }
  static int64_t keysOf(AttentionOp op) {
    ArrayRef<int64_t> shape = *getStaticShape(op.getK());
    return shape[shape.size() - 2];
  }

  LogicalResult matchAndRewrite(AttentionOp op, PatternRewriter &rw) const override {
    for (Value value : {op.getQ(), op.getK(), op.getV(), op.getY()})
      if (!getStaticShape(value))
        return failure();
    if (!isNone(op.getAttnMask()) && !getStaticShape(op.getAttnMask()))
      return failure();
    if (const char *why = whyNot(op))
      return missed(op, why);
    OnnxBuilder make(rw, op.getLoc());
    rw.replaceOp(op, {decompose(make, op), make.none(), make.none(), make.none()});
    return success();
  }

  static Value decompose(OnnxBuilder &make, AttentionOp op) {
    Type element = getElementType(op.getQ());
    Value q = splitHeads(make, op.getQ(), op.getQNumHeads());
    Value k = splitHeads(make, op.getK(), op.getKvNumHeads());
    Value v = splitHeads(make, op.getV(), op.getKvNumHeads());
    Shape qs(*getStaticShape(q)), ks(*getStaticShape(k)), vs(*getStaticShape(v));
    int64_t heads = ks[1], group = qs[1] / heads;
    double scale =
        op.getScale() ? op.getScale()->convertToDouble() : 1 / std::sqrt(qs[3]);
    q = make.mul(q, make.scalar(scale, element));
    if (group > 1) {
      q = make.reshape(q, {qs[0], heads, group, qs[2], qs[3]});
      k = make.reshape(k, {ks[0], heads, 1, ks[2], ks[3]});
      v = make.reshape(v, {vs[0], heads, 1, vs[2], vs[3]});
    }
    Value p = weights(make, op, make.matMul(q, make.transposeMatrix(k)), heads, group);
    Value y = make.reshape(make.matMul(p, v), {qs[0], qs[1], qs[2], vs[3]});
    if (getStaticShape(op.getQ())->size() == 4)
      return y;
    return make.reshape(make.transpose(y, {0, 2, 1, 3}), *getStaticShape(op.getY()));
  }

  /// Softmax of the scores, capped and masked; a row that sees no key is 0.
  static Value weights(OnnxBuilder &make, AttentionOp op, Value scores, int64_t heads,
                       int64_t group) {
    Type element = getElementType(scores);
    ArrayRef<int64_t> shape = *getStaticShape(scores);
    if (double cap = op.getSoftcap().convertToDouble(); cap > 0) {
      Value tanh = make.make<TanhOp>(make.make<DivOp>(scores, make.scalar(cap, element)));
      scores = make.mul(tanh, make.scalar(cap, element));
    }
    Value positions =
        positionMask(make, op, shape[shape.size() - 2], shape.back(), element);
    if (positions)
      scores = make.add(scores, positions);
    bool masked = !isNone(op.getAttnMask());
    if (masked)
      scores = make.add(scores, inputMask(make, op.getAttnMask(), heads, group, element));
    bool wide = op.getSoftmaxPrecision() == 1 && !element.isF64();
    if (wide)
      scores = make.cast(scores, Float32Type::get(element.getContext()));
    Value p = make.make<SoftmaxOp>(scores, -1);
    if (masked)
      p = make.make<WhereOp>(make.make<IsNaNOp>(p), make.scalar(0, getElementType(p)), p);
    return make.cast(p, element);
  }
};
} // namespace

void weir::populateDecomposeAttentionPatterns(RewritePatternSet &patterns) {
  patterns.add<DecomposeAttention>(patterns.getContext());
}
