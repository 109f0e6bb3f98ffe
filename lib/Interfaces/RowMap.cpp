//===- RowMap.cpp - How result rows depend on operand rows ----------------===//
// The same map answers two questions: which operand rows a demand needs, and between
// which margins the result slides if the operand does.

#include "weir/Interfaces/TokenFlow.h"
#include "llvm/ADT/STLExtras.h"
#include <set>

using namespace weir;

RowMap RowMap::offset(unsigned resultAxis, int64_t offset) {
  RowMap map(Kind::Offset, resultAxis);
  map.amount = offset;
  return map;
}

RowMap RowMap::group(unsigned resultAxis, int64_t factor) {
  RowMap map(Kind::Group, resultAxis);
  map.amount = factor;
  return map;
}

RowMap RowMap::window(unsigned resultAxis, WindowShape shape) {
  RowMap map(Kind::Window, resultAxis);
  map.windowShape = shape;
  return map;
}

RowMap RowMap::all(std::optional<QueryBand> band) {
  RowMap map(Kind::All);
  map.queryBand = band;
  return map;
}

RowMap RowMap::normalize(unsigned resultAxis, std::optional<QueryBand> band) {
  RowMap map(Kind::Normalize, resultAxis);
  map.queryBand = band;
  return map;
}

RowMap RowMap::pick(llvm::ArrayRef<int64_t> rows) {
  RowMap map(Kind::Pick);
  map.picked.assign(rows.begin(), rows.end());
  return map;
}

std::optional<unsigned> RowMap::constrainedAxis() const {
  switch (kind) {
  case Kind::All:
  case Kind::Normalize:
    return queryBand ? std::optional<unsigned>(queryBand->query) : std::nullopt;
  case Kind::Pick:
    return std::nullopt;
  default:
    return resultAxis;
  }
}

RowMap RowMap::withAxisAdded(unsigned added) const {
  RowMap map = *this;
  map.resultAxis += map.resultAxis >= added;
  if (map.queryBand)
    map.queryBand->query += map.queryBand->query >= added;
  return map;
}

/// Rows that padded windows at `rows` read, without the padding. Between the windows of
/// neighbouring rows nothing is left out, so that each run of rows reads one range.
Rows RowMap::windowRows(const TokenAxis &axis, llvm::ArrayRef<int64_t> rows) const {
  std::set<int64_t> needed;
  for (size_t i = 0; i < rows.size();) {
    size_t j = i + 1;
    while (j < rows.size() && rows[j] == rows[j - 1] + 1)
      ++j;
    int64_t first = std::max<int64_t>(0, windowShape.firstRow(rows[i]));
    int64_t last = std::min(axis.numRows() - 1, windowShape.lastRow(rows[j - 1]));
    for (int64_t row = first; row <= last; ++row)
      needed.insert(row);
    i = j;
  }
  return Rows::list(llvm::SmallVector<int64_t>(needed.begin(), needed.end()));
}

/// Keys inside the band of the demanded queries; all where that saves nothing.
Rows RowMap::bandRows(const TokenAxis &axis, llvm::ArrayRef<TokenAxis> resultAxes,
                      llvm::ArrayRef<Rows> resultRegion) const {
  if (!queryBand || resultRegion[queryBand->query].isAll() ||
      resultRegion[queryBand->query].isSlot())
    return Rows::all();
  std::set<int64_t> needed;
  for (int64_t row : resultRegion[queryBand->query].getPositions())
    for (int64_t key = std::max<int64_t>(0, row - queryBand->band.before),
                 end = std::min(axis.numRows() - 1, row + queryBand->band.after);
         key <= end; ++key)
      needed.insert(key);
  if (needed.empty() || static_cast<int64_t>(needed.size()) == axis.numRows())
    return Rows::all();
  return Rows::list(llvm::SmallVector<int64_t>(needed.begin(), needed.end()));
}

/// Positions that `rows` stand for; all rows in window order where they are all.
static llvm::SmallVector<int64_t> positionsOf(const Rows &rows, const TokenAxis &axis) {
  if (!rows.isAll())
    return llvm::SmallVector<int64_t>(rows.getPositions());
  return llvm::to_vector(llvm::seq<int64_t>(0, axis.numRows()));
}

Rows RowMap::operandRows(const TokenAxis &axis, llvm::ArrayRef<TokenAxis> resultAxes,
                         llvm::ArrayRef<Rows> resultRegion) const {
  switch (kind) {
  case Kind::Same:
    return resultRegion[resultAxis];
  case Kind::All:
    return bandRows(axis, resultAxes, resultRegion);
  case Kind::Pick:
    return Rows::list(picked);
  case Kind::Normalize: {
    // Rows outside the band weigh nothing, so any superset of it will do.
    const Rows &asked = resultRegion[resultAxis];
    Rows band = bandRows(axis, resultAxes, resultRegion);
    if (!band.isAll() && !asked.isAll() && band.isSubsetOf(asked.getPositions()))
      return asked;
    return Rows::all();
  }
  default:
    break;
  }
  const TokenAxis &result = resultAxes[resultAxis];
  const Rows &asked = resultRegion[resultAxis];
  if (kind == Kind::Offset && asked.isAll() && result.tokens == axis.tokens)
    return Rows::all();
  llvm::SmallVector<int64_t> rows = positionsOf(asked, result);
  if (kind == Kind::Window)
    return windowRows(axis, rows);
  llvm::SmallVector<int64_t> needed;
  for (int64_t row : rows) {
    if (kind == Kind::Group)
      llvm::append_range(needed, llvm::seq(row * amount, (row + 1) * amount));
    else if (row + amount >= 0 && row + amount < axis.numRows())
      needed.push_back(row + amount);
  }
  return Rows::list(needed);
}

/// Result windows that read clean rows only, and no padding, move with the tokens.
std::optional<Margins> RowMap::carryWindow(const TokenAxis &axis, Margins margins,
                                           const TokenAxis &result) const {
  int64_t first = -1, last = -1;
  for (int64_t row = 0; row < result.tokens; ++row)
    if (windowShape.firstRow(row) >= margins.left &&
        windowShape.lastRow(row) < axis.tokens - margins.right) {
      first = first < 0 ? row : first;
      last = row;
    }
  if (first < 0)
    return std::nullopt;
  return Margins{first, std::max(result.chunk, result.tokens - 1 - last)};
}

std::optional<Margins> RowMap::carry(const TokenAxis &axis, Margins margins,
                                     llvm::ArrayRef<TokenAxis> resultAxes) const {
  switch (kind) {
  case Kind::Same:
    return margins;
  case Kind::Offset: {
    const TokenAxis &result = resultAxes[resultAxis];
    // Tokens cut off in front and at the back.
    int64_t front = std::max<int64_t>(0, amount - axis.lead);
    int64_t back = axis.tokens - front - result.tokens;
    return Margins{std::max<int64_t>(0, margins.left - front),
                   std::max(result.chunk, margins.right - back)};
  }
  case Kind::Group:
    if (margins.left % amount != 0 || margins.right % amount != 0)
      return std::nullopt;
    return Margins{margins.left / amount, margins.right / amount};
  case Kind::Window:
    return carryWindow(axis, margins, resultAxes[resultAxis]);
  case Kind::All:
  case Kind::Normalize:
    if (!queryBand)
      return std::nullopt;
    return Margins{margins.left + queryBand->band.before,
                   margins.right + queryBand->band.after};
  case Kind::Pick:
    return std::nullopt;
  }
  return std::nullopt;
}
