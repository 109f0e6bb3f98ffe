//===- Attentions.cpp - Fused attentions that other operators spell out ---===//
// Attention(x, W, b)     ==>  q, k, v = slices of x W + b, then as below
// MultiHeadAttention(q, k, v)  ==>  MatMul(Softmax(scale q k^T + masks), v)
// on heads [B, heads, n, d]. Caches are refused: they are a decoder's.

#include "Expansion.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

static constexpr StringLiteral withoutCache =
    "export the encoder without caches (past, present)";

/// [B, n, heads * d] as [B, heads, n, d].
static Value splitHeads(Expansion &x, Value value, int64_t heads) {
  if (!value)
    return value;
  ArrayRef<int64_t> shape = *getStaticShape(value);
  Value split = x.reshape(value, {shape[0], shape[1], heads, shape[2] / heads});
  return x.transpose(split, {0, 2, 1, 3});
}

/// Softmax(scale q k^T + masks) v of [B, heads, n, d], as [B, n, heads * d].
static Value attend(Expansion &x, Value q, Value k, Value v, ArrayRef<Value> masks) {
  if (!q || !k || !v)
    return nullptr;
  Type element = getElementType(q);
  Shape queries(*getStaticShape(q));
  double scale = x.getFloat("scale", 0);
  if (scale == 0)
    scale = 1 / std::sqrt(static_cast<double>(queries[3]));
  Value scores = x.matMul(x.mul(q, x.scalar(scale, element)), x.transposeMatrix(k));
  for (Value mask : masks)
    scores = x.add(scores, mask);
  Value mixed = x.matMul(x.make<SoftmaxOp>(scores, int64_t(-1)), v);
  if (!mixed)
    return nullptr;
  int64_t width = queries[1] * getStaticShape(v)->back();
  return x.reshape(x.transpose(mixed, {0, 2, 1, 3}), {queries[0], queries[2], width});
}

//===----------------------------------------------------------------------===//
// Masks, all of them added to the scores [B, heads, n, m]
//===----------------------------------------------------------------------===//

namespace {
struct Sizes {
  int64_t batch, heads, queries, keys;
};
} // namespace

/// Larger masks are the model's, not the compiler's.
static constexpr int64_t largestMask = int64_t(1) << 26;

/// What `unidirectional` hides: the keys after each query.
static FailureOr<Value> laterKeys(Expansion &x, const Sizes &s) {
  if (s.keys > 0 && s.queries > largestMask / s.keys)
    return x.refuse("hides later ones of {0} keys from {1} queries, a mask too large",
                    s.keys, s.queries);
  std::vector<double> mask;
  for (int64_t i = 0; i < s.queries; ++i)
    for (int64_t j = 0; j < s.keys; ++j)
      mask.push_back(j > i ? -INFINITY : 0);
  return x.numbers(mask, {s.queries, s.keys}, x.element());
}

/// Keys [B, 1, 1, m] from before which, and from which on, they are padding: `mask` holds
/// the ends of B sequences, and the starts behind them where it is twice as long.
static Value keysOfLengths(Expansion &x, Value mask, const Sizes &s) {
  Type element = getElementType(mask);
  Value place = x.positions(s.keys, 3, 4, element);
  auto column = [&](int64_t start) {
    return x.reshape(x.slice(mask, 0, start, start + s.batch), {s.batch, 1, 1, 1});
  };
  Value isKey = x.make<LessOp>(place, column(0));
  if (getStaticShape(mask)->front() == s.batch)
    return isKey;
  Value started = x.make<GreaterOrEqualOp>(place, column(s.batch));
  return x.make<AndOp>(isKey, started);
}

/// Who may attend, by the forms of `mask_index` and `key_padding_mask`; the operand is
/// there.
static FailureOr<Value> visibleKeys(Expansion &x, unsigned operand, const Sizes &s) {
  Value mask = x[operand];
  Shape shape(x.shape(operand));
  if (shape == Shape{s.batch} || shape == Shape{2 * s.batch})
    return keysOfLengths(x, mask, s);
  if (shape.size() == 4 && shape[2] >= s.keys && shape[3] >= s.keys) {
    mask = x.slice(x.slice(mask, 2, s.keys - s.queries, s.keys), 3, 0, s.keys);
  } else if (shape == Shape{s.batch, s.keys}) {
    mask = x.reshape(mask, {s.batch, 1, 1, s.keys});
  } else if (shape == Shape{s.batch, s.queries, s.keys}) {
    mask = x.reshape(mask, {s.batch, 1, s.queries, s.keys});
  } else {
    std::string text = llvm::join(
        llvm::map_range(shape, [](int64_t size) { return std::to_string(size); }), "x");
    return x.refuse(
        "has a mask of shape {0} for {1} queries and {2} keys of {3} sequences", text,
        s.queries, s.keys, s.batch);
  }
  return x.make<GreaterOp>(mask, x.zero(getElementType(mask)));
}

