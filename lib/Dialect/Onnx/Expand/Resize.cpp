//===- Resize.cpp - Interpolations that other operators spell out ---------===//
// Along each dimension the result is a product with a constant matrix: how much of each
// entry goes into each new one. Nearest entries are gathered.

#include "Expansion.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

namespace {
/// How one dimension changes.
struct Scaling {
  int64_t from, to;
  double scale;
};

/// The attributes of an interpolation.
struct Interpolation {
  StringRef mode, coordinates, nearest;
  double cubic;
  bool excludesOutside;

  double position(int64_t at, const Scaling &s) const;
  int64_t nearestEntry(double position) const;
  SmallVector<std::pair<int64_t, double>> weights(double position, int64_t size) const;
};
} // namespace

/// Where new entry `at` lies among the old ones.
double Interpolation::position(int64_t at, const Scaling &s) const {
  double centre = (at + 0.5) / s.scale - 0.5;
  if (coordinates == "asymmetric")
    return at / s.scale;
  if (coordinates == "align_corners")
    return s.to == 1 ? 0 : double(at) * double(s.from - 1) / double(s.to - 1);
  if (coordinates == "pytorch_half_pixel")
    return s.to == 1 ? 0 : centre;
  if (coordinates == "tf_half_pixel_for_nn")
    return (at + 0.5) / s.scale;
  if (coordinates == "half_pixel_symmetric")
    return s.from / 2.0 * (1 - s.to / (s.scale * s.from)) + centre;
  return centre;
}

int64_t Interpolation::nearestEntry(double position) const {
  if (nearest == "floor")
    return static_cast<int64_t>(std::floor(position));
  if (nearest == "ceil")
    return static_cast<int64_t>(std::ceil(position));
  if (nearest == "round_prefer_ceil")
    return static_cast<int64_t>(std::floor(position + 0.5));
  return static_cast<int64_t>(std::ceil(position - 0.5));
}

