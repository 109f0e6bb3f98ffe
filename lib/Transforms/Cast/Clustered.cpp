//===- Clustered.cpp - The ops of one attention inside of clusters --------===//
// For each sequence and head, with surrogate tokens S [C, d], temperatures t and
// g(x) = 1 + softplus(x), or 1 without gates:
//
//   A_q = Q S^T, A_k = K S^T               [n, C]       phi = X w + b                [n,
//   1] A_g = sigmoid(phi) f(A_q) + (1 - sigmoid(phi)) f(A_k)      clusters = choose(A_g)
//   inside_c = f(Q_c K_c^T / t) V_c        [size, d]
//   summary_c = f(A_k[c, c] g(-phi_c) / t_k)^T V_c             [d]
//   W = f(A_q g(phi) / t_q)                [n, C]
//   O_i = sum over c with i of W_ic inside_c[i] + sum over other c of W_ic summary_c
//
// CAST-style: the equations are a reconstruction, not checked against the paper.

#include "Clustered.h"
#include "weir/Dialect/Onnx/AttentionWeights.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/TensorTypes.h"
#include "weir/Transforms/RaiseAttention.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;
using namespace weir::cast_attention;

/// Added to the scores of places that hold no token: no weight comes of it, and a cluster
/// of such places alone weighs its zeros alike.
static constexpr double emptyPlace = -1e30;

/// The shape of `value` with other last dimensions.
static Shape withLast(Value value, unsigned dropped, ArrayRef<int64_t> last) {
  Shape shape(shapeOf(value).drop_back(dropped));
  llvm::append_range(shape, last);
  return shape;
}

namespace {
class ClusteredAttention {
public:
  ClusteredAttention(Site &site, const Surrogates &surrogates, int64_t size,
                     const CastOptions &options)
      : site(site), surrogates(surrogates), size(size), options(options),
        builder(site.op), make(builder, site.op.getLoc()),
        element(getElementType(site.op.getResult())) {}
  Value build();

private:
  Value constant(ArrayRef<int64_t> shape, ArrayRef<double> values);
  Value similarities(Value tokens, double factor);
  Value makePhi();
  Value gate(Value phi, double temperature);
  Value choose();
  Value gather(Value tokens, Value indices);
  Value gatherOwn(Value perCluster);
  Value maskEmpty();
  Value attendInside(Value mix);
  Value summarize();
  template <typename Op, typename... Args>
  Value create(ArrayRef<int64_t> shape, Type type, Args &&...args) {
    return Op::create(builder, site.op.getLoc(), RankedTensorType::get(shape, type),
                      std::forward<Args>(args)...)
        ->getResult(0);
  }

  Site &site;
  const Surrogates &surrogates;
  int64_t size;
  const CastOptions &options;
  OpBuilder builder;
  OnnxBuilder make;
  Type element;
  Value ofQueries, ofKeys; ///< similarities [sequences, heads, tokens, clusters]
  Value phi;               ///< [sequences, 1, tokens, 1] or [1, 1, 1, 1]
  Value indices;           ///< [sequences, heads or 1, clusters, size]
  Value values;            ///< in clusters [sequences, heads, clusters, size, features]
  Value empty;             ///< added to scores, [.., clusters, 1, size]; or null
};
} // namespace

Value ClusteredAttention::constant(ArrayRef<int64_t> shape, ArrayRef<double> values) {
  auto type = RankedTensorType::get(shape, element);
  return make.constant(HostTensor::fromFloats(type, values).toAttr("surrogates"));
}

/// Of tokens [sequences, heads, tokens, features], which are `factor` too large.
Value ClusteredAttention::similarities(Value tokens, double factor) {
  int64_t heads = site.layout.numHeads(), features = site.op.numFeatures();
  std::vector<double> scaled(surrogates.tokens);
  for (double &value : scaled)
    value /= factor;
  Value all = constant({surrogates.clusters, heads, features}, scaled);
  Value perHead = make.reshape(make.transpose(all, {1, 2, 0}),
                               {1, heads, features, surrogates.clusters});
  return make.matMul(tokens, perHead);
}

Value ClusteredAttention::makePhi() {
  Value bias = make.scalar(surrogates.phiBias, element);
  if (surrogates.phiWeight.empty())
    return make.reshape(bias, {1, 1, 1, 1});
  Value weight = constant({site.inputWidth(), 1}, surrogates.phiWeight);
  Value product = make.matMul(site.input, weight);
  return site.layout.tokensOf(make, make.add(product, bias));
}

/// g(phi) / temperature, [.., tokens or 1, 1].
Value ClusteredAttention::gate(Value phi, double temperature) {
  if (temperature == 0)
    temperature = std::sqrt(site.op.numFeatures());
  Value scale = make.scalar(1 / temperature, element);
  if (!options.gates)
    return scale;
  Value sharpen = make.add(make.make<SoftplusOp>(phi), make.scalar(1, element));
  return make.mul(sharpen, scale);
}

