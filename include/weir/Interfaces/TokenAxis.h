//===- TokenAxis.h - Where the tokens stand in a tensor -------------------===//
// The vocabulary of the token-flow analysis: an axis of tokens inside a dimension, the
// margins between which it slides, and sets of its rows.

#ifndef WEIR_INTERFACES_TOKENAXIS_H
#define WEIR_INTERFACES_TOKENAXIS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>
#include <string>
#include <tuple>

namespace weir {

/// A token axis inside dimension `dim` of a tensor. An index of that dimension reads
/// (outer, row, inner), where the rows are `lead` fixed rows (a class token, padding),
/// then `tokens` tokens, then `tail` fixed rows. One step brings `chunk` new tokens.
///
/// Example: x[2, 64, 8] of 64 tokens, then reshaped to [128, 2, 4] and transposed:
///   x                  {dim 1, inner 1, tokens 64}
///   reshape [128,2,4]  {dim 0, inner 1, tokens 64}     outer 2
///   transpose (1,0,2)  {dim 1, inner 1, tokens 64}     outer 2
///   reshape [2,512]    {dim 1, inner 4, tokens 64}     outer 2
struct TokenAxis {
  int64_t dim = 0;
  int64_t inner = 1;
  int64_t lead = 0;
  int64_t tokens = 0;
  int64_t tail = 0;
  int64_t chunk = 1;

  /// Rows in all, fixed ones included.
  int64_t numRows() const { return lead + tokens + tail; }
  /// Tokens that the first step brings: the last of them fills the window some steps
  /// later, so where the chunk does not divide the window some of the first are skipped.
  int64_t firstTokens() const { return tokens % chunk ? tokens % chunk : chunk; }
  /// Those that are skipped: the stream starts that many tokens before its first one.
  int64_t skippedTokens() const { return chunk - firstTokens(); }
  /// Is the row there from the first step on?
  bool isThereFirst(int64_t row) const {
    return !isToken(row) || row >= lead + tokens - firstTokens();
  }
  bool isToken(int64_t row) const { return row >= lead && row < lead + tokens; }
  /// The same axis in another dimension.
  TokenAxis inDim(int64_t other) const {
    TokenAxis axis = *this;
    axis.dim = other;
    return axis;
  }
  /// The same indices with each row of a token cut into `inner` tokens of one index:
  /// n tokens by c are n * inner tokens by c * inner, in the same slots.
  TokenAxis refined() const {
    return {dim, 1, lead * inner, tokens * inner, tail * inner, chunk * inner};
  }
  /// Repetitions of all rows in a dimension of `size`.
  int64_t numOuter(int64_t size) const { return size / (numRows() * inner); }
  std::string str() const;

  auto key() const { return std::make_tuple(dim, inner, lead, tokens, tail, chunk); }
  bool operator==(const TokenAxis &other) const { return key() == other.key(); }
  bool operator!=(const TokenAxis &other) const { return key() != other.key(); }
  bool operator<(const TokenAxis &other) const { return key() < other.key(); }
};

/// Of two axes in one dimension that are the same, or of which one refines the other:
/// the finer. None where they do not fit.
std::optional<TokenAxis> finerAxis(const TokenAxis &a, const TokenAxis &b);

/// A value slides with margins (l, r) along an axis when a step only moves its tokens by
/// the chunk, V'[j] = V[j + chunk], except its first `left` and last `right` tokens,
/// which are new, and the fixed rows.
struct Margins {
  int64_t left = 0;
  int64_t right = 0;
};

/// Of a value with two axes: in row i of the first axis only the rows [i - before,
/// i + after] of the second matter. Outside it scores are so low that softmax gives them
/// no weight, and weights are zero.
struct Band {
  enum class Outside {
    Lowest, ///< minus infinity
    Low,    ///< finite: as good as that while the row keeps one key inside
    Zero    ///< of weights
  };
  int64_t before = 0;
  int64_t after = 0;
  Outside outside = Outside::Lowest;

  /// The same band seen from the rows of the second axis.
  Band transposed() const { return {after, before, outside}; }
};

/// Rows of one axis: all of them in slot order, a list of window positions, or the one in
/// a slot that only the running step knows.
///
/// Slot order is the order in which rings hold the tokens: the token at window position
/// p (counted without the lead rows) stands in slot (p + (t + 1) * chunk) mod tokens at
/// step t. Fixed rows keep their places.
class Rows {
  auto key() const { return std::tie(isAllRows, isOneSlot, positions); }

public:
  static Rows all() { return Rows(); }
  static Rows list(llvm::ArrayRef<int64_t> positions) {
    Rows rows;
    rows.isAllRows = false;
    rows.positions.assign(positions.begin(), positions.end());
    return rows;
  }
  /// The positions [begin, end).
  static Rows range(int64_t begin, int64_t end);
  /// Those of the tokens that every step brings.
  static Rows newest(const TokenAxis &axis) {
    int64_t end = axis.lead + axis.tokens;
    return range(end - axis.chunk, end);
  }
  static Rows slot() {
    Rows rows = list({});
    rows.isOneSlot = true;
    return rows;
  }

  bool isAll() const { return isAllRows; }
  bool isSlot() const { return isOneSlot; }
  /// Of a list.
  llvm::ArrayRef<int64_t> getPositions() const { return positions; }
  /// How many rows of an axis with `numRows` these are.
  int64_t size(int64_t numRows) const {
    return isAllRows ? numRows : isOneSlot ? 1 : positions.size();
  }
  /// True for the list 0, 1, ..., numRows - 1.
  bool isWindowOrder(int64_t numRows) const;
  bool isSubsetOf(llvm::ArrayRef<int64_t> sorted) const;
  std::string str() const;

  bool operator==(const Rows &other) const { return key() == other.key(); }
  bool operator!=(const Rows &other) const { return !(*this == other); }
  bool operator<(const Rows &other) const { return key() < other.key(); }

private:
  bool isAllRows = true;
  bool isOneSlot = false;
  llvm::SmallVector<int64_t, 4> positions;
};

/// Rows of each token axis of a value, in the order of its axes.
using RowRegion = llvm::SmallVector<Rows, 2>;

/// The size of `axis.dim` of a tensor once it holds only `rows` of the axis.
int64_t restrictedSize(int64_t size, const TokenAxis &axis, const Rows &rows);
/// `shape` with every axis restricted to its rows.
llvm::SmallVector<int64_t> restrictedShape(llvm::ArrayRef<int64_t> shape,
                                           llvm::ArrayRef<TokenAxis> axes,
                                           llvm::ArrayRef<Rows> region);

} // namespace weir

#endif // WEIR_INTERFACES_TOKENAXIS_H
