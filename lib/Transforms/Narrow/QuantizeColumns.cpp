//===- QuantizeColumns.cpp - Weights as whole numbers times a scale -------===//
// w[k] ~ s q[k], q[k] = round(w[k] / s) within [-127, 127]
// A smaller s rounds finer and cuts off the largest weights. Tried are scales from that
// of the largest weight down; for the best q, s = <w, q> / <q, q> is the least squares.

#include "weir/Transforms/NarrowWeights.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace llvm;
using namespace weir;

static constexpr float most = 127;
/// Scales that are tried, each this part of the one before.
static constexpr unsigned numScales = 8;
static constexpr float step = 0.9f;

/// Rounds to the nearest, ties to even, for magnitudes below 2^22; written so that it
/// compiles to vectors.
static float roundToWhole(float x) {
  constexpr float magic = 0x1.8p23f;
  return (x + magic) - magic;
}

static float quantize(float weight, float inverse) {
  return roundToWhole(std::min(std::max(weight * inverse, -most), most));
}

static double squaredError(ArrayRef<float> column, float scale) {
  float inverse = 1 / scale;
  double sum = 0;
  for (float weight : column) {
    float error = weight - quantize(weight, inverse) * scale;
    sum += static_cast<double>(error) * error;
  }
  return sum;
}

static float chooseScale(ArrayRef<float> column) {
  float largest = 0;
  for (float weight : column)
    largest = std::max(largest, std::abs(weight));
  float scale = largest / most;
  if (!std::isnormal(scale) || !std::isnormal(1 / scale)) // all but zero
    return 1;
  float best = scale;
  double bestError = squaredError(column, scale);
  for (unsigned i = 1; i < numScales; ++i) {
    scale *= step;
    double error = squaredError(column, scale);
    if (error >= bestError)
      break; // what is cut off grows from here on
    bestError = error;
    best = scale;
  }
  return best;
}

QuantizedColumns weir::quantizeColumns(ArrayRef<float> weights, int64_t depth) {
  QuantizedColumns result;
  result.numbers.reserve(weights.size());
  for (; !weights.empty(); weights = weights.drop_front(depth)) {
    ArrayRef<float> column = weights.take_front(depth);
    float scale = chooseScale(column), inverse = 1 / scale;
    double dot = 0, square = 0;
    for (float weight : column) {
      float number = quantize(weight, inverse);
      result.numbers.push_back(static_cast<int8_t>(number));
      dot += static_cast<double>(weight) * number;
      square += static_cast<double>(number) * number;
    }
    result.scales.push_back(square > 0 ? static_cast<float>(dot / square) : scale);
  }
  return result;
}
