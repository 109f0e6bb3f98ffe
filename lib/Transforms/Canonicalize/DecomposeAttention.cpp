//===- DecomposeAttention.cpp - Spell Attention as its parts --------------===//
// Attention(q, k, v, mask)
//   ==>  MatMul(Softmax(Add(MatMul(Mul(q, scale), Transpose(k)), mask)), v)
// on operands [B, heads, n, d]. With g query heads to one of keys and values, operands
// are [B, heads, g, n, d] and [B, heads, 1, m, d]. Legal without a past: then the present
// keys and values are those that came in.

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

namespace {
/// The keys that `is_causal` and the window sizes let a query see, by key - query.
struct Band {
  int64_t left, right; // -1: all

  explicit Band(AttentionOp op)
      : left(op.getLeftWindowSize()), right(op.getRightWindowSize()) {
    if (op.getIsCausal())
      right = 0;
  }
  bool seesAll() const { return left < 0 && right < 0; }
  bool sees(int64_t distance) const {
    return (left < 0 || -distance <= left) && (right < 0 || distance <= right);
  }
};
} // namespace

/// The additive mask [n, m] of a band; null where it hides nothing.
static Value bandMask(OnnxBuilder &make, const Band &band, int64_t n, int64_t m,
                      Type element) {
  if (band.seesAll())
    return nullptr;
  std::vector<double> mask;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < m; ++j)
      mask.push_back(band.sees(j - i) ? 0 : -INFINITY);
  auto type = RankedTensorType::get({n, m}, element);
  return make.constant(HostTensor::fromFloats(type, mask).toAttr());
}

/// 0, 1, ... along dimension `dim` of rank 4.
static Value countAlong(OnnxBuilder &make, int64_t size, int64_t dim) {
  Shape shape(4, 1);
  shape[dim] = size;
  return make.reshape(make.ints(llvm::to_vector(llvm::seq<int64_t>(0, size))), shape);
}

/// Who sees whom [B, 1, n, m] where each sequence has its own number of keys, of which
/// the queries are the last n.
static Value visibleKeys(OnnxBuilder &make, const Band &band, Value lengths, int64_t n,
                         int64_t m) {
  Value ends = make.reshape(lengths, {getStaticShape(lengths)->front(), 1, 1, 1});
  Value key = countAlong(make, m, 3);
  Value visible = make.make<LessOp>(key, ends);
  if (band.seesAll())
    return visible;
  Value query = make.add(countAlong(make, n, 2), make.sub(ends, make.ints({n})));
  Value distance = make.sub(key, query);
  if (band.right >= 0)
    visible = make.make<AndOp>(
        visible, make.make<LessOrEqualOp>(distance, make.ints({band.right})));
  if (band.left >= 0)
    visible = make.make<AndOp>(
        visible, make.make<GreaterOrEqualOp>(distance, make.ints({-band.left})));
  return visible;
}

namespace {
/// One attention while it is spelled out.
class Parts {
public:
  Parts(OnnxBuilder &make, AttentionOp op)
      : make(make), op(op), element(getElementType(op.getQ())) {}

  /// The op's results.
  SmallVector<Value> build();

private:
  Value scaledScores();
  Value addMasks(Value scores);
  Value inputMask(Value mask);
  Value softmax(Value scores);
  /// Scores or weights as the operator gives them out.
  Value joinHeads(Value scores) {
    return make.reshape(scores, {qs[0], qs[1], qs[2], ks[2]});
  }

  OnnxBuilder &make;
  AttentionOp op;
  Type element;
  Value q, k, v;
  Shape qs, ks; // [B, heads, n, d]
  int64_t heads = 0, group = 0;
  bool mayHideAll = false; ///< all keys of a query
};
} // namespace

Value Parts::scaledScores() {
  double scale = op.getScale() ? op.getScale()->convertToDouble() : 1 / std::sqrt(qs[3]);
  Value left = make.mul(q, make.scalar(scale, element)), right = k;
  if (group > 1) {
    left = make.reshape(left, {qs[0], heads, group, qs[2], qs[3]});
    right = make.reshape(k, {ks[0], heads, 1, ks[2], ks[3]});
  }
  return make.matMul(left, make.transposeMatrix(right));
}

