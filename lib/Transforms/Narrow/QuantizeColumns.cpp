//===- QuantizeColumns.cpp - Weights as whole numbers times a scale -------===//
// w[k] ~ s q[k], q[k] = round(w[k] / s) within [-127, 127]
// A smaller s rounds finer and cuts off the largest weights. Tried are scales from that
// of the largest weight down; for the best q, s = <w, q> / <q, q> is the least squares.
//
// Rows x that are known have independent elements of means m and variances v. The error
// e = s q - w of a column then adds to its results, in the mean square,
//
//   sum_k v[k] e[k]^2 + (sum_k m[k] e[k])^2
//
// Behind an activation the second sum is the larger one, and a few weights rounded the
// other way make it nothing: weight after weight is rounded from where the remaining
// ones would best be moved to, w[k] - r m[k] / v[k] / (1 + sum_{j >= k} m[j]^2 / v[j])
// for r = sum_{j < k} m[j] e[j], which is the step of Optimal Brain Surgeon (Hassibi and
// Stork 1993, eq. 5) for the Hessian diag(v) + m m'.

#include "weir/Transforms/NarrowWeights.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace llvm;
using namespace weir;

static constexpr float most = 127;
/// Scales that are tried, each this part of the one before.
static constexpr unsigned numScales = 8;
static constexpr float step = 0.9f;
/// Of the mean variance of a row's elements.
static constexpr double leastVariance = 0.01;

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

namespace {
/// Weighs errors by what rows hold; all alike where nothing is known of them.
class ColumnRounder {
public:
  ColumnRounder(const RowStatistics &rows, int64_t depth);
  /// Appends the numbers of a column; its scale.
  float round(ArrayRef<float> column, std::vector<int8_t> &numbers) const;

private:
  std::vector<float> means, variances;
  std::vector<float> shares; // of r, by which each weight moves
};
} // namespace

RowStatistics RowStatistics::of(mlir::DenseElementsAttr rows) {
  if (!rows)
    return {};
  auto numbers = llvm::to_vector(rows.getValues<float>());
  ArrayRef<float> all(numbers);
  return {all.take_front(all.size() / 2).vec(), all.drop_front(all.size() / 2).vec()};
}

ColumnRounder::ColumnRounder(const RowStatistics &rows, int64_t depth)
    : means(depth, 0.0f), variances(depth, 1.0f), shares(depth, 0.0f) {
  if (static_cast<int64_t>(rows.means.size()) != depth)
    return;
  double total = 0, sum = 1;
  for (float variance : rows.variances)
    total += variance;
  // An element that seems never to change may do so in other data.
  double least = total / depth * leastVariance;
  if (!std::isnormal(least))
    return;
  for (int64_t k = depth; k-- > 0;) {
    means[k] = rows.means[k];
    variances[k] = std::max<double>(rows.variances[k], least);
    double ratio = means[k] / variances[k];
    sum += means[k] * ratio;
    shares[k] = ratio / sum;
  }
}

float ColumnRounder::round(ArrayRef<float> column, std::vector<int8_t> &numbers) const {
  float scale = chooseScale(column), inverse = 1 / scale, residue = 0;
  double dot = 0, square = 0, meanOfWeights = 0, meanOfNumbers = 0;
  for (auto [k, weight] : llvm::enumerate(column)) {
    float number = quantize(weight - residue * shares[k], inverse);
    residue += means[k] * (number * scale - weight);
    numbers.push_back(static_cast<int8_t>(number));
    dot += static_cast<double>(variances[k]) * weight * number;
    square += static_cast<double>(variances[k]) * number * number;
    meanOfWeights += static_cast<double>(means[k]) * weight;
    meanOfNumbers += static_cast<double>(means[k]) * number;
  }
  dot += meanOfWeights * meanOfNumbers;
  square += meanOfNumbers * meanOfNumbers;
  return square > 0 ? static_cast<float>(dot / square) : scale;
}

QuantizedColumns weir::quantizeColumns(ArrayRef<float> weights, int64_t depth,
                                       const RowStatistics &rows) {
  ColumnRounder rounder(rows, depth);
  QuantizedColumns result;
  result.numbers.reserve(weights.size());
  for (; !weights.empty(); weights = weights.drop_front(depth))
    result.scales.push_back(rounder.round(weights.take_front(depth), result.numbers));
  return result;
}
