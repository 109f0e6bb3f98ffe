//===- RecycledTable.h - Position tables that follow their tokens ---------===//
// The token of stream time t keeps row t mod period of the table. A period of n, the
// window, needs the rows that a window adds. A longer one needs more of the table: they
// come as an attribute of the op that adds it,
//
//   onnx.Add %x, %table {weir.table.1 = dense<..> : tensor<12x8xf32>}
//
// which `weir-prepare-model{table-rows=12}` makes.

#ifndef WEIR_LIB_TRANSFORMS_RECYCLEDTABLE_H
#define WEIR_LIB_TRANSFORMS_RECYCLEDTABLE_H

#include "weir/Transforms/MakeContinual.h"

namespace weir {

/// A table in slot order of its own axis, which holds `period` tokens: at step t the
/// token at window position p has the row of slot (p + (t + 1) * chunk) mod period, and
/// token 0 of the stream the first one of the table.
struct RecycledTable {
  mlir::ElementsAttr rows;
  TokenAxis axis;

  /// The table that `user` adds, whose window rows stand along `axis`; `period` 0 is the
  /// window. The rows are null where they cannot be read, or are not there.
  static RecycledTable get(mlir::Operation *user, mlir::Value table,
                           const TokenAxis &axis, int64_t period);

  /// Rows of window positions `rows`, counted along `window`, at a step.
  mlir::Value emitRows(mlir::OpBuilder &builder, mlir::Location at, mlir::Value constant,
                       mlir::Value step, const TokenAxis &window, const Rows &rows) const;
};

/// Are all tables there that `options` recycle, as far as they say?
llvm::LogicalResult checkTables(const TokenFlowAnalysis &flows,
                                const ContinualOptions &options);

/// Removes the attributes with tables beyond the window.
void dropFullTables(mlir::ModuleOp module);

} // namespace weir

#endif // WEIR_LIB_TRANSFORMS_RECYCLEDTABLE_H
