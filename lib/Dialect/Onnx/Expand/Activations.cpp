//===- Activations.cpp - Activations that other operators spell out -------===//

#include "Expansion.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

static Value gelu(Expansion &x, Value input, StringRef form) {
  return x.make<GeluOp>(input, form);
}

static Value sumOf(Expansion &x, unsigned first, unsigned second) {
  return x.has(second) ? x.add(x[first], x[second]) : x[first];
}

static Results expandGelu(Expansion &x) { return one(gelu(x, x[0], "none")); }
static Results expandBiasGelu(Expansion &x) {
  return one(gelu(x, sumOf(x, 0, 1), "none"));
}
static Results expandFastGelu(Expansion &x) {
  return one(gelu(x, sumOf(x, 0, 1), "tanh"));
}

/// x sigmoid(alpha x)
static Results expandQuickGelu(Expansion &x) {
  return one(x.make<SwishOp>(x[0], APFloat(float(x.getFloat("alpha", 1.702)))));
}

/// (l, r) = halves of x + b;  l gelu(r)
static Results expandBiasSplitGelu(Expansion &x) {
  Value sum = x.add(x[0], x[1]);
  int64_t last = x.shape(0).size() - 1;
  if (last < 0 || x.shape(0)[last] % 2 != 0)
    return x.refuse("wants features of an even number");
  int64_t half = x.shape(0)[last] / 2;
  Value left = x.slice(sum, last, 0, half), right = x.slice(sum, last, half, 2 * half);
  return one(x.mul(left, gelu(x, right, "none")));
}

static Results expandBiasAdd(Expansion &x) { return one(x.add(sumOf(x, 0, 1), x[2])); }

/// max(0, x) + min(0, alpha (e^(x / alpha) - 1))
static Results expandCelu(Expansion &x) {
  Value alpha = x.scalar(x.getFloat("alpha", 1), x.element());
  Value grown = x.make<ExpOp>(x.div(x[0], alpha));
  Value below = x.mul(alpha, x.sub(grown, x.scalar(1, x.element())));
  Value least = x.make<MinOp>(ValueRange{below, x.zero(x.element())});
  return one(x.add(x.make<ReluOp>(x[0]), least));
}

/// x > alpha ? x : 0
static Results expandThresholdedRelu(Expansion &x) {
  Value above = x.make<GreaterOp>(x[0], x.scalar(x.getFloat("alpha", 1), x.element()));
  return one(x.make<WhereOp>(above, x[0], x.zero(x.element())));
}

/// x < -lambd ? x + bias : x > lambd ? x - bias : 0
static Results expandShrink(Expansion &x) {
  double lambda = x.getFloat("lambd", 0.5);
  Value bias = x.scalar(x.getFloat("bias", 0), x.element());
  Value below = x.make<LessOp>(x[0], x.scalar(-lambda, x.element()));
  Value above = x.make<GreaterOp>(x[0], x.scalar(lambda, x.element()));
  Value high = x.make<WhereOp>(above, x.sub(x[0], bias), x.zero(x.element()));
  return one(x.make<WhereOp>(below, x.add(x[0], bias), high));
}

/// 1 at the first largest element along `axis`, 0 elsewhere.
static Results expandHardmax(Expansion &x) {
  int64_t rank = x.shape(0).size();
  std::optional<int64_t> axis = normalizeAxis(x.getInt("axis", -1), rank);
  if (!axis)
    return x.refuse("axis {0} is outside a tensor of rank {1}", x.getInt("axis", -1),
                    rank);
  Value largest = x.make<ArgMaxOp>(x[0], *axis, int64_t(1), int64_t(0));
  Value places = x.positions(x.shape(0)[*axis], *axis, rank, getElementType(x.ints({0})));
  return one(x.cast(x.make<EqualOp>(largest, places), x.element()));
}

//===----------------------------------------------------------------------===//
// Functions of e^x
//===----------------------------------------------------------------------===//

static Results expandTan(Expansion &x) {
  return one(x.div(x.make<SinOp>(x[0]), x.make<CosOp>(x[0])));
}

/// (e^x +- e^-x) / 2
static Value hyperbolic(Expansion &x, bool isSum) {
  Value up = x.make<ExpOp>(x[0]), down = x.make<ExpOp>(x.make<NegOp>(x[0]));
  return x.mul(isSum ? x.add(up, down) : x.sub(up, down), x.scalar(0.5, x.element()));
}
static Results expandSinh(Expansion &x) { return one(hyperbolic(x, false)); }
static Results expandCosh(Expansion &x) { return one(hyperbolic(x, true)); }

