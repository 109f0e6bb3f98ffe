//===- EvaluateQuantization.cpp - Quantized constants ---------------------===//
// As ONNX has it, quotients and products round to f32.

#include "Evaluate.h"
#include "weir/Dialect/Onnx/Geometry.h"
#include "weir/Dialect/Onnx/Quantization.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;
using namespace weir::onnx::detail;

/// For each element of a tensor of `shape` the index of its scale.
static std::vector<int64_t> scaleIndices(ArrayRef<int64_t> shape,
                                         ArrayRef<int64_t> scales, ScaleSpread spread) {
  std::vector<int64_t> indices(*countElements(shape));
  if (spread.kind == ScaleSpread::Tensor)
    return indices;
  Shape strides = rowMajorStrides(shape), scaleStrides = rowMajorStrides(scales);
  for (int64_t i = 0, e = indices.size(); i < e; ++i) {
    auto at = [&](int64_t dim) { return i / strides[dim] % shape[dim]; };
    if (spread.kind == ScaleSpread::Axis) {
      indices[i] = at(spread.axis);
      continue;
    }
    for (int64_t dim = 0, rank = shape.size(); dim < rank; ++dim)
      indices[i] += at(dim) / (dim == spread.axis ? spread.block : 1) * scaleStrides[dim];
  }
  return indices;
}

namespace {
/// The least and the largest value of the elements.
struct Range {
  double low, high;
  explicit Range(Type element) {
    if (auto type = dyn_cast<FloatType>(element)) {
      high = llvm::APFloat::getLargest(type.getFloatSemantics()).convertToDouble();
      low = -high;
      return;
    }
    int64_t bits = element.getIntOrFloatBitWidth();
    bool isUnsigned = element.isUnsignedInteger();
    high = std::ldexp(1.0, isUnsigned ? bits : bits - 1) - 1;
    low = isUnsigned ? 0 : -high - 1;
  }
};
} // namespace

static HostTensor quantize(QuantizeLinearOp op, const Evaluation &e,
                           ArrayRef<int64_t> scaleOf) {
  Type element = e.type.getElementType();
  Range range(element);
  bool rounds = !isa<FloatType>(element), clamps = rounds || op.getSaturate() != 0;
  std::vector<double> values = e[0].getFloats(), scales = e[1].getFloats();
  std::vector<double> zeros = e.has(2) ? e[2].getFloats() : std::vector<double>();
  for (auto [i, value] : llvm::enumerate(values)) {
    double y = static_cast<float>(value) / static_cast<float>(scales[scaleOf[i]]);
    y = (rounds ? std::nearbyint(y) : y) + (zeros.empty() ? 0 : zeros[scaleOf[i]]);
    value = clamps && !std::isnan(y) ? std::clamp(y, range.low, range.high) : y;
  }
  return HostTensor::fromFloats(e.type, values);
}

static HostTensor dequantize(const Evaluation &e, ArrayRef<int64_t> scaleOf) {
  std::vector<double> values = e[0].getFloats(), scales = e[1].getFloats();
  std::vector<double> zeros = e.has(2) ? e[2].getFloats() : std::vector<double>();
  for (auto [i, value] : llvm::enumerate(values)) {
    double x = value - (zeros.empty() ? 0 : zeros[scaleOf[i]]);
    value = static_cast<float>(x) * static_cast<float>(scales[scaleOf[i]]);
  }
  return HostTensor::fromFloats(e.type, values);
}

std::optional<HostTensor> onnx::detail::evaluateQuantization(const Evaluation &e) {
  if (!isa<QuantizeLinearOp, DequantizeLinearOp>(e.op))
    return std::nullopt;
  std::vector<int64_t> scaleOf =
      scaleIndices(e[0].getShape(), e[1].getShape(), getScaleSpread(e.op));
  if (auto op = dyn_cast<QuantizeLinearOp>(e.op))
    return quantize(op, e, scaleOf);
  return dequantize(e, scaleOf);
}
