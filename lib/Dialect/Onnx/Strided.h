//===- Strided.h - Copy elements between two layouts ----------------------===//

#ifndef WEIR_LIB_DIALECT_ONNX_STRIDED_H
#define WEIR_LIB_DIALECT_ONNX_STRIDED_H

#include "weir/Dialect/Onnx/Geometry.h"

namespace weir::onnx::detail {

/// Elements of `width` bytes whose address is linear in an index of some shape.
template <typename Byte>
struct Strided {
  Byte *base;
  Shape strides; ///< in elements; 0 repeats, a negative one runs backward
};

/// Copies all elements of an index space of `shape`.
/// Example: a transpose of [2, 3] copies shape [3, 2] from strides [1, 3] to [2, 1].
void copyStrided(Strided<char> to, Strided<const char> from,
                 llvm::ArrayRef<int64_t> shape, int64_t width);

/// Strides that read a row-major tensor of shape `from` as one broadcast to `to`.
Shape broadcastStrides(llvm::ArrayRef<int64_t> from, llvm::ArrayRef<int64_t> to);

} // namespace weir::onnx::detail

#endif // WEIR_LIB_DIALECT_ONNX_STRIDED_H
