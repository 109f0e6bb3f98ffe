//===- RelativeProducts.cpp - Products that depend on a distance ----------===//
// y_ij = sum over f of a_if b_jf, where a and b are linear forms: for each entry p of the
// values under a and q of those under b, y_ij holds K_pq(i, j) p_i q_j. Where every K is
// a function of the tokens' distance, y slides as p and q do.

#include "LinearForms.h"
#include <cmath>

using namespace mlir;
using namespace weir;

/// Half a unit in the last place of 1 in f32, in which models keep their tables, and in
/// which exporters compute angles: position times frequency is off by as much of itself.
static constexpr double tableRounding = 0x1p-24;

bool LinearForms::dependsOnDistance(const Kernel &kernel, const TokenAxis &rows,
                                    const TokenAxis &columns) {
  auto [found, isNew] = kernels.try_emplace({kernel, rows.inDim(0), columns.inDim(0)});
  if (isNew)
    found->second = computeDependsOnDistance(kernel, rows, columns);
  return found->second;
}

/// Compares every pair of positions with the first one of the same distance, so that what
/// drifts by little from one to the next is found.
bool LinearForms::computeDependsOnDistance(const Kernel &kernel, const TokenAxis &rows,
                                           const TokenAxis &keys) const {
  struct Part {
    const double *a, *b;
    double factor;
  };
  SmallVector<Part> parts;
  std::vector<double> ones(std::max(rows.numRows(), keys.numRows()), 1);
  auto largest = [](const double *column, int64_t size) {
    double result = 0;
    for (int64_t i = 0; i < size; ++i)
      result = std::max(result, std::abs(column[i]));
    return result;
  };
  double scale = 0;
  for (auto [a, b, factor] : kernel) {
    parts.push_back({(a ? columns[a].data() : ones.data()) + rows.lead,
                     (b ? columns[b].data() : ones.data()) + keys.lead, factor});
    scale += std::abs(factor) * largest(parts.back().a, rows.tokens) *
             largest(parts.back().b, keys.tokens);
  }
  // Two pairs of angles, each off by its position, and the rounding of sine and cosine.
  double bound = 4 * (std::max(rows.tokens, keys.tokens) + 4) * tableRounding * scale;
  auto at = [&](int64_t i, int64_t j) {
    double sum = 0;
    for (const Part &part : parts)
      sum += part.factor * part.a[i] * part.b[j];
    return sum;
  };
  for (int64_t i = 0; i < rows.tokens; ++i)
    for (int64_t j = 0; j < keys.tokens; ++j) {
      if (i >= rows.chunk && j >= keys.chunk)
        break; // a later pair
      double first = at(i, j);
      for (int64_t m = i, n = j; m < rows.tokens && n < keys.tokens;
           m += rows.chunk, n += keys.chunk)
        if (!(std::abs(at(m, n) - first) <= bound))
          return false;
    }
  return true;
}

/// For each entry of a[.., m, f] b[.., f, n], the pairs of entries whose products it
/// sums.
static std::vector<SmallVector<std::pair<int64_t, int64_t>>>
pairEntries(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  size_t rank = std::max(a.size(), b.size());
  int64_t numRows = a[a.size() - 2], numKeys = b.back(), depth = a.back();
  auto sizeAt = [&](ArrayRef<int64_t> shape, size_t dim) {
    return dim + shape.size() < rank ? 1 : shape[dim + shape.size() - rank];
  };
  // Offsets of the matrices, a batch entry each.
  SmallVector<std::pair<int64_t, int64_t>> batches = {{0, 0}};
  for (size_t dim = 0; dim + 2 < rank; ++dim) {
    int64_t inA = sizeAt(a, dim), inB = sizeAt(b, dim);
    SmallVector<std::pair<int64_t, int64_t>> outer = std::move(batches);
    batches.clear();
    for (auto [x, y] : outer)
      for (int64_t i = 0; i < std::max(inA, inB); ++i)
        batches.push_back({x * inA + (inA == 1 ? 0 : i), y * inB + (inB == 1 ? 0 : i)});
  }
  std::vector<SmallVector<std::pair<int64_t, int64_t>>> entries;
  for (auto [x, y] : batches)
    for (int64_t m = 0; m < numRows; ++m)
      for (int64_t n = 0; n < numKeys; ++n) {
        auto &pairs = entries.emplace_back();
        for (int64_t f = 0; f < depth; ++f)
          pairs.push_back({(x * numRows + m) * depth + f, (y * depth + f) * numKeys + n});
      }
  return entries;
}

std::optional<SmallVector<Margins, 2>>
LinearForms::productMargins(Operation *op, const FlowTransfer &transfer) {
  if (!transfer.isMatrixProduct || transfer.isWhole || transfer.axes.size() != 2)
    return std::nullopt;
  const Form *forms[2];
  const AxisUse *uses[2];
  SmallVector<int64_t> shapes[2];
  for (unsigned side : {0, 1}) {
    uses[side] = rowUse(op->getOperand(side), transfer.uses[side]);
    forms[side] = uses[side] ? get(op->getOperand(side), 0) : nullptr;
    if (!forms[side])
      return std::nullopt;
    shapes[side] = rowShape(op->getOperand(side), uses[side]->axis);
  }
  unsigned row = uses[0]->map.getResultAxis(), key = uses[1]->map.getResultAxis();
  if (row == key)
    return std::nullopt;
  // Sums over the contracted dimension, entry by entry of a result of one pair of tokens.
  using Pair = std::tuple<unsigned, int64_t, unsigned, int64_t>;
  for (auto &entry : pairEntries(shapes[0], shapes[1])) {
    std::map<Pair, std::map<std::pair<unsigned, unsigned>, double>> sums;
    for (auto [a, b] : entry)
      for (const Term &left : forms[0]->entries[a])
        for (const Term &right : forms[1]->entries[b])
          sums[{left.base, left.entry, right.base, right.entry}]
              [{left.column, right.column}] += left.factor * right.factor;
    for (auto &[pair, sum] : sums) {
      Kernel kernel;
      for (auto [columns, factor] : sum)
        if (factor != 0)
          kernel.push_back({columns.first, columns.second, factor});
      if (!dependsOnDistance(kernel, uses[0]->axis, uses[1]->axis))
        return std::nullopt;
    }
  }
  SmallVector<Margins, 2> margins(2);
  margins[row] = forms[0]->margins;
  margins[key] = forms[1]->margins;
  return margins;
}
