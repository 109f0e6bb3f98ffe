//===- EvaluateNormalization.cpp - Norms of constants ---------------------===//

#include "Evaluate.h"
#include "weir/Dialect/Onnx/Geometry.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;
using namespace weir::onnx::detail;

/// Subtracts the mean (where asked) of each row of `length`, and divides by the root of
/// the mean square that is left.
static void normalizeRows(std::vector<double> &values, int64_t length, double epsilon,
                          bool center) {
  for (size_t begin = 0; begin < values.size(); begin += length) {
    auto row = MutableArrayRef(values).slice(begin, length);
    double mean = center ? std::accumulate(row.begin(), row.end(), 0.0) / length : 0;
    double square = 0;
    for (double &x : row) {
      x -= mean;
      square += x * x;
    }
    double factor = 1 / std::sqrt(square / length + epsilon);
    for (double &x : row)
      x *= factor;
  }
}

static int64_t lengthFrom(ArrayRef<int64_t> shape, int64_t axis) {
  return *countElements(shape.drop_front(*normalizeAxis(axis, shape.size())));
}

/// values * scale + bias, both broadcast from the right.
static HostTensor scaleAndShift(const Evaluation &e, std::vector<double> values,
                                unsigned scale, std::optional<unsigned> bias) {
  std::vector<double> factor = expandFloats(e[scale], e.type.getShape());
  std::vector<double> shift(values.size(), 0);
  if (bias)
    shift = expandFloats(e[*bias], e.type.getShape());
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = values[i] * factor[i] + shift[i];
  return HostTensor::fromFloats(e.type, values);
}

static HostTensor batchNorm(const Evaluation &e, double epsilon) {
  std::vector<double> values = e[0].getFloats(), scale = e[1].getFloats(),
                      bias = e[2].getFloats(), mean = e[3].getFloats(),
                      variance = e[4].getFloats();
  ArrayRef<int64_t> shape = e.type.getShape();
  int64_t inner = *countElements(shape.drop_front(2));
  for (auto [i, x] : llvm::enumerate(values)) {
    size_t channel = i / inner % shape[1];
    x = (x - mean[channel]) / std::sqrt(variance[channel] + epsilon) * scale[channel] +
        bias[channel];
  }
  return HostTensor::fromFloats(e.type, values);
}

static HostTensor instanceNorm(const Evaluation &e, double epsilon) {
  std::vector<double> values = e[0].getFloats(), scale = e[1].getFloats(),
                      bias = e[2].getFloats();
  ArrayRef<int64_t> shape = e.type.getShape();
  int64_t inner = *countElements(shape.drop_front(2));
  normalizeRows(values, inner, epsilon, /*center=*/true);
  for (auto [i, x] : llvm::enumerate(values))
    x = x * scale[i / inner % shape[1]] + bias[i / inner % shape[1]];
  return HostTensor::fromFloats(e.type, values);
}

std::optional<HostTensor> onnx::detail::evaluateNormalization(const Evaluation &e) {
  using Result = std::optional<HostTensor>;
  if (e.result > 0 || e.type.getNumElements() == 0)
    return std::nullopt;
  auto rows = [&](int64_t axis, double epsilon, bool center) {
    std::vector<double> values = e[0].getFloats();
    normalizeRows(values, lengthFrom(e.type.getShape(), axis), epsilon, center);
    return values;
  };
  return TypeSwitch<Operation *, Result>(e.op)
      .Case([&](LayerNormalizationOp op) {
        auto bias = e.has(2) ? std::optional<unsigned>(2) : std::nullopt;
        double epsilon = op.getEpsilon().convertToDouble();
        return scaleAndShift(e, rows(op.getAxis(), epsilon, true), 1, bias);
      })
      .Case([&](RMSNormalizationOp op) {
        double epsilon = op.getEpsilon().convertToDouble();
        return scaleAndShift(e, rows(op.getAxis(), epsilon, false), 1, std::nullopt);
      })
      .Case([&](BatchNormalizationOp op) {
        return batchNorm(e, op.getEpsilon().convertToDouble());
      })
      .Case([&](InstanceNormalizationOp op) {
        return instanceNorm(e, op.getEpsilon().convertToDouble());
      })
      .Default([](Operation *) { return std::nullopt; });
}
