//===- EvaluateElementwise.cpp - Unary ops, Cast, Where, Clip -------------===//

#include "Evaluate.h"
#include "Strided.h"
#include <cmath>
#include <functional>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;
using namespace weir::onnx::detail;

template <typename T>
static std::vector<T> expand(std::vector<T> values, ArrayRef<int64_t> from,
                             ArrayRef<int64_t> to) {
  if (from == to)
    return values;
  std::vector<T> wide(*countElements(to));
  copyStrided({reinterpret_cast<char *>(wide.data()), rowMajorStrides(to)},
              {reinterpret_cast<const char *>(values.data()), broadcastStrides(from, to)},
              to, sizeof(T));
  return wide;
}
std::vector<double> onnx::detail::expandFloats(const HostTensor &tensor,
                                               ArrayRef<int64_t> shape) {
  return expand(tensor.getFloats(), tensor.getShape(), shape);
}
std::vector<int64_t> onnx::detail::expandInts(const HostTensor &tensor,
                                              ArrayRef<int64_t> shape) {
  return expand(tensor.getInts(), tensor.getShape(), shape);
}

using FloatFunction = std::function<double(double)>;

static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
static double softplus(double x) {
  return std::log1p(std::exp(-std::abs(x))) + std::max(x, 0.0);
}
static double clampUnit(double x) { return x < 0 ? 0 : x > 1 ? 1 : x; }
static double geluErf(double x) { return x / 2 * (1 + std::erf(x * M_SQRT1_2)); }
static double geluTanh(double x) {
  return x / 2 * (1 + std::tanh(std::sqrt(M_2_PI) * (x + 0.044715 * x * x * x)));
}
static double sign(double x) { return std::isnan(x) ? x : (x > 0) - (x < 0); }
static double relu(double x) { return x < 0 ? 0 : x; }

/// The functions that attributes parametrise.
static FloatFunction parametricFunction(Operation *op) {
  return TypeSwitch<Operation *, FloatFunction>(op)
      .Case([](GeluOp op) { return op.getApproximate() == "tanh" ? geluTanh : geluErf; })
      .Case([](LeakyReluOp op) -> FloatFunction {
        return
            [a = op.getAlpha().convertToDouble()](double x) { return x < 0 ? a * x : x; };
      })
      .Case([](EluOp op) -> FloatFunction {
        return [a = op.getAlpha().convertToDouble()](double x) {
          return x < 0 ? a * std::expm1(x) : x;
        };
      })
      .Case([](SeluOp op) -> FloatFunction {
        return [a = op.getAlpha().convertToDouble(), g = op.getGamma().convertToDouble()](
                   double x) { return g * (x < 0 ? a * std::expm1(x) : x); };
      })
      .Case([](HardSigmoidOp op) -> FloatFunction {
        return [a = op.getAlpha().convertToDouble(), b = op.getBeta().convertToDouble()](
                   double x) { return clampUnit(a * x + b); };
      })
      .Case([](SwishOp op) -> FloatFunction {
        return [a = op.getAlpha().convertToDouble()](double x) {
          return x * sigmoid(a * x);
        };
      })
      .Default([](Operation *) { return nullptr; });
}

static FloatFunction floatFunction(Operation *op) {
  using F = double (*)(double);
  return TypeSwitch<Operation *, FloatFunction>(op)
      .Case([](AbsOp) -> F { return std::fabs; })
      .Case([](NegOp) -> F { return [](double x) { return -x; }; })
      .Case([](SqrtOp) -> F { return std::sqrt; })
      .Case([](ExpOp) -> F { return std::exp; })
      .Case([](LogOp) -> F { return std::log; })
      .Case([](ReciprocalOp) -> F { return [](double x) { return 1 / x; }; })
      .Case([](ErfOp) -> F { return std::erf; })
      .Case([](TanhOp) -> F { return std::tanh; })
      .Case([](SigmoidOp) -> F { return sigmoid; })
      .Case([](ReluOp) -> F { return relu; })
      .Case([](FloorOp) -> F { return std::floor; })
      .Case([](CeilOp) -> F { return std::ceil; })
      .Case([](RoundOp) -> F { return std::nearbyint; })
      .Case([](SignOp) -> F { return sign; })
      .Case([](CosOp) -> F { return std::cos; })
      .Case([](SinOp) -> F { return std::sin; })
      .Case([](SoftplusOp) -> F { return softplus; })
      .Case(
          [](SoftsignOp) -> F { return [](double x) { return x / (1 + std::fabs(x)); }; })
      .Case(
          [](MishOp) -> F { return [](double x) { return x * std::tanh(softplus(x)); }; })
      .Case([](HardSwishOp) -> F {
        return [](double x) { return x * clampUnit(x / 6 + 0.5); };
      })
      .Default([](Operation *op) { return parametricFunction(op); });
}

static int64_t wrapNegate(int64_t x) { return 0 - static_cast<uint64_t>(x); }

