//===- Panels.cpp - Lay keys and values out as a product reads them -------===//
// Keys [n, d]  ==>  [n / 16, d, 16]: a product with queries streams through memory, and
// its sums run along the keys. Values [n, d]  ==>  [d / 16, n, 16] for the same reason;
// as a projection left them, the rows of a head lie a whole row of all heads apart. It
// costs as much as one query does.

#include "Attention.h"

using namespace mlir;
using namespace weir;
using namespace weir::attention;

static Value copyBody(OpBuilder &, Location, ValueRange in) { return in[0]; }

Value attention::packColumns(Ops &ops, const Matrix &matrix) {
  int64_t rows = matrix.numRows(), columns = matrix.numColumns();
  int64_t whole = columns / panel, rest = columns % panel;
  Value panels = ops.empty({countPanels(columns), rows, panel});
  AffineExpr j = ops.dim(0), row = ops.dim(1), lane = ops.dim(2);
  auto part = [&](int64_t first, int64_t count) {
    SmallVector<int64_t> offsets = {0, first}, sizes = {rows, count};
    if (matrix.isSwapped) {
      std::swap(offsets[0], offsets[1]);
      std::swap(sizes[0], sizes[1]);
    }
    return Matrix{ops.slice(matrix.tensor, offsets, sizes), matrix.isSwapped};
  };
  auto copy = [&](const Matrix &from, Value into) {
    return ops.generic(
        from.tensor,
        {ops.map(3, from, row, j * panel + lane), ops.map(3, {j, row, lane})}, into,
        {false, false, false}, copyBody);
  };
  if (rest == 0)
    return copy(matrix, panels);
  if (whole > 0) {
    Value into = ops.slice(panels, {0, 0, 0}, {whole, rows, panel});
    panels = ops.insert(copy(part(0, whole * panel), into), panels, {0, 0, 0});
  }
  Value last = ops.fill(ops.slice(panels, {whole, 0, 0}, {1, rows, panel}), 0);
  Value into = ops.slice(last, {0, 0, 0}, {1, rows, rest});
  last = ops.insert(copy(part(whole * panel, rest), into), last, {0, 0, 0});
  return ops.insert(last, panels, {whole, 0, 0});
}

Value attention::packRows(Ops &ops, const Matrix &matrix) {
  return packColumns(ops, {matrix.tensor, !matrix.isSwapped});
}
