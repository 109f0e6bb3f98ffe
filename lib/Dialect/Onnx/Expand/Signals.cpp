//===- Signals.cpp - Spectra that other operators spell out ---------------===//
// A Fourier transform is a product with a constant matrix of cosines and sines; one of
// each frame of a signal is a convolution with its columns, which slides as tokens do.

#include "Expansion.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// More cosines and sines than these are not written out.
static constexpr int64_t mostFactors = int64_t(1) << 24;

/// The number that a constant operand holds.
static std::optional<double> numberOf(Expansion &x, unsigned operand) {
  std::optional<HostTensor> tensor = x.constantOf(operand);
  if (!tensor || tensor->getNumElements() != 1)
    return std::nullopt;
  return tensor->getFloat(0);
}

static std::optional<int64_t> countOf(Expansion &x, unsigned operand) {
  std::optional<double> number = numberOf(x, operand);
  if (!number || *number < 1 || *number > mostFactors)
    return std::nullopt;
  return static_cast<int64_t>(*number);
}

static LogicalResult refuseVariable(Expansion &x, StringRef what) {
  return x.refuse("its {0} is no constant of a bearable size", what);
}

/// The angle of frequency `k` at time `t` of `n`; exact in its period.
static double angleOf(int64_t k, int64_t t, int64_t n) {
  return 2 * M_PI * static_cast<double>((k * t) % n) / static_cast<double>(n);
}

//===----------------------------------------------------------------------===//
// Transforms
//===----------------------------------------------------------------------===//

/// The matrix [n * parts, bins * 2] that takes real and imaginary parts to such.
static std::vector<double> fourierMatrix(int64_t n, int64_t parts, int64_t bins,
                                         bool isInverse) {
  std::vector<double> matrix(n * parts * bins * 2);
  double sign = isInverse ? 1 : -1, scale = isInverse ? 1.0 / n : 1;
  for (int64_t t = 0; t < n; ++t)
    for (int64_t k = 0; k < bins; ++k) {
      double angle = angleOf(k, t, n);
      double re = scale * std::cos(angle), im = scale * sign * std::sin(angle);
      double *row = &matrix[(t * parts * bins + k) * 2];
      row[0] = re;
      row[1] = im;
      if (parts == 2) {
        row[bins * 2] = -im;
        row[bins * 2 + 1] = re;
      }
    }
  return matrix;
}

/// (input [..., 1 or 2], dft_length?, axis?)
static Results expandDft(Expansion &x) {
  Shape shape(x.shape(0));
  int64_t rank = shape.size(), stated = x.getInt("axis", -2);
  if (x.has(2)) {
    std::optional<double> axis = numberOf(x, 2);
    if (!axis)
      return refuseVariable(x, "axis");
    stated = static_cast<int64_t>(*axis);
  }
  std::optional<int64_t> axis = normalizeAxis(stated, rank);
  if (!axis || *axis == rank - 1 || (shape.back() != 1 && shape.back() != 2))
    return x.refuse("wants an axis before the last one, which holds 1 or 2 parts");
  std::optional<int64_t> n = x.has(1) ? countOf(x, 1) : shape[*axis];
  bool isOneSided = x.getInt("onesided", 0), isInverse = x.getInt("inverse", 0);
  if (isOneSided && (isInverse || shape.back() != 1))
    return x.refuse("wants one side of a spectrum that Weir transforms as a whole only");
  int64_t bins = n && isOneSided ? *n / 2 + 1 : n.value_or(0);
  if (!n || *n < 1 || *n > mostFactors / (4 * bins))
    return refuseVariable(x, "length");
  // [..., n, parts] with the axis before the parts.
  Shape perm = llvm::to_vector(llvm::seq<int64_t>(0, rank)), back(rank);
  perm.erase(perm.begin() + *axis);
  perm.insert(perm.end() - 1, *axis);
  for (auto [to, from] : llvm::enumerate(perm))
    back[from] = to;
  Value moved = x.transpose(x[0], perm);
  Shape rows(*getStaticShape(moved));
  if (rows[rank - 2] > *n) {
    moved = x.slice(moved, rank - 2, 0, *n);
  } else if (rows[rank - 2] < *n) {
    Shape missing(rows);
    missing[rank - 2] = *n - rows[rank - 2];
    Value zeros = x.make<ExpandOp>(x.zero(x.element()), x.ints(missing));
    moved = x.make<ConcatOp>(ValueRange{moved, zeros}, rank - 2);
  }
  int64_t parts = rows.back();
  rows.pop_back();
  rows.back() = *n * parts;
  Value matrix = x.numbers(fourierMatrix(*n, parts, bins, isInverse),
                           {*n * parts, bins * 2}, x.element());
  Value spectrum = x.matMul(x.reshape(moved, rows), matrix);
  rows.back() = bins;
  rows.push_back(2);
  return one(x.transpose(x.reshape(spectrum, rows), back));
}

