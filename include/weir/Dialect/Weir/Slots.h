//===- Slots.h - Arithmetic of slots and of tokens that are absent --------===//

#ifndef WEIR_DIALECT_WEIR_SLOTS_H
#define WEIR_DIALECT_WEIR_SLOTS_H

#include "mlir/IR/Builders.h"
#include "weir/Interfaces/Enums.h"
#include "weir/Interfaces/TokenAxis.h"

namespace weir {

/// Slots that the tokens of an axis have moved on by at `step` (an index):
/// (step + 1) chunk mod tokens.
mlir::Value makeShift(mlir::OpBuilder &b, mlir::Location loc, mlir::Value step,
                      const TokenAxis &axis);

/// Window position of the token in `slot`, both counted without fixed rows:
/// (slot - shift) mod tokens.
mlir::Value makePosition(mlir::OpBuilder &b, mlir::Location loc, mlir::Value slot,
                         mlir::Value shift, int64_t tokens);

/// The number that an absent token reads as: `fill` is zero, one, lowest or highest.
mlir::TypedAttr getFill(AbsentToken fill, mlir::Type element);

} // namespace weir

#endif // WEIR_DIALECT_WEIR_SLOTS_H
