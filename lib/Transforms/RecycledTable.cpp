//===- RecycledTable.cpp - Position tables that follow their tokens -------===//

#include "RecycledTable.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/HostTensor.h"

using namespace mlir;
using namespace weir;

std::string weir::getFullTableName(unsigned operand) {
  return ("weir.table." + Twine(operand)).str();
}

/// The rows of a table that `user` adds, all that are known.
static ElementsAttr getFullTable(Operation *user, Value table) {
  unsigned operand = llvm::find(user->getOperands(), table) - user->operand_begin();
  if (auto full = user->getAttrOfType<ElementsAttr>(getFullTableName(operand)))
    return full;
  return getConstantElements(table);
}

RecycledTable RecycledTable::get(Operation *user, Value table, const TokenAxis &axis,
                                 int64_t period) {
  RecycledTable recycled{nullptr, axis};
  recycled.axis.tokens = period ? period : axis.tokens;
  ElementsAttr full = getFullTable(user, table);
  if (!full)
    return recycled;
  TokenAxis held = axis;
  held.tokens = cast<ShapedType>(full.getType()).getDimSize(axis.dim) / axis.inner -
                axis.lead - axis.tail;
  if (held.tokens < recycled.axis.tokens)
    return recycled;
  SmallVector<int64_t> rows;
  for (int64_t row = 0; row < recycled.axis.numRows(); ++row) {
    if (!recycled.axis.isToken(row)) {
      rows.push_back(row < axis.lead ? row : row - recycled.axis.tokens + held.tokens);
      continue;
    }
    // At step t position p is stream time p + (t + 1) * chunk - tokens - skipped.
    int64_t time = row - axis.lead - axis.tokens - axis.skippedTokens();
    int64_t size = recycled.axis.tokens;
    rows.push_back(axis.lead + (time % size + size) % size);
  }
  recycled.rows = selectRows(full, held, rows);
  return recycled;
}

Value RecycledTable::emitRows(OpBuilder &builder, Location at, Value constant, Value step,
                              const TokenAxis &window, const Rows &wanted) const {
  SmallVector<int64_t> positions;
  for (int64_t row : wanted.getPositions())
    positions.push_back(
        row < window.lead + window.tokens ? row : row - window.tokens + axis.tokens);
  auto type = cast<RankedTensorType>(constant.getType());
  SmallVector<int64_t> shape(type.getShape());
  shape[axis.dim] = restrictedSize(shape[axis.dim], axis, Rows::list(positions));
  return RingReadOp::create(builder, at, type.clone(shape), constant, step,
                            AxisAttr::get(builder.getContext(), axis), positions);
}

LogicalResult weir::checkTables(const TokenFlowAnalysis &flows,
                                const ContinualOptions &options) {
  if (options.positions != Positions::Recycle)
    return success();
  for (const PositionTable &table : flows.getPositionTables()) {
    Operation *user = table.use->getOwner();
    if (RecycledTable::get(user, table.use->get(), table.axis, options.period).rows)
      continue;
    InFlightDiagnostic error = user->emitOpError("adds a table of absolute positions of "
                                                 "fewer than the ")
                               << options.period << " rows after which it shall recycle";
    error.attachNote() << "help: use positions=recycle, which recycles after "
                       << table.axis.tokens;
    return error;
  }
  return success();
}

void weir::dropFullTables(ModuleOp module) {
  module.walk([](Operation *op) {
    for (unsigned operand = 0; operand < op->getNumOperands(); ++operand)
      op->removeAttr(getFullTableName(operand));
  });
}
