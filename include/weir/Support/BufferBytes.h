//===- BufferBytes.h - Sizes of buffers in bytes --------------------------===//

#ifndef WEIR_SUPPORT_BUFFERBYTES_H
#define WEIR_SUPPORT_BUFFERBYTES_H

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/Support/MathExtras.h"

namespace weir {

/// Of one element; a boolean is a byte.
inline int64_t getElementBytes(mlir::MemRefType type) {
  return llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

/// Of all elements of a static shape.
inline int64_t getBufferBytes(mlir::MemRefType type) {
  return type.getNumElements() * getElementBytes(type);
}

} // namespace weir

#endif // WEIR_SUPPORT_BUFFERBYTES_H