using IntFunction = int64_t (*)(int64_t);
static IntFunction intFunction(Operation *op) {
  return TypeSwitch<Operation *, IntFunction>(op)
      .Case([](AbsOp) { return [](int64_t x) { return x < 0 ? wrapNegate(x) : x; }; })
      .Case([](NegOp) { return wrapNegate; })
      .Case([](ReluOp) { return [](int64_t x) { return std::max<int64_t>(x, 0); }; })
      .Case([](SignOp) { return [](int64_t x) -> int64_t { return (x > 0) - (x < 0); }; })
      .Case([](NotOp) { return [](int64_t x) -> int64_t { return !x; }; })
      .Default([](Operation *) { return nullptr; });
}

static std::optional<HostTensor> evaluateUnary(const Evaluation &e) {
  if (e.operands.size() != 1)
    return std::nullopt;
  Type element = e.type.getElementType();
  if (isa<FloatType>(element)) {
    FloatFunction function = floatFunction(e.op);
    if (!function)
      return std::nullopt;
    std::vector<double> values = e[0].getFloats();
    llvm::transform(values, values.begin(), function);
    return HostTensor::fromFloats(e.type, values);
  }
  IntFunction function = intFunction(e.op);
  // Unsigned numbers are never negative; their 64-bit form here may look it.
  if (!function || element.isUnsignedInteger())
    return std::nullopt;
  std::vector<int64_t> values = e[0].getInts();
  llvm::transform(values, values.begin(), function);
  return HostTensor::fromInts(e.type, values);
}

static std::optional<HostTensor> evaluateTest(const Evaluation &e) {
  std::function<bool(double)> test;
  if (isa<IsNaNOp>(e.op))
    test = [](double x) { return std::isnan(x); };
  else if (auto op = dyn_cast<IsInfOp>(e.op))
    test = [low = op.getDetectNegative() != 0, high = op.getDetectPositive() != 0](
               double x) { return std::isinf(x) && (x < 0 ? low : high); };
  if (!test)
    return std::nullopt;
  std::vector<int64_t> results;
  for (double x : e[0].getFloats())
    results.push_back(test(x));
  return HostTensor::fromInts(e.type, results);
}

static std::optional<HostTensor> evaluateCast(const Evaluation &e) {
  Type from = e[0].getType().getElementType(), to = e.type.getElementType();
  // Narrower floats saturate by rules of their own.
  if (!isa<CastOp>(e.op) || (isa<FloatType>(to) && to.getIntOrFloatBitWidth() < 16))
    return std::nullopt;
  if (to.isInteger(1)) {
    std::vector<int64_t> results;
    for (double x : e[0].getFloats())
      results.push_back(x != 0);
    return HostTensor::fromInts(e.type, results);
  }
  if (isa<FloatType>(from) || isa<FloatType>(to)) {
    if (from.isUnsignedInteger(64))
      return std::nullopt;
    return HostTensor::fromFloats(e.type, e[0].getFloats());
  }
  return HostTensor::fromInts(e.type, e[0].getInts());
}

static std::optional<HostTensor> evaluateWhere(const Evaluation &e) {
  if (!isa<WhereOp>(e.op))
    return std::nullopt;
  ArrayRef<int64_t> shape = e.type.getShape();
  int64_t width = HostTensor::elementBytes(e.type.getElementType());
  std::vector<int64_t> condition = expandInts(e[0], shape);
  HostTensor result(e.type), other(e.type);
  char *to = result.getMutableBytes().data(), *no = other.getMutableBytes().data();
  Shape strides = rowMajorStrides(shape);
  copyStrided({to, strides},
              {e[1].getBytes().data(), broadcastStrides(e[1].getShape(), shape)}, shape,
              width);
  copyStrided({no, strides},
              {e[2].getBytes().data(), broadcastStrides(e[2].getShape(), shape)}, shape,
              width);
  for (auto [i, yes] : llvm::enumerate(condition))
    if (!yes)
      std::memcpy(to + i * width, no + i * width, width);
  return result;
}

static std::optional<HostTensor> evaluateClip(const Evaluation &e) {
  if (!isa<ClipOp>(e.op))
    return std::nullopt;
  Type element = e.type.getElementType();
  if (isa<FloatType>(element)) {
    std::vector<double> values = e[0].getFloats();
    for (double &x : values) {
      x = e.has(1) && x < e[1].getFloat(0) ? e[1].getFloat(0) : x;
      x = e.has(2) && x > e[2].getFloat(0) ? e[2].getFloat(0) : x;
    }
    return HostTensor::fromFloats(e.type, values);
  }
  if (element.isUnsignedInteger(64))
    return std::nullopt;
  std::vector<int64_t> values = e[0].getInts();
  for (int64_t &x : values) {
    x = e.has(1) ? std::max(x, e[1].getInt(0)) : x;
    x = e.has(2) ? std::min(x, e[2].getInt(0)) : x;
  }
  return HostTensor::fromInts(e.type, values);
}

std::optional<HostTensor> onnx::detail::evaluateElementwise(const Evaluation &e) {
  for (auto evaluate :
       {evaluateCast, evaluateWhere, evaluateClip, evaluateTest, evaluateUnary})
    if (std::optional<HostTensor> result = evaluate(e))
      return result;
  return std::nullopt;
}
