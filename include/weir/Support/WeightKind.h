//===- WeightKind.h - How the weights of a model are stored ---------------===//

#ifndef WEIR_SUPPORT_WEIGHTKIND_H
#define WEIR_SUPPORT_WEIGHTKIND_H

#include "mlir/IR/BuiltinOps.h"

namespace weir {

enum class WeightKind { F32, BF16, F16, Int8 };

/// As options spell it.
llvm::StringRef getName(WeightKind kind);
std::optional<WeightKind> parseWeightKind(llvm::StringRef name);

/// What `weir.weights` of a module says; f32 where it says nothing.
WeightKind getWeightKind(mlir::ModuleOp module);
void setWeightKind(mlir::ModuleOp module, WeightKind kind);

/// What is known of a constant that rows are multiplied with, whatever function does.
struct StoredWeights {
  /// Of its bytes, as the product reads them; see `digestOf`.
  uint64_t digest = 0;
  WeightKind kind = WeightKind::F32;
  /// [2, depth]: mean and variance of the rows' elements. Null: nobody has looked.
  mlir::DenseElementsAttr rows;
};

/// `weir.products` of a module: what is to be done otherwise than `weir.weights` says,
/// or with more knowledge.
llvm::SmallVector<StoredWeights> getStoredWeights(mlir::ModuleOp module);
void setStoredWeights(mlir::ModuleOp module, llvm::ArrayRef<StoredWeights> stored);

uint64_t digestOf(llvm::ArrayRef<char> bytes);

} // namespace weir

#endif // WEIR_SUPPORT_WEIGHTKIND_H
