//===- SelectOutputRows.cpp - Return only the wanted rows of outputs ------===//
// return %y : [1, 64, 8]  ==>  return weir.select_rows %y : [1, 1, 8]
// What nobody wants, nobody computes: everything else follows from demand.

#include "weir/Analysis/TokenFlow.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Transforms/MakeContinual.h"

using namespace mlir;
using namespace weir;

/// Positions for `rows`, empty for all; none when it cannot be read.
static std::optional<SmallVector<int64_t>> parseRows(StringRef rows) {
  if (rows == "all")
    return SmallVector<int64_t>();
  if (rows == "last")
    return SmallVector<int64_t>{-1};
  if (rows == "first")
    return SmallVector<int64_t>{0};
  int64_t position;
  if (rows.getAsInteger(10, position))
    return std::nullopt;
  return SmallVector<int64_t>{position};
}

/// `value` restricted to `rows` of every axis; null, with an error, when one is missing.
static Value restrictRows(func::FuncOp window, OpBuilder &builder, Value value,
                          ArrayRef<TokenAxis> axes, ArrayRef<int64_t> rows) {
  for (const TokenAxis &axis : axes) {
    SmallVector<int64_t> positions;
    for (int64_t row : rows) {
      if (row >= axis.numRows() || row < -axis.numRows()) {
        window.emitError() << "row " << row << " is outside an output of "
                           << axis.numRows() << " rows";
        return nullptr;
      }
      positions.push_back(row < 0 ? row + axis.numRows() : row);
    }
    auto type = cast<RankedTensorType>(value.getType());
    SmallVector<int64_t> shape(type.getShape());
    shape[axis.dim] = restrictedSize(shape[axis.dim], axis, Rows::list(positions));
    value = SelectRowsOp::create(builder, value.getLoc(), type.clone(shape), value,
                                 axis.dim, axis.inner, axis.numRows(), positions);
  }
  return value;
}

LogicalResult weir::selectOutputRows(func::FuncOp window, const ArgumentAxes &axes,
                                     StringRef rows) {
  std::optional<SmallVector<int64_t>> positions = parseRows(rows);
  if (!positions)
    return window.emitError() << "rows=" << rows
                              << " is none of all, last, first or a position";
  if (positions->empty())
    return success();
  TokenFlowAnalysis flows(window, axes, {});
  Operation *terminator = window.getBody().front().getTerminator();
  OpBuilder builder(terminator);
  for (OpOperand &operand : terminator->getOpOperands()) {
    Value selected = restrictRows(window, builder, operand.get(),
                                  flows.getFlow(operand.get()).axes, *positions);
    if (!selected)
      return failure();
    operand.set(selected);
  }
  window.setType(
      builder.getFunctionType(window.getArgumentTypes(), terminator->getOperandTypes()));
  return success();
}
