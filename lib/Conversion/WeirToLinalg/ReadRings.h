//===- ReadRings.h - States that are rings, and who reads them ------------===//

#ifndef WEIR_LIB_CONVERSION_WEIRTOLINALG_READRINGS_H
#define WEIR_LIB_CONVERSION_WEIRTOLINALG_READRINGS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "weir/Dialect/Weir/Weir.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"

namespace weir {

/// The window position from which on `read` reads all tokens, in their order; none where
/// it reads others, or where there are fixed rows.
std::optional<int64_t> getFirstRead(RingReadOp read);

/// The states of a module that are rings. Tokens of some positions may be read by nobody:
/// those in front of a band, which stay in a ring until they are overwritten.
class ReadRings {
public:
  explicit ReadRings(mlir::ModuleOp module);
  /// Do all slots that `read` leaves out hold 0 before their first token, and can they be
  /// set to 0 behind their last?
  bool canClear(RingReadOp read) const;
  void clear(RingReadOp read) { cleared.insert(nameOf(read.getRing())); }
  /// Sets to 0 what nobody reads any more, wherever these states are written.
  void emitClearing();

private:
  struct Ring {
    bool isSound = true;              ///< begins with 0, and all its uses are known
    std::optional<int64_t> firstRead; ///< of all reads
  };
  static mlir::StringAttr nameOf(mlir::Value ring);
  void look(mlir::StringAttr name, mlir::Value ring);
  void emitClearing(mlir::StringAttr name, mlir::Value ring);

  mlir::ModuleOp module;
  llvm::DenseMap<mlir::StringAttr, Ring> rings;
  llvm::SetVector<mlir::StringAttr> cleared;
};

} // namespace weir

#endif // WEIR_LIB_CONVERSION_WEIRTOLINALG_READRINGS_H