/// Padded tokens fit no cluster.
Value ClusteredAttention::choose() {
  Value affinity = create<ClusterAffinityOp>(shapeOf(ofQueries), element,
                                             options.function, ofQueries, ofKeys, phi);
  if (classifyBias(site.op) == AttentionBias::KeyMask) {
    Value kept = site.layout.split(make, makeKeyWeights(builder, site.op));
    Value isKept = make.make<GreaterOp>(kept, make.scalar(0.5, element));
    affinity = make.make<WhereOp>(isKept, affinity, make.scalar(-INFINITY, element));
  }
  if (options.heads == ClusterHeads::Shared)
    affinity = make.make<ReduceSumOp>(affinity, make.ints({1}), int64_t(1), int64_t(0));
  return create<ChooseClustersOp>(withLast(affinity, 2, {surrogates.clusters, size}),
                                  builder.getI64Type(), options.clustering, affinity,
                                  size);
}

Value ClusteredAttention::gather(Value tokens, Value indices) {
  Shape shape(shapeOf(tokens).drop_back(2));
  llvm::append_range(shape, shapeOf(indices).take_back(2));
  shape.push_back(shapeOf(tokens).back());
  return create<GatherTokensOp>(shape, element, tokens, indices);
}

/// Of what tokens have for each cluster [.., tokens, clusters], what the tokens of each
/// cluster have for it: [.., clusters, size].
Value ClusteredAttention::gatherOwn(Value perCluster) {
  Value byCluster = make.transposeMatrix(perCluster);
  Value single = make.reshape(byCluster, withLast(byCluster, 0, {1}));
  Value places = make.reshape(indices, withLast(indices, 1, {1, size}));
  Value own = gather(single, places);
  return make.reshape(own, withLast(own, 3, {size}));
}

/// Where single assignment or padding may leave places empty.
Value ClusteredAttention::maskEmpty() {
  if (options.clustering == Clustering::TopK && !site.op.getBias())
    return Value();
  Value zero = make.constant(
      HostTensor::fromInts(RankedTensorType::get({}, builder.getI64Type()), {0})
          .toAttr());
  Value isEmpty = make.make<LessOp>(indices, zero);
  Value mask = make.make<WhereOp>(isEmpty, make.scalar(emptyPlace, element),
                                  make.scalar(0, element));
  return make.reshape(mask, withLast(mask, 1, {1, size}));
}

/// What tokens find in their clusters, [.., tokens, features].
Value ClusteredAttention::attendInside(Value mix) {
  Value q = gather(site.layout.split(make, site.op.getQ()), indices);
  Value k = gather(site.layout.split(make, site.op.getK()), indices);
  double scale = site.op.getScale().convertToDouble();
  if (options.tau != 0)
    scale = 1 / (options.tau * site.queries.factor * site.keys.factor);
  Shape shape(shapeOf(values));
  Value inside = create<weir::AttentionOp>(shape, element, options.function, q, k, values,
                                           empty, APFloat(scale), /*guarded=*/false);
  if (options.intraWeight) {
    Value own = gatherOwn(mix);
    inside = make.mul(inside, make.reshape(own, withLast(own, 0, {1})));
  }
  Shape sums = withLast(values, 3, {site.op.numKeys(), shape.back()});
  return create<ScatterAddTokensOp>(sums, element, inside, indices, site.op.numKeys());
}

/// One value a cluster, [.., clusters, features].
Value ClusteredAttention::summarize() {
  Value negative = options.gates ? make.make<NegOp>(phi) : Value();
  Value own = gatherOwn(make.mul(ofKeys, gate(negative, options.tauK)));
  Value scores = make.reshape(own, withLast(own, 1, {1, size}));
  if (empty)
    scores = make.add(scores, empty);
  Value summary = make.matMul(makeWeights(make, options.function, scores), values);
  return make.reshape(summary, withLast(summary, 2, {shapeOf(summary).back()}));
}

Value ClusteredAttention::build() {
  ofQueries = similarities(site.layout.split(make, site.op.getQ()), site.queries.factor);
  ofKeys = similarities(site.layout.split(make, site.op.getK()), site.keys.factor);
  phi = makePhi();
  indices = choose();
  values = gather(site.layout.split(make, site.op.getV()), indices);
  empty = maskEmpty();
  Value mix;
  if (options.intraWeight || options.summaries)
    mix =
        makeWeights(make, options.function, make.mul(ofQueries, gate(phi, options.tauQ)));
  Value result = attendInside(mix);
  if (options.summaries) {
    if (options.ownMask) {
      Shape shape = withLast(indices, 2, {site.op.numKeys(), surrogates.clusters});
      Value members =
          create<ClusterMembersOp>(shape, element, indices, site.op.numKeys());
      Value others = make.sub(make.scalar(1, element), members);
      mix = make.mul(mix, others);
    }
    result = make.add(result, make.matMul(mix, summarize()));
  }
  return site.layout.merge(make, result);
}

Value cast_attention::makeClustered(Site &site, const Surrogates &surrogates,
                                    int64_t size, const CastOptions &options) {
  return ClusteredAttention(site, surrogates, size, options).build();
}