/// sign(x) ln(|x| + sqrt(x^2 + 1))
static Results expandAsinh(Expansion &x) {
  Value size = x.make<AbsOp>(x[0]), unit = x.scalar(1, x.element());
  Value root = x.make<SqrtOp>(x.add(x.mul(x[0], x[0]), unit));
  return one(x.mul(x.make<SignOp>(x[0]), x.make<LogOp>(x.add(size, root))));
}
/// ln(x + sqrt(x^2 - 1))
static Results expandAcosh(Expansion &x) {
  Value unit = x.scalar(1, x.element());
  Value root = x.make<SqrtOp>(x.sub(x.mul(x[0], x[0]), unit));
  return one(x.make<LogOp>(x.add(x[0], root)));
}
/// ln((1 + x) / (1 - x)) / 2
static Results expandAtanh(Expansion &x) {
  Value unit = x.scalar(1, x.element());
  Value ratio = x.div(x.add(unit, x[0]), x.sub(unit, x[0]));
  return one(x.mul(x.make<LogOp>(ratio), x.scalar(0.5, x.element())));
}

//===----------------------------------------------------------------------===//
// Angles
//===----------------------------------------------------------------------===//

/// atan(x) for |x| <= tan(pi / 8), by an odd polynomial within 3e-9 of it.
static Value atanNearZero(Expansion &x, Value value) {
  static constexpr double coefficients[] = {-0.06459375986, 0.1074629832, -0.1426423254,
                                            0.1999955008, -0.3333333181};
  Value square = x.mul(value, value), sum = x.zero(x.element());
  for (double coefficient : coefficients)
    sum = x.mul(x.add(sum, x.scalar(coefficient, x.element())), square);
  return x.add(value, x.mul(value, sum));
}

/// With s = |value|:  s > 1: pi/2 - atan(1 / s);  s > tan(pi/8): pi/4 + atan((s-1)/(s+1))
static Value atan(Expansion &x, Value value) {
  auto number = [&](double constant) { return x.scalar(constant, x.element()); };
  Value unit = number(1), size = x.make<AbsOp>(value);
  Value isLarge = x.make<GreaterOp>(size, unit);
  Value small = x.make<WhereOp>(isLarge, x.div(unit, size), size);
  Value isMiddle = x.make<GreaterOp>(small, number(std::sqrt(2.0) - 1));
  Value nearUnit = x.div(x.sub(small, unit), x.add(small, unit));
  Value angle = atanNearZero(x, x.make<WhereOp>(isMiddle, nearUnit, small));
  angle = x.make<WhereOp>(isMiddle, x.add(angle, number(M_PI / 4)), angle);
  angle = x.make<WhereOp>(isLarge, x.sub(number(M_PI / 2), angle), angle);
  return x.mul(x.make<SignOp>(value), angle);
}
static Results expandAtan(Expansion &x) { return one(atan(x, x[0])); }

/// atan(x / sqrt((1 - x) (1 + x)))
static Results expandAsin(Expansion &x) {
  Value unit = x.scalar(1, x.element());
  Value other = x.make<SqrtOp>(x.mul(x.sub(unit, x[0]), x.add(unit, x[0])));
  return one(atan(x, x.div(x[0], other)));
}
/// 2 atan(sqrt((1 - x) / (1 + x)))
static Results expandAcos(Expansion &x) {
  Value unit = x.scalar(1, x.element());
  Value half = x.make<SqrtOp>(x.div(x.sub(unit, x[0]), x.add(unit, x[0])));
  return one(x.mul(x.scalar(2, x.element()), atan(x, half)));
}

ArrayRef<ExpandedOperator> weir::onnx::expandedActivations() {
  static const ExpandedOperator rows[] = {
      {microsoft, "BiasAdd", 3, 3, 1, expandBiasAdd},
      {microsoft, "BiasGelu", 2, 2, 1, expandBiasGelu},
      {microsoft, "BiasSplitGelu", 2, 2, 1, expandBiasSplitGelu},
      {microsoft, "FastGelu", 1, 2, 1, expandFastGelu},
      {microsoft, "Gelu", 1, 1, 1, expandGelu},
      {microsoft, "QuickGelu", 1, 1, 1, expandQuickGelu},
      {"", "Acos", 1, 1, 1, expandAcos},
      {"", "Acosh", 1, 1, 1, expandAcosh},
      {"", "Asin", 1, 1, 1, expandAsin},
      {"", "Asinh", 1, 1, 1, expandAsinh},
      {"", "Atan", 1, 1, 1, expandAtan},
      {"", "Atanh", 1, 1, 1, expandAtanh},
      {"", "Celu", 1, 1, 1, expandCelu},
      {"", "Cosh", 1, 1, 1, expandCosh},
      {"", "Hardmax", 1, 1, 1, expandHardmax},
      {"", "Shrink", 1, 1, 1, expandShrink},
      {"", "Sinh", 1, 1, 1, expandSinh},
      {"", "Tan", 1, 1, 1, expandTan},
      {"", "ThresholdedRelu", 1, 1, 1, expandThresholdedRelu},
  };
  return rows;
}
