//===- Geometry.h - The sizes and ranges that ONNX attributes describe ----===//
// ONNX writes positions from the end, clamps, and leaves sizes out. These functions
// resolve that once, for inference, evaluation, canonicalisation and lowering alike.

#ifndef WEIR_DIALECT_ONNX_GEOMETRY_H
#define WEIR_DIALECT_ONNX_GEOMETRY_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"
#include <optional>

namespace weir::onnx {
using Shape = llvm::SmallVector<int64_t>;

/// The shape of `value` when all of it is static.
std::optional<llvm::ArrayRef<int64_t>> getStaticShape(mlir::Value value);

/// The element type of a tensor; null for `none`.
mlir::Type getElementType(mlir::Value value);

/// True for the absent optional operand.
bool isNone(mlir::Value value);

/// Product of `shape`; nullopt when it does not fit 62 bits.
std::optional<int64_t> countElements(llvm::ArrayRef<int64_t> shape);

/// Elements from one index to the next, a dimension: [2, 3, 4] has [12, 4, 1].
Shape rowMajorStrides(llvm::ArrayRef<int64_t> shape);

/// `axis` counted from the front: -1 of rank 3 is 2. nullopt when out of range.
std::optional<int64_t> normalizeAxis(int64_t axis, int64_t rank);
/// All of `axes` normalised and in the order given; nullopt when one is out of range
/// or occurs twice.
std::optional<Shape> normalizeAxes(llvm::ArrayRef<int64_t> axes, int64_t rank);

/// The common shape by ONNX's (numpy's) rule; nullopt when there is none.
std::optional<Shape> broadcastShapes(llvm::ArrayRef<int64_t> a,
                                     llvm::ArrayRef<int64_t> b);

/// Shape of `Reshape` from shape `from`: 0 copies (unless `allowZero`), -1 is the rest.
std::optional<Shape> resolveReshape(llvm::ArrayRef<int64_t> from,
                                    llvm::ArrayRef<int64_t> target, bool allowZero);

/// The positions start, start + step, ... of one dimension, `size` of them.
struct SliceRange {
  int64_t start = 0, step = 1, size = 0;
};
/// One range a dimension of `shape`; nullopt when an axis or a step is impossible.
/// Empty `axes` and `steps` mean the first dimensions and steps of 1.
std::optional<llvm::SmallVector<SliceRange>> resolveSlice(llvm::ArrayRef<int64_t> shape,
                                                          llvm::ArrayRef<int64_t> starts,
                                                          llvm::ArrayRef<int64_t> ends,
                                                          llvm::ArrayRef<int64_t> axes,
                                                          llvm::ArrayRef<int64_t> steps);

/// One spatial dimension of a convolution or pool: output position o reads inputs
/// o * stride + k * dilation - padBegin for k in [0, kernel).
struct SlidingDim {
  int64_t size, kernel, stride, dilation, padBegin, padEnd, outputs;
};
/// Resolves `auto_pad` and absent attributes; nullopt when they contradict each other.
std::optional<llvm::SmallVector<SlidingDim>>
resolveSliding(llvm::ArrayRef<int64_t> sizes, llvm::ArrayRef<int64_t> kernel,
               mlir::ArrayAttr strides, mlir::ArrayAttr dilations, mlir::ArrayAttr pads,
               llvm::StringRef autoPad, bool ceilMode);

/// An Einsum equation with all letters single; "..." is expanded to upper-case letters
/// that do not occur, one a dimension.
struct EinsumTerms {
  llvm::SmallVector<std::string> inputs;
  std::string output;
};
/// Parses `equation` for operands of the given ranks; nullopt when it does not fit.
std::optional<EinsumTerms> parseEinsum(llvm::StringRef equation,
                                       llvm::ArrayRef<int64_t> ranks);

/// The integers of an array attribute; empty for a null one.
Shape getInts(mlir::ArrayAttr attr);

} // namespace weir::onnx

#endif // WEIR_DIALECT_ONNX_GEOMETRY_H