/// What each old entry gives to a new one at `position`; entries outside are those at the
/// edge, or nothing. Cubic: Keys 1981, equation (4).
SmallVector<std::pair<int64_t, double>> Interpolation::weights(double position,
                                                               int64_t size) const {
  auto first = static_cast<int64_t>(std::floor(position));
  double t = position - static_cast<double>(first), a = cubic;
  SmallVector<std::pair<int64_t, double>> given = {{first, 1 - t}, {first + 1, t}};
  if (mode == "cubic") {
    auto near = [&](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
    auto far = [&](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
    given = {{first - 1, far(1 + t)},
             {first, near(t)},
             {first + 1, near(1 - t)},
             {first + 2, far(2 - t)}};
  }
  double sum = 0;
  for (auto &[entry, weight] : given) {
    if (excludesOutside && (entry < 0 || entry >= size))
      weight = 0;
    sum += weight;
    entry = std::clamp<int64_t>(entry, 0, size - 1);
  }
  for (auto &[entry, weight] : given)
    weight = sum == 0 ? 0 : weight / sum;
  return given;
}

/// `value` with one dimension interpolated.
static Value resizeDim(Expansion &x, Value value, int64_t dim, const Scaling &s,
                       const Interpolation &how) {
  if (how.mode == "nearest") {
    Shape indices;
    for (int64_t at = 0; at < s.to; ++at)
      indices.push_back(
          std::clamp<int64_t>(how.nearestEntry(how.position(at, s)), 0, s.from - 1));
    return x.make<GatherOp>(value, x.ints(indices), dim);
  }
  std::vector<double> matrix(s.from * s.to, 0);
  for (int64_t at = 0; at < s.to; ++at)
    for (auto [entry, weight] : how.weights(how.position(at, s), s.from))
      matrix[entry * s.to + at] += weight;
  int64_t rank = getStaticShape(value)->size();
  Shape perm = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  std::swap(perm[dim], perm.back());
  Value product =
      x.matMul(x.transpose(value, perm), x.numbers(matrix, {s.from, s.to}, x.element()));
  return product ? x.transpose(product, perm) : product;
}

static bool isGiven(Expansion &x, unsigned operand) {
  return x.has(operand) && *countElements(x.shape(operand)) > 0;
}

/// One scaling a dimension.
static FailureOr<SmallVector<Scaling>> scalingsOf(Expansion &x, unsigned scales,
                                                  unsigned sizes) {
  Shape shape(x.shape(0));
  SmallVector<Scaling> all;
  for (int64_t size : shape)
    all.push_back({size, size, 1});
  std::optional<HostTensor> tensor;
  std::optional<std::vector<double>> numbers;
  bool bySize = isGiven(x, sizes);
  if (bySize || isGiven(x, scales))
    tensor = x.constantOf(bySize ? sizes : scales);
  if (tensor)
    numbers = tensor->getFloats();
  else if (std::optional<SmallVector<double>> stated = x.getFloatArray("scales"))
    numbers = std::vector<double>(stated->begin(), stated->end());
  Shape axes = x.getIntArray("axes").value_or(
      llvm::to_vector(llvm::seq<int64_t>(0, shape.size())));
  std::optional<Shape> dims = normalizeAxes(axes, shape.size());
  if (!numbers || !dims || numbers->size() != dims->size())
    return x.refuse("its sizes are no constants, one a dimension");
  for (auto [dim, number] : llvm::zip_equal(*dims, *numbers)) {
    Scaling &s = all[dim];
    double size = bySize ? number : std::floor(s.from * number);
    if (!(size >= 1) || size > (1 << 24) || s.from == 0)
      return x.refuse("cannot make {0} entries of {1}", size, s.from);
    s.to = static_cast<int64_t>(size);
    s.scale = bySize ? size / static_cast<double>(s.from) : number;
  }
  return all;
}

static Results resize(Expansion &x, ArrayRef<Scaling> scalings,
                      const Interpolation &how) {
  if (how.mode != "nearest" && !isa<FloatType>(x.element()))
    return x.refuse("interpolates numbers that are no floats");
  Value value = x[0];
  for (auto [dim, s] : llvm::enumerate(scalings)) {
    if (s.from == s.to && s.scale == 1)
      continue;
    if (s.from > (int64_t(1) << 26) / s.to)
      return x.refuse("makes {0} entries of {1}, a matrix that is too large", s.to,
                      s.from);
    value = resizeDim(x, value, dim, s, how);
    if (!value)
      return failure();
  }
  return one(value);
}

/// (X, roi?, scales?, sizes?); opset 10: (X, scales)
static Results expandResize(Expansion &x) {
  bool isOld = !x.has(2) && !x.has(3);
  Interpolation how{
      x.getString("mode", "nearest"),
      x.getString("coordinate_transformation_mode", isOld ? "asymmetric" : "half_pixel"),
      x.getString("nearest_mode", isOld ? "floor" : "round_prefer_floor"),
      x.getFloat("cubic_coeff_a", -0.75), x.getInt("exclude_outside", 0) != 0};
  FailureOr<SmallVector<Scaling>> scalings =
      isOld ? scalingsOf(x, 1, 3) : scalingsOf(x, 2, 3);
  if (failed(scalings))
    return failure();
  bool shrinks = llvm::any_of(*scalings, [](const Scaling &s) { return s.scale < 1; });
  if (how.coordinates == "tf_crop_and_resize" || (x.getInt("antialias", 0) && shrinks) ||
      x.getString("keep_aspect_ratio_policy", "stretch") != "stretch")
    return x.refuse("crops, smooths or keeps an aspect ratio, which Weir does not");
  return resize(x, *scalings, how);
}

/// (X, scales)
static Results expandUpsample(Expansion &x) {
  FailureOr<SmallVector<Scaling>> scalings = scalingsOf(x, 1, 2);
  if (failed(scalings))
    return failure();
  return resize(x, *scalings,
                {x.getString("mode", "nearest"), "asymmetric", "floor", -0.75, false});
}

ArrayRef<ExpandedOperator> weir::onnx::expandedResizes() {
  static const ExpandedOperator rows[] = {
      {"", "Resize", 1, 4, 1, expandResize},
      {"", "Upsample", 1, 2, 1, expandUpsample},
  };
  return rows;
}