/// All masks of an attention: of later keys, of padding (operand `padding`), and numbers
/// that are added (operand `bias`).
static FailureOr<SmallVector<Value>> masksOf(Expansion &x, unsigned padding,
                                             unsigned bias, const Sizes &s) {
  SmallVector<Value> masks;
  if (x.getInt("unidirectional", 0)) {
    FailureOr<Value> later = laterKeys(x, s);
    if (failed(later))
      return failure();
    masks.push_back(*later);
  }
  if (x.has(padding)) {
    FailureOr<Value> visible = visibleKeys(x, padding, s);
    if (failed(visible))
      return failure();
    Value hidden = x.scalar(x.getFloat("mask_filter_value", -10000), x.element());
    masks.push_back(x.make<WhereOp>(*visible, x.zero(x.element()), hidden));
  }
  if (x.has(bias))
    masks.push_back(x[bias]);
  return masks;
}

static LogicalResult refuseCaches(const Expansion &x, ArrayRef<unsigned> operands,
                                  ArrayRef<unsigned> results) {
  bool hasCache = llvm::any_of(operands, [&](unsigned i) { return x.has(i); }) ||
                  llvm::any_of(results, [&](unsigned i) { return x.isRead(i); });
  if (hasCache)
    return x.refuseWithHelp(withoutCache, "keeps a cache of its own");
  return success();
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// Widths of q, k and v in one packed projection; nullopt when they do not fit it.
static std::optional<Shape> packedWidths(Expansion &x, int64_t width, int64_t heads) {
  Shape sizes(3, width / 3);
  if (std::optional<Shape> stated = x.getIntArray("qkv_hidden_sizes"))
    sizes = *stated;
  bool fits = sizes.size() == 3 && sizes[0] == sizes[1];
  for (int64_t size : sizes)
    fits &= size > 0 && size <= width && size % heads == 0;
  fits = fits && sizes[0] + sizes[1] + sizes[2] == width;
  return fits ? std::optional<Shape>(sizes) : std::nullopt;
}

/// (input, weights, bias?, mask_index?, past?, attention_bias?, past_sequence_length?)
static Results expandAttention(Expansion &x) {
  if (failed(refuseCaches(x, {4, 6}, {1})) || failed(x.wantRank(0, "input", 3)) ||
      failed(x.wantRank(1, "weights", 2)))
    return failure();
  if (x.getInt("do_rotary", 0))
    return x.refuseWithHelp("let the optimiser leave rotary positions outside",
                            "turns its queries and keys");
  int64_t heads = x.getInt("num_heads", 0);
  std::optional<Shape> widths;
  if (heads > 0)
    widths = packedWidths(x, x.shape(1)[1], heads);
  if (!widths)
    return x.refuse("cannot cut {0} features into queries, keys and values of {1} heads",
                    x.shape(1)[1], heads);
  Value packed = x.matMul(x[0], x[1]);
  if (x.has(2))
    packed = x.add(packed, x[2]);
  Value parts[3];
  int64_t start = 0;
  for (auto [part, width] : llvm::zip_equal(parts, *widths)) {
    part = splitHeads(x, x.slice(packed, 2, start, start + width), heads);
    start += width;
  }
  int64_t tokens = x.shape(0)[1];
  FailureOr<SmallVector<Value>> masks =
      masksOf(x, 3, 5, {x.shape(0)[0], heads, tokens, tokens});
  if (failed(masks))
    return failure();
  return one(attend(x, parts[0], parts[1], parts[2], *masks));
}

//===----------------------------------------------------------------------===//
// MultiHeadAttention
//===----------------------------------------------------------------------===//

/// Queries, keys or values [B, heads, n, d]: from [B, n, heads * d] and a slice of the
/// bias, or from [B, heads, n, d], to which no bias is added.
static Value headsOf(Expansion &x, unsigned operand, int64_t heads, int64_t start) {
  Value value = x[operand];
  ArrayRef<int64_t> shape = x.shape(operand);
  if (shape.size() == 4)
    return value;
  if (x.has(3))
    value = x.add(value, x.slice(x[3], 0, start, start + shape[2]));
  return splitHeads(x, value, heads);
}

static LogicalResult checkMultiHead(Expansion &x, int64_t heads) {
  if (!x.has(1) || !x.has(2) || x.shape(0).size() == 5 || x.shape(1).size() == 5)
    return x.refuseWithHelp("let the optimiser leave queries, keys and values separate",
                            "takes packed queries, keys and values");
  if (heads <= 0)
    return x.refuse("num_heads {0} is no number of heads", heads);
  int64_t start = 0;
  for (unsigned i = 0; i < 3; ++i) {
    ArrayRef<int64_t> shape = x.shape(i);
    bool isHeaded = i > 0 && shape.size() == 4 && shape[1] == heads;
    if (!isHeaded && (shape.size() != 3 || shape[2] % heads != 0))
      return x.refuse("input {0} is not [batch, tokens, width] with {1} heads", i, heads);
    start += isHeaded ? shape[1] * shape[3] : shape[2];
  }
  if (x.has(3) && Shape(x.shape(3)) != Shape{start})
    return x.refuse("wants a bias of {0} features", start);
  return success();
}

/// (query, key, value, bias?, key_padding_mask?, attention_bias?, past_key?, past_value?,
/// past_sequence_length?, cache_indirection?)
static Results expandMultiHead(Expansion &x) {
  int64_t heads = x.getInt("num_heads", 0);
  if (failed(refuseCaches(x, {6, 7, 8, 9}, {1, 2})) || failed(checkMultiHead(x, heads)))
    return failure();
  auto widthOf = [&](unsigned i) {
    ArrayRef<int64_t> shape = x.shape(i);
    return shape.size() == 4 ? shape[1] * shape[3] : shape[2];
  };
  Value q = headsOf(x, 0, heads, 0);
  Value k = headsOf(x, 1, heads, widthOf(0));
  Value v = headsOf(x, 2, heads, widthOf(0) + widthOf(1));
  if (!q || !k || !v)
    return failure();
  FailureOr<SmallVector<Value>> masks =
      masksOf(x, 4, 5, {x.shape(0)[0], heads, x.shape(0)[1], (*getStaticShape(k))[2]});
  if (failed(masks))
    return failure();
  return one(attend(x, q, k, v, *masks));
}

//===----------------------------------------------------------------------===//
// Position biases
//===----------------------------------------------------------------------===//

/// The bucket of T5 (Raffel et al. 2020) for key - query: exact for near keys, growing
/// with the logarithm of the distance for others.
static int64_t bucketOf(int64_t relative, int64_t buckets, int64_t maxDistance,
                        bool isBidirectional) {
  int64_t first = 0;
  if (isBidirectional) {
    buckets /= 2;
    first = relative > 0 ? buckets : 0;
  }
  int64_t distance =
      isBidirectional ? std::abs(relative) : std::max<int64_t>(-relative, 0);
  int64_t exact = buckets / 2;
  if (distance < exact)
    return first + distance;
  float grown = std::log(float(distance) / float(exact)) /
                std::log(float(maxDistance) / float(exact)) * float(buckets - exact);
  return first + std::min<int64_t>(exact + static_cast<int64_t>(grown), buckets - 1);
}

/// (bias_table [buckets, heads], query_length, key_length)
static Results expandRelativeBias(Expansion &x) {
  std::optional<SmallVector<int64_t>> n = getConstantInts(x[1]),
                                      m = getConstantInts(x[2]);
  int64_t maxDistance = x.getInt("max_distance", 128);
  if (failed(x.wantRank(0, "bias_table", 2)))
    return failure();
  if (!n || !m || n->size() != 1 || m->size() != 1)
    return x.refuse("its lengths are computed from data");
  int64_t queries = n->front(), keys = m->front(), buckets = x.shape(0)[0];
  bool isBidirectional = x.getInt("is_bidirectional", 0);
  if (queries <= 0 || keys <= 0 || queries > largestMask / keys ||
      buckets < (isBidirectional ? 4 : 2) || maxDistance <= buckets / 2)
    return x.refuse("cannot sort {0}x{1} distances into {2} buckets up to {3}", queries,
                    keys, buckets, maxDistance);
  std::vector<double> indices;
  for (int64_t i = 0; i < queries; ++i)
    for (int64_t j = 0; j < keys; ++j)
      indices.push_back(bucketOf(j - i, buckets, maxDistance, isBidirectional));
  Value index = x.numbers(indices, {queries, keys}, getElementType(x.ints({0})));
  Value bias = x.transpose(x.make<GatherOp>(x[0], index, int64_t(0)), {2, 0, 1});
  return one(x.reshape(bias, {1, x.shape(0)[1], queries, keys}));
}

/// WavLM's gate (Chen et al. 2022): of u, r = sigmoid of two sums of a projection of the
/// query, (u (r a - 1) + 2) * positions.
/// (query_layer, query_bias, rel_pos, weight, bias, eco_a)
static Results expandGatedBias(Expansion &x) {
  int64_t heads = x.getInt("num_heads", 0);
  if (failed(x.wantRank(0, "query_layer", 3)) || failed(x.wantRank(3, "weight", 2)))
    return failure();
  ArrayRef<int64_t> shape = x.shape(0);
  int64_t width = x.shape(3)[1];
  if (heads <= 0 || shape[2] % heads != 0 || width % 2 != 0)
    return x.refuse("cannot cut {0} features into {1} heads, or {2} into halves",
                    shape[2], heads, width);
  Value query = splitHeads(x, x.add(x[0], x[1]), heads);
  Value projected = x.add(x.matMul(query, x[3]), x[4]);
  Value halves = x.reshape(projected, {shape[0], heads, shape[1], 2, width / 2});
  Value gates = x.make<SigmoidOp>(x.reduce<ReduceSumOp>(halves, {-1}, /*keep=*/false));
  Value u = x.slice(gates, 3, 0, 1), r = x.slice(gates, 3, 1, 2);
  Value inner = x.sub(x.mul(r, x[5]), x.scalar(1, x.element()));
  Value gate = x.add(x.mul(u, inner), x.scalar(2, x.element()));
  return one(x.mul(gate, x[2]));
}

//===----------------------------------------------------------------------===//
// Rotary positions
//===----------------------------------------------------------------------===//

/// The positions of B sequences: stated ones, or those that follow a first one.
static Value rotaryPositions(Expansion &x, int64_t batch, int64_t tokens) {
  if (x.shape(1).size() == 2)
    return x[1];
  Value places = x.positions(tokens, 1, 2, x.element(1));
  Value all = x.add(places, x.reshape(x[1], {1, 1}));
  return x.make<ExpandOp>(all, x.ints({batch, tokens}));
}

/// (input, position_ids, cos_cache, sin_cache)
static Results expandRotary(Expansion &x) {
  ArrayRef<int64_t> shape = x.shape(0);
  if (x.getInt("is_packed_batching", 0) || x.getFloat("scale", 1) != 1)
    return x.refuse("packs its batch, or scales");
  if ((shape.size() != 3 && shape.size() != 4) || failed(x.wantRank(2, "cos_cache", 2)) ||
      (x.shape(1).size() == 1 && x.shape(1)[0] != 1) || x.shape(1).empty())
    return x.refuse("wants [batch, tokens, width] or [batch, heads, tokens, width], and "
                    "positions of one sequence or of all");
  int64_t turned = x.getInt("rotary_embedding_dim", 0), heads = x.getInt("num_heads", 0);
  int64_t size = 2 * x.shape(2)[1];
  if (shape.size() == 3 && heads == 0)
    heads = size == 0 ? 0 : shape[2] / size;
  Value ids = rotaryPositions(x, shape[0], shape[shape.size() - 2]);
  return one(x.make<RotaryEmbeddingOp>(x[0], x[2], x[3], ids, x.getInt("interleaved", 0),
                                       heads, turned));
}

ArrayRef<ExpandedOperator> weir::onnx::expandedAttentions() {
  static const ExpandedOperator rows[] = {
      {microsoft, "Attention", 2, 7, 2, expandAttention},
      {microsoft, "GatedRelativePositionBias", 6, 6, 1, expandGatedBias},
      {microsoft, "MultiHeadAttention", 1, 10, 3, expandMultiHead},
      {microsoft, "RelativePositionBias", 3, 3, 1, expandRelativeBias},
      {microsoft, "RotaryEmbedding", 4, 4, 1, expandRotary},
  };
  return rows;
}
