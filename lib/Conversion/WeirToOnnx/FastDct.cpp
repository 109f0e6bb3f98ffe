//===- FastDct.cpp - A transform in two short stages ----------------------===//

#include "FastDct.h"
#include "weir/Support/HostTensor.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// Multiplications of the direct product that take as long as one of the two stages,
/// which are shorter: measured, see docs/dct.md.
static constexpr double directPerStaged = 2;

FastDct::FastDct(int64_t tokens, int64_t kept, int64_t n1)
    : tokens(tokens), kept(kept), n1(n1), n2(tokens / n1) {
  frequencies.resize(std::min(n1 + 1, kept));
  for (int64_t k = 0; k < kept; ++k) {
    int64_t r = k % (2 * n1);
    auto &alike = frequencies[std::min(r, 2 * n1 - r)];
    alike.push_back(k);
    perResidue = std::max<int64_t>(perResidue, alike.size());
  }
}

double FastDct::getCost() const { return directPerStaged * countMacs(); }

std::optional<FastDct> FastDct::get(int64_t tokens, int64_t kept) {
  std::optional<FastDct> best;
  for (int64_t n1 = 2; n1 * 2 <= tokens; ++n1)
    if (tokens % n1 == 0) {
      FastDct split(tokens, kept, n1);
      if (!best || split.countMacs() < best->countMacs())
        best = split;
    }
  if (!best || best->getCost() >= tokens * kept)
    return std::nullopt;
  return best;
}

/// (cos, sin)(pi p / q), p reduced while it is an integer.
static std::pair<double, double> turn(int64_t p, int64_t q) {
  double angle = llvm::numbers::pi * static_cast<double>(p % (2 * q)) / q;
  return {std::cos(angle), std::sin(angle)};
}

/// [residues, 2, n1]: the cosine and the sine of pi a r / n1.
std::vector<double> FastDct::makeSums() const {
  std::vector<double> table;
  for (int64_t r = 0; r < numResidues(); ++r) {
    for (int64_t a = 0; a < n1; ++a)
      table.push_back(turn(a * r, n1).first);
    for (int64_t a = 0; a < n1; ++a)
      table.push_back(turn(a * r, n1).second);
  }
  return table;
}

/// [residues, perResidue, 2, n2]: what frequency k takes of the sums, 0 where a residue
/// has fewer frequencies.
std::vector<double> FastDct::makeTurns(double scale) const {
  std::vector<double> table(numResidues() * perResidue * 2 * n2);
  double *at = table.data();
  for (const auto &alike : frequencies) {
    for (auto [place, k] : llvm::enumerate(alike)) {
      double norm = scale * std::sqrt((k == 0 ? 1.0 : 2.0) / tokens);
      double sign = k % (2 * n1) > n1 ? 1 : -1; // of the sine that is conjugate, or not
      for (int64_t b = 0; b < n2; ++b) {
        auto [cosine, sine] = turn((2 * b + 1) * k, 2 * tokens);
        at[place * 2 * n2 + b] = norm * cosine;
        at[place * 2 * n2 + n2 + b] = norm * sign * sine;
      }
    }
    at += perResidue * 2 * n2;
  }
  return table;
}

/// [a, b] or batches of it, the last two dimensions swapped.
static std::vector<double> transposeLast(ArrayRef<double> table, int64_t a, int64_t b) {
  std::vector<double> swapped(table.size());
  for (int64_t first = 0, end = table.size(); first < end; first += a * b)
    for (int64_t i = 0; i < a; ++i)
      for (int64_t j = 0; j < b; ++j)
        swapped[first + j * a + i] = table[first + i * b + j];
  return swapped;
}

static Value makeTable(OnnxBuilder &make, ArrayRef<double> entries,
                       ArrayRef<int64_t> shape, Type element) {
  auto type = RankedTensorType::get(shape, element);
  return make.constant(HostTensor::fromFloats(type, entries).toAttr("dct"));
}

/// The last two dimensions of `value` as `shape`.
static Value reshapeLast(OnnxBuilder &make, Value value, size_t count,
                         ArrayRef<int64_t> shape) {
  Shape whole(*getStaticShape(value));
  whole.pop_back_n(count);
  whole.append(shape.begin(), shape.end());
  return make.reshape(value, whole);
}

Value FastDct::transform(OnnxBuilder &make, Value x, double scale) const {
  Type element = getElementType(x);
  int64_t features = getStaticShape(x)->back(), residues = numResidues();
  Value sums = makeTable(make, makeSums(), {residues * 2, n1}, element);
  Value turns =
      makeTable(make, makeTurns(scale), {residues, perResidue, 2 * n2}, element);
  Value value = make.matMul(sums, reshapeLast(make, x, 2, {n1, n2 * features}));
  value = make.matMul(turns, reshapeLast(make, value, 2, {residues, 2 * n2, features}));
  value = reshapeLast(make, value, 3, {residues * perResidue, features});
  SmallVector<int64_t> places(kept);
  for (auto [r, alike] : llvm::enumerate(frequencies))
    for (auto [place, k] : llvm::enumerate(alike))
      places[k] = r * perResidue + place;
  return make.make<GatherOp>(value, make.ints(places),
                             static_cast<int64_t>(getStaticShape(value)->size() - 2));
}

Value FastDct::invert(OnnxBuilder &make, Value x, double scale) const {
  Type element = getElementType(x);
  int64_t features = getStaticShape(x)->back(), residues = numResidues();
  SmallVector<int64_t> places;
  for (const auto &alike : frequencies) {
    places.append(alike.begin(), alike.end());
    places.append(perResidue - alike.size(), 0); // which meets a row of zeros
  }
  Value value = make.make<GatherOp>(x, make.ints(places),
                                    static_cast<int64_t>(getStaticShape(x)->size() - 2));
  Value turns = makeTable(make, transposeLast(makeTurns(scale), perResidue, 2 * n2),
                          {residues, 2 * n2, perResidue}, element);
  Value sums = makeTable(make, transposeLast(makeSums(), residues * 2, n1),
                         {n1, residues * 2}, element);
  value =
      make.matMul(turns, reshapeLast(make, value, 2, {residues, perResidue, features}));
  value = make.matMul(sums, reshapeLast(make, value, 3, {residues * 2, n2 * features}));
  return reshapeLast(make, value, 2, {tokens, features});
}