/// (signal [B, length, 1], frame_step, window?, frame_length?)
static Results expandStft(Expansion &x) {
  Shape shape(x.shape(0));
  if (shape.size() == 2)
    shape.push_back(1);
  if (shape.size() != 3 || shape[2] != 1)
    return x.refuse("wants a real signal [batch, length, 1]");
  std::optional<int64_t> step = countOf(x, 1), n = shape[1];
  if (x.has(3))
    n = countOf(x, 3);
  std::vector<double> window;
  if (x.has(2)) {
    std::optional<HostTensor> tensor = x.constantOf(2);
    if (!tensor)
      return refuseVariable(x, "window");
    window = tensor->getFloats();
    n = x.has(3) ? n : std::optional<int64_t>(window.size());
  }
  if (!step || !n || *n < 1 || *n > shape[1] ||
      (x.has(2) && window.size() != static_cast<size_t>(*n)))
    return x.refuse("its frames are no constants that fit the signal");
  int64_t bins = x.getInt("onesided", 1) ? *n / 2 + 1 : *n;
  if (*n > mostFactors / (2 * bins))
    return refuseVariable(x, "length of a frame");
  std::vector<double> filters;
  for (bool isReal : {true, false})
    for (int64_t k = 0; k < bins; ++k)
      for (int64_t t = 0; t < *n; ++t) {
        double angle = angleOf(k, t, *n), factor = window.empty() ? 1 : window[t];
        filters.push_back(factor * (isReal ? std::cos(angle) : -std::sin(angle)));
      }
  OpBuilder attrs(x.element().getContext());
  Value y = x.make<ConvOp>(x.reshape(x[0], {shape[0], 1, shape[1]}),
                           x.numbers(filters, {2 * bins, 1, *n}, x.element()), x.none(),
                           "NOTSET", ArrayAttr(), int64_t(1), ArrayAttr(), ArrayAttr(),
                           attrs.getI64ArrayAttr({*step}));
  if (!y)
    return failure();
  int64_t frames = getStaticShape(y)->back();
  return one(x.transpose(x.reshape(y, {shape[0], 2, bins, frames}), {0, 3, 2, 1}));
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

static Type statedElement(Expansion &x) {
  auto stated = dyn_cast_or_null<TypeAttr>(x.getAttr("dtype"));
  return stated ? stated.getValue() : x.numberType();
}

/// sum_i a_i cos(i 2 pi t / n), n being the size or, for a symmetric window, one less.
static Results expandWindow(Expansion &x, ArrayRef<double> factors) {
  std::optional<int64_t> size = countOf(x, 0);
  if (!size)
    return refuseVariable(x, "size");
  double n = x.getInt("periodic", 1) ? *size : *size - 1;
  std::vector<double> values;
  for (int64_t t = 0; t < *size; ++t) {
    double value = 0;
    for (auto [i, factor] : llvm::enumerate(factors))
      value += factor * std::cos(2 * M_PI * i * t / std::max(n, 1.0));
    values.push_back(value);
  }
  return one(x.numbers(values, {*size}, statedElement(x)));
}
static Results expandHann(Expansion &x) { return expandWindow(x, {0.5, -0.5}); }
static Results expandHamming(Expansion &x) {
  return expandWindow(x, {25.0 / 46, -21.0 / 46});
}
static Results expandBlackman(Expansion &x) {
  return expandWindow(x, {0.42, -0.5, 0.08});
}

/// Triangles over the bins of a spectrum, at equal distances on the mel scale:
/// (num_mel_bins, dft_length, sample_rate, lower_edge_hertz, upper_edge_hertz)
static Results expandMelWeights(Expansion &x) {
  std::optional<int64_t> mels = countOf(x, 0), length = countOf(x, 1),
                         rate = countOf(x, 2);
  std::optional<double> low = numberOf(x, 3), high = numberOf(x, 4);
  if (!mels || !length || !rate || !low || !high || !(*low >= 0) || !(*high >= *low) ||
      *high > mostFactors || *mels > mostFactors / *length)
    return refuseVariable(x, "matrix");
  auto toMel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
  double step = (toMel(*high) - toMel(*low)) / (*mels + 2);
  int64_t bins = *length / 2 + 1;
  auto binOf = [&](int64_t i) {
    double hertz = 700 * (std::pow(10, (i * step + toMel(*low)) / 2595) - 1);
    return static_cast<int64_t>(std::floor((*length + 1) * hertz / *rate));
  };
  if (binOf(*mels + 1) > bins)
    return x.refuse("reaches above half of the sample rate");
  std::vector<double> weights(bins * *mels, 0);
  for (int64_t i = 0; i < *mels; ++i) {
    int64_t lower = binOf(i), centre = binOf(i + 1), higher = binOf(i + 2);
    for (int64_t j = lower; j <= centre && j < bins; ++j)
      weights[j * *mels + i] =
          centre == lower ? 1 : double(j - lower) / double(centre - lower);
    for (int64_t j = centre; j < higher; ++j)
      weights[j * *mels + i] = double(higher - j) / double(higher - centre);
  }
  return one(x.numbers(weights, {bins, *mels}, statedElement(x)));
}

ArrayRef<ExpandedOperator> weir::onnx::expandedSignals() {
  static const ExpandedOperator rows[] = {
      {"", "BlackmanWindow", 1, 1, 1, expandBlackman, {aNumber}},
      {"", "DFT", 1, 3, 1, expandDft},
      {"", "HammingWindow", 1, 1, 1, expandHamming, {aNumber}},
      {"", "HannWindow", 1, 1, 1, expandHann, {aNumber}},
      {"", "MelWeightMatrix", 5, 5, 1, expandMelWeights, {aNumber}},
      {"", "STFT", 2, 4, 1, expandStft},
  };
  return rows;
}