/// The mask operand as numbers to add, its head dimension split like the queries'; keys
/// that it does not reach are hidden.
Value Parts::inputMask(Value mask) {
  mayHideAll = true;
  if (getElementType(mask).isInteger(1))
    mask = make.make<WhereOp>(mask, make.scalar(0, element),
                              make.scalar(-INFINITY, element));
  Shape shape(*getStaticShape(mask));
  if (shape.back() != 1 && shape.back() < ks[2]) {
    Shape rest(shape);
    rest.back() = ks[2] - shape.back();
    auto hidden = SplatElementsAttr::get(RankedTensorType::get(rest, element),
                                         FloatAttr::get(element, -INFINITY).getValue());
    mask = make.make<ConcatOp>(ValueRange{mask, make.constant(hidden)}, int64_t(-1));
    shape.back() = ks[2];
  }
  if (group == 1 || shape.size() < 3)
    return mask;
  int64_t at = shape.size() - 3; // heads become [heads, group]
  bool each = shape[at] != 1;
  shape[at] = each ? heads : 1;
  shape.insert(shape.begin() + at + 1, each ? group : 1);
  return make.reshape(mask, shape);
}

Value Parts::addMasks(Value scores) {
  Band band(op);
  if (!isNone(op.getNonpadKvSeqlen()))
    scores = make.add(
        scores, inputMask(visibleKeys(make, band, op.getNonpadKvSeqlen(), qs[2], ks[2])));
  else if (Value mask = bandMask(make, band, qs[2], ks[2], element))
    scores = make.add(scores, mask);
  if (!isNone(op.getAttnMask()))
    scores = make.add(scores, inputMask(op.getAttnMask()));
  return scores;
}

/// A row that sees no key is 0.
Value Parts::softmax(Value scores) {
  if (op.getSoftmaxPrecision() == 1 && !element.isF64())
    scores = make.cast(scores, Float32Type::get(element.getContext()));
  Value p = make.make<SoftmaxOp>(scores, int64_t(-1));
  if (mayHideAll)
    p = make.make<WhereOp>(make.make<IsNaNOp>(p), make.scalar(0, getElementType(p)), p);
  return make.cast(p, element);
}

SmallVector<Value> Parts::build() {
  q = splitHeads(make, op.getQ(), op.getQNumHeads());
  k = splitHeads(make, op.getK(), op.getKvNumHeads());
  v = splitHeads(make, op.getV(), op.getKvNumHeads());
  qs = Shape(*getStaticShape(q));
  ks = Shape(*getStaticShape(k));
  Shape vs(*getStaticShape(v));
  heads = ks[1];
  group = qs[1] / heads;
  // What `qk_matmul_output_mode` chooses from.
  Value stages[4];
  Value scores = stages[0] = scaledScores();
  if (double cap = op.getSoftcap().convertToDouble(); cap > 0) {
    Value tanh = make.make<TanhOp>(make.div(scores, make.scalar(cap, element)));
    scores = make.mul(tanh, make.scalar(cap, element));
  }
  stages[1] = scores;
  scores = stages[2] = addMasks(scores);
  Value p = stages[3] = softmax(scores);
  Value values = group > 1 ? make.reshape(v, {vs[0], heads, 1, vs[2], vs[3]}) : v;
  Value y = make.reshape(make.matMul(p, values), {qs[0], qs[1], qs[2], vs[3]});
  if (getStaticShape(op.getQ())->size() == 3)
    y = make.reshape(make.transpose(y, {0, 2, 1, 3}), *getStaticShape(op.getY()));
  SmallVector<Value> results = {y, make.none(), make.none(), make.none()};
  if (!op.getPresentKey().use_empty())
    results[1] = k;
  if (!op.getPresentValue().use_empty())
    results[2] = v;
  if (!op.getQkMatmulOutput().use_empty())
    results[3] = joinHeads(stages[op.getQkMatmulOutputMode()]);
  return results;
}

namespace {
struct DecomposeAttention : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  static const char *whyNot(AttentionOp op) {
    if (!isNone(op.getPastKey()) || !isNone(op.getPastValue()))
      return "keeps a cache of its own";
    if (op.getQkMatmulOutputMode() < 0 || op.getQkMatmulOutputMode() > 3)
      return "gives out scores of an unknown mode";
    auto mask = getStaticShape(op.getAttnMask());
    if (mask && mask->empty())
      return "has a mask without dimensions";
    return nullptr;
  }

  LogicalResult matchAndRewrite(AttentionOp op, PatternRewriter &rw) const override {
    for (Value value : op->getOperands())
      if (!isNone(value) && !getStaticShape(value))
        return failure();
    if (!getStaticShape(op.getY()))
      return failure();
    if (const char *why = whyNot(op))
      return missed(op, why);
    OnnxBuilder make(rw, op.getLoc());
    SmallVector<Value> results = Parts(make, op).build();
    assert(!make.hasFailed() && "inference checked that the operands fit");
    rw.replaceOp(op, results);
    return success();
  }
};
} // namespace

void weir::populateDecomposeAttentionPatterns(RewritePatternSet &patterns) {
  patterns.add<DecomposeAttention>(patterns.getContext());
}
