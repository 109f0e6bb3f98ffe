//===- Norms.cpp - Normalisations that other operators spell out ----------===//

#include "Expansion.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// input + skip, and + bias where there is one.
static Value skipSum(Expansion &x, unsigned bias) {
  Value sum = x.add(x[0], x[1]);
  return x.has(bias) ? x.add(sum, x[bias]) : sum;
}

/// Results of both fused forms: the norm, two statistics of training, the sum.
static Results withSum(Value norm, Value sum) {
  return SmallVector<Value>{norm, nullptr, nullptr, sum};
}

/// (input, skip, gamma, beta?, bias?)
static Results expandSkipLayerNorm(Expansion &x) {
  Value sum = skipSum(x, 4);
  return withSum(x.layerNorm(sum, x[2], x[3], x.getFloat("epsilon", 1e-12)), sum);
}

/// (input, skip, gamma, bias?)
static Results expandSkipRmsNorm(Expansion &x) {
  Value sum = skipSum(x, 3);
  return withSum(x.rmsNorm(sum, x[2], x.getFloat("epsilon", 1e-12)), sum);
}

static Results expandRmsNorm(Expansion &x) {
  return one(x.rmsNorm(x[0], x[1], x.getFloat("epsilon", 1e-5), x.getInt("axis", -1)));
}

/// Each of `num_groups` groups of channels is normalised over its positions; scale and
/// bias are one a channel, before opset 21 one a group.
static Results expandGroupNorm(Expansion &x) {
  ArrayRef<int64_t> shape = x.shape(0);
  int64_t groups = x.getInt("num_groups", 0);
  if (shape.size() < 2 || groups <= 0 || shape[1] % groups != 0)
    return x.refuse("num_groups {0} does not divide the channels of {1}", groups,
                    llvm::make_range(shape.begin(), shape.end()));
  Shape grouped{shape[0], groups, -1}, channels(shape.size(), 1), each{groups};
  grouped.back() = *countElements(shape) / std::max<int64_t>(shape[0] * groups, 1);
  Type element = x.element();
  Value ones = x.numbers(std::vector<double>(groups, 1), each, element);
  Value zeros = x.numbers(std::vector<double>(groups, 0), each, element);
  Value y = x.make<InstanceNormalizationOp>(x.reshape(x[0], grouped), ones, zeros,
                                            APFloat(float(x.getFloat("epsilon", 1e-5))));
  y = x.reshape(y, shape);
  channels[1] = shape[1];
  for (unsigned factor : {1, 2}) {
    Value value = x[factor];
    if (*countElements(x.shape(factor)) == groups && groups != shape[1]) {
      Shape repeated{groups, shape[1] / groups};
      value = x.reshape(value, {groups, 1});
      value = x.make<ExpandOp>(value, x.ints(repeated));
    } else if (*countElements(x.shape(factor)) != shape[1]) {
      return x.refuse("has {0} scales for {1} channels", *countElements(x.shape(factor)),
                      shape[1]);
    }
    value = x.reshape(value, channels);
    y = factor == 1 ? x.mul(y, value) : x.add(y, value);
  }
  return one(y);
}

/// x / |x|_p along `axis`; 0 where the norm is.
static Results expandLpNorm(Expansion &x) {
  int64_t rank = x.shape(0).size(), p = x.getInt("p", 2);
  std::optional<int64_t> axis = normalizeAxis(x.getInt("axis", -1), rank);
  if (!axis || (p != 1 && p != 2))
    return x.refuse("wants a dimension and a norm of order 1 or 2");
  Value norm =
      p == 1 ? x.reduce<ReduceL1Op>(x[0], {*axis}) : x.reduce<ReduceL2Op>(x[0], {*axis});
  Value isZero = x.make<EqualOp>(norm, x.zero(x.element()));
  return one(x.div(x[0], x.make<WhereOp>(isZero, x.scalar(1, x.element()), norm)));
}

/// (x - mean) / (deviation + 1e-9) over `axes`
static Results expandMeanVariance(Expansion &x) {
  Shape axes = x.getIntArray("axes").value_or(Shape{0, 2, 3});
  Value centred = x.sub(x[0], x.reduce<ReduceMeanOp>(x[0], axes));
  Value variance = x.reduce<ReduceMeanOp>(x.mul(centred, centred), axes);
  Value deviation = x.make<SqrtOp>(variance);
  return one(x.div(centred, x.add(deviation, x.scalar(1e-9, x.element()))));
}

ArrayRef<ExpandedOperator> weir::onnx::expandedNorms() {
  static const ExpandedOperator rows[] = {
      {microsoft, "SimplifiedLayerNormalization", 2, 2, 2, expandRmsNorm},
      {microsoft, "SkipLayerNormalization", 3, 5, 4, expandSkipLayerNorm},
      {microsoft, "SkipSimplifiedLayerNormalization", 3, 4, 4, expandSkipRmsNorm},
      // onnxruntime writes it into ONNX's own domain.
      {"", "SimplifiedLayerNormalization", 2, 2, 2, expandRmsNorm},
      {"", "GroupNormalization", 3, 3, 1, expandGroupNorm},
      {"", "LpNormalization", 1, 1, 1, expandLpNorm},
      {"", "MeanVarianceNormalization", 1, 1, 1, expandMeanVariance},
  };
  return rows;
}
