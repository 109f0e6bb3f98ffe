//===- TokenAxis.cpp - Where the tokens stand in a tensor -----------------===//

#include "weir/Interfaces/TokenAxis.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <numeric>

using namespace weir;

std::optional<TokenAxis> weir::finerAxis(const TokenAxis &a, const TokenAxis &b) {
  if (a == b || a == b.refined())
    return a;
  return b == a.refined() ? std::optional(b) : std::nullopt;
}

std::string TokenAxis::str() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << tokens << " tokens in dim " << dim;
  if (inner != 1)
    os << " inner " << inner;
  if (lead)
    os << " after " << lead << " fixed";
  if (tail)
    os << " before " << tail << " fixed";
  if (chunk != 1)
    os << " by " << chunk;
  return text;
}

Rows Rows::range(int64_t begin, int64_t end) {
  llvm::SmallVector<int64_t> positions(std::max<int64_t>(0, end - begin));
  std::iota(positions.begin(), positions.end(), begin);
  return list(positions);
}

bool Rows::isWindowOrder(int64_t numRows) const {
  if (isAllRows || static_cast<int64_t>(positions.size()) != numRows)
    return false;
  for (auto [index, position] : llvm::enumerate(positions))
    if (static_cast<int64_t>(index) != position)
      return false;
  return true;
}

bool Rows::isSubsetOf(llvm::ArrayRef<int64_t> sorted) const {
  return !isAllRows && !isOneSlot && llvm::all_of(positions, [&](int64_t position) {
    return std::binary_search(sorted.begin(), sorted.end(), position);
  });
}

std::string Rows::str() const {
  if (isAllRows)
    return "all";
  if (isOneSlot)
    return "one slot";
  std::string text;
  llvm::raw_string_ostream os(text);
  bool isRange = positions.size() > 2 &&
                 positions.back() - positions.front() + 1 ==
                     static_cast<int64_t>(positions.size()) &&
                 llvm::is_sorted(positions);
  if (isRange)
    os << positions.front() << ".." << positions.back();
  else
    llvm::interleaveComma(positions, os);
  return text;
}

int64_t weir::restrictedSize(int64_t size, const TokenAxis &axis, const Rows &rows) {
  return size / axis.numRows() * rows.size(axis.numRows());
}

llvm::SmallVector<int64_t> weir::restrictedShape(llvm::ArrayRef<int64_t> shape,
                                                 llvm::ArrayRef<TokenAxis> axes,
                                                 llvm::ArrayRef<Rows> region) {
  llvm::SmallVector<int64_t> result(shape);
  for (auto [axis, rows] : llvm::zip_equal(axes, region))
    result[axis.dim] = restrictedSize(result[axis.dim], axis, rows);
  return result;
}
