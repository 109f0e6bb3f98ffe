//===- FullTables.cpp - Position tables beyond the window -----------------===//
// A file that slices its table by the length of the sequence shows, when prepared for
// more tokens, more rows of it.

#include "FullTables.h"
#include "weir/Support/CapturedErrors.h"
#include "weir/Support/HostTensor.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace weir;

/// The tables of a model by the node that adds them, and the operand.
using TableKey = std::pair<std::string, unsigned>;
using Tables = std::map<TableKey, SmallVector<PositionTable>>;

static Tables findTables(const PreparedWindow &window) {
  Tables tables;
  TokenFlowAnalysis flows(window.function, window.axes, {});
  for (const PositionTable &table : flows.getPositionTables())
    tables[{getNodeName(table.use->getOwner()), table.use->getOperandNumber()}].push_back(
        table);
  return tables;
}

/// Does `longer` begin with the rows of `table`, apart from fixed ones at the end?
static bool beginsWith(const PositionTable &longer, const PositionTable &table) {
  const TokenAxis &axis = table.axis, &other = longer.axis;
  if (other.dim != axis.dim || other.inner != axis.inner || other.lead != axis.lead ||
      other.tail != axis.tail)
    return false;
  SmallVector<int64_t> rows;
  for (int64_t row = 0; row < axis.numRows(); ++row)
    rows.push_back(row < axis.lead + axis.tokens ? row
                                                 : row - axis.tokens + other.tokens);
  auto rowsOf = [](const PositionTable &of, const TokenAxis &along,
                   ArrayRef<int64_t> which) {
    return HostTensor::get(selectRows(getConstantElements(of.use->get()), along, which));
  };
  FailureOr<HostTensor> first = rowsOf(longer, other, rows);
  FailureOr<HostTensor> all =
      rowsOf(table, axis, Rows::range(0, axis.numRows()).getPositions());
  return succeeded(first) && succeeded(all) && first->getType() == all->getType() &&
         first->getBytes() == all->getBytes();
}

static LogicalResult attachFullTables(const PreparedWindow &window,
                                      const PreparedWindow &longer) {
  Tables tables = findTables(window), longTables = findTables(longer);
  for (auto &[key, uses] : tables) {
    ArrayRef<PositionTable> others = longTables[key];
    for (auto [index, table] : llvm::enumerate(uses)) {
      Operation *user = table.use->getOwner();
      if (others.size() != uses.size())
        return user->emitOpError("adds a table of absolute positions that is not there "
                                 "where the model is prepared for more tokens");
      if (!beginsWith(others[index], table))
        return user->emitOpError("adds a table of absolute positions whose first rows "
                                 "change with the length of the sequence");
      user->setAttr(getFullTableName(key.second),
                    getConstantElements(others[index].use->get()));
    }
  }
  return success();
}

/// Leaves the length of streamed inputs open: a file may fix that alone, and compute all
/// else from it.
static void openLength(func::FuncOp function, const PreparedWindow &window) {
  func::FuncOp prepared = window.function;
  for (auto [index, axis] : llvm::enumerate(window.axes)) {
    Attribute name = prepared.getArgAttr(index, "weir.input");
    for (BlockArgument argument : function.getArguments()) {
      if (!axis || function.getArgAttr(argument.getArgNumber(), "weir.input") != name)
        continue;
      auto type = cast<RankedTensorType>(argument.getType());
      SmallVector<int64_t> shape(type.getShape());
      shape[axis->dim] = ShapedType::kDynamic;
      argument.setType(type.clone(shape));
    }
  }
  function.setType(FunctionType::get(function.getContext(),
                                     function.front().getArgumentTypes(),
                                     function.getResultTypes()));
}

LogicalResult
weir::keepFullTables(const PreparedWindow &window, ModuleOp longer, int64_t numRows,
                     function_ref<FailureOr<ArgumentAxes>(ModuleOp)> prepare) {
  auto function = longer.lookupSymbol<func::FuncOp>("window");
  openLength(function, window);
  FailureOr<ArgumentAxes> axes;
  std::string reason;
  {
    CapturedErrors errors(longer.getContext());
    axes = prepare(longer);
    reason = errors.getFirst();
  }
  if (succeeded(axes))
    return attachFullTables(window, {function, *axes});
  func::FuncOp reported = window.function;
  InFlightDiagnostic error = reported.emitError()
                             << "no position table of " << numRows
                             << " rows is found: the model cannot be prepared for as "
                                "many tokens ("
                             << reason << ")";
  error.attachNote() << "help: use positions=recycle without a number, or export the "
                        "model with a symbolic sequence length and a table of "
                     << numRows << " rows";
  return error;
}
