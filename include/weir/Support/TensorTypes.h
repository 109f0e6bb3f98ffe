//===- TensorTypes.h - Types of values that are tensors -------------------===//

#ifndef WEIR_SUPPORT_TENSORTYPES_H
#define WEIR_SUPPORT_TENSORTYPES_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"

namespace weir {

inline mlir::RankedTensorType typeOf(mlir::Value tensor) {
  return llvm::cast<mlir::RankedTensorType>(tensor.getType());
}

inline llvm::ArrayRef<int64_t> shapeOf(mlir::Value tensor) {
  return typeOf(tensor).getShape();
}

} // namespace weir

#endif // WEIR_SUPPORT_TENSORTYPES_H
