//===- WeightKind.h - How the weights of a model are stored ---------------===//

#ifndef WEIR_SUPPORT_WEIGHTKIND_H
#define WEIR_SUPPORT_WEIGHTKIND_H

#include "mlir/IR/BuiltinOps.h"

namespace weir {

enum class WeightKind { F32, BF16, F16, Int8 };

/// As options spell it.
llvm::StringRef getName(WeightKind kind);

/// What `weir.weights` of a module says; f32 where it says nothing.
WeightKind getWeightKind(mlir::ModuleOp module);
void setWeightKind(mlir::ModuleOp module, WeightKind kind);

} // namespace weir

#endif // WEIR_SUPPORT_WEIGHTKIND_H
