//===- EvaluateArithmetic.cpp - Ops of several tensors that broadcast -----===//

#include "Evaluate.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;
using namespace weir::onnx::detail;

using FloatFunction = double (*)(double, double);
using IntFunction = std::optional<int64_t> (*)(int64_t, int64_t);
using Unsigned = uint64_t;

static double maximum(double a, double b) {
  return std::isnan(a) || std::isnan(b) ? NAN : std::max(a, b);
}
static double minimum(double a, double b) {
  return std::isnan(a) || std::isnan(b) ? NAN : std::min(a, b);
}

static FloatFunction floatFunction(Operation *op) {
  return TypeSwitch<Operation *, FloatFunction>(op)
      .Case<AddOp, SumOp>([](auto) { return [](double a, double b) { return a + b; }; })
      .Case([](SubOp) { return [](double a, double b) { return a - b; }; })
      .Case([](MulOp) { return [](double a, double b) { return a * b; }; })
      .Case([](DivOp) { return [](double a, double b) { return a / b; }; })
      .Case([](PowOp) { return [](double a, double b) { return std::pow(a, b); }; })
      .Case([](PReluOp) { return [](double a, double b) { return a < 0 ? b * a : a; }; })
      .Case([](MaxOp) { return maximum; })
      .Case([](MinOp) { return minimum; })
      .Case([](ModOp op) -> FloatFunction {
        if (!op.getFmod())
          return nullptr;
        return [](double a, double b) { return std::fmod(a, b); };
      })
      .Default([](Operation *) { return nullptr; });
}

/// Quotient and remainder that ONNX defines; the least integer by -1 wraps around.
static std::optional<int64_t> divide(int64_t a, int64_t b) {
  if (b == 0)
    return std::nullopt;
  return b == -1 ? 0 - static_cast<Unsigned>(a) : a / b;
}
static std::optional<int64_t> truncatedRest(int64_t a, int64_t b) {
  if (b == 0)
    return std::nullopt;
  return b == -1 ? 0 : a % b;
}
static std::optional<int64_t> modulo(int64_t a, int64_t b) {
  std::optional<int64_t> rest = truncatedRest(a, b);
  return rest && *rest != 0 && (*rest < 0) != (b < 0) ? *rest + b : rest;
}
static std::optional<int64_t> power(int64_t base, int64_t exponent) {
  if (exponent < 0)
    return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0;
  Unsigned result = 1, square = base;
  for (; exponent; exponent >>= 1, square *= square)
    result *= exponent & 1 ? square : 1;
  return result;
}

static IntFunction intFunction(Operation *op) {
  using I = std::optional<int64_t>;
  return TypeSwitch<Operation *, IntFunction>(op)
      .Case<AddOp, SumOp>(
          [](auto) { return [](int64_t a, int64_t b) -> I { return Unsigned(a) + b; }; })
      .Case(
          [](SubOp) { return [](int64_t a, int64_t b) -> I { return Unsigned(a) - b; }; })
      .Case(
          [](MulOp) { return [](int64_t a, int64_t b) -> I { return Unsigned(a) * b; }; })
      .Case([](DivOp) { return divide; })
      .Case([](PowOp) { return power; })
      .Case([](ModOp op) { return op.getFmod() ? truncatedRest : modulo; })
      .Case(
          [](MaxOp) { return [](int64_t a, int64_t b) -> I { return std::max(a, b); }; })
      .Case(
          [](MinOp) { return [](int64_t a, int64_t b) -> I { return std::min(a, b); }; })
      .Case([](AndOp) { return [](int64_t a, int64_t b) -> I { return a & b; }; })
      .Case([](OrOp) { return [](int64_t a, int64_t b) -> I { return a | b; }; })
      .Case([](XorOp) { return [](int64_t a, int64_t b) -> I { return a ^ b; }; })
      .Default([](Operation *) { return nullptr; });
}

/// A comparison as the set of orders that satisfy it.
struct Orders {
  bool less, equal, greater;
};
static std::optional<Orders> comparison(Operation *op) {
  return TypeSwitch<Operation *, std::optional<Orders>>(op)
      .Case([](EqualOp) { return Orders{false, true, false}; })
      .Case([](LessOp) { return Orders{true, false, false}; })
      .Case([](LessOrEqualOp) { return Orders{true, true, false}; })
      .Case([](GreaterOp) { return Orders{false, false, true}; })
      .Case([](GreaterOrEqualOp) { return Orders{false, true, true}; })
      .Default([](Operation *) { return std::nullopt; });
}

template <typename T>
static HostTensor compare(RankedTensorType type, Orders orders, const std::vector<T> &a,
                          const std::vector<T> &b) {
  std::vector<int64_t> results;
  results.reserve(a.size());
  for (auto [x, y] : llvm::zip_equal(a, b)) // nothing holds of a NaN
    results.push_back((orders.less && x < y) || (orders.equal && x == y) ||
                      (orders.greater && x > y));
  return HostTensor::fromInts(type, results);
}

static std::optional<HostTensor> evaluateFloats(const Evaluation &e) {
  FloatFunction function = floatFunction(e.op);
  if (!function)
    return std::nullopt;
  // Each sum of several is rounded, as a chain of single ops would be.
  std::vector<double> result = expandFloats(e[0], e.type.getShape());
  for (unsigned i = 1; i < e.operands.size(); ++i) {
    std::vector<double> other = expandFloats(e[i], e.type.getShape());
    for (size_t j = 0; j < result.size(); ++j)
      result[j] = function(result[j], other[j]);
    if (i + 1 < e.operands.size())
      result = HostTensor::fromFloats(e.type, result).getFloats();
  }
  return HostTensor::fromFloats(e.type, result);
}

static std::optional<HostTensor> evaluateInts(const Evaluation &e) {
  IntFunction function = intFunction(e.op);
  if (!function || e.type.getElementType().isUnsignedInteger(64))
    return std::nullopt;
  std::vector<int64_t> result = expandInts(e[0], e.type.getShape());
  for (unsigned i = 1; i < e.operands.size(); ++i) {
    std::vector<int64_t> other = expandInts(e[i], e.type.getShape());
    for (size_t j = 0; j < result.size(); ++j) {
      std::optional<int64_t> value = function(result[j], other[j]);
      if (!value)
        return std::nullopt;
      result[j] = *value;
    }
  }
  return HostTensor::fromInts(e.type, result);
}

std::optional<HostTensor> onnx::detail::evaluateArithmetic(const Evaluation &e) {
  ArrayRef<int64_t> shape = e.type.getShape();
  if (std::optional<Orders> orders = comparison(e.op)) {
    Type element = e[0].getType().getElementType();
    if (element.isUnsignedInteger(64))
      return std::nullopt;
    if (isa<FloatType>(element))
      return compare(e.type, *orders, expandFloats(e[0], shape),
                     expandFloats(e[1], shape));
    return compare(e.type, *orders, expandInts(e[0], shape), expandInts(e[1], shape));
  }
  bool isFloat = llvm::any_of(e.operands, [](const std::optional<HostTensor> &operand) {
    return operand && isa<FloatType>(operand->getType().getElementType());
  });
  return isFloat ? evaluateFloats(e) : evaluateInts(e);
}
