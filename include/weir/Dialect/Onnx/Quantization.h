//===- Quantization.h - How scales spread over quantized tensors ----------===//

#ifndef WEIR_DIALECT_ONNX_QUANTIZATION_H
#define WEIR_DIALECT_ONNX_QUANTIZATION_H

#include "weir/Dialect/Onnx/Onnx.h"
#include <optional>

namespace weir::onnx {

/// Which scale an element has: one for all of them, scale[i] at index i of `axis`, or
/// scale[.., i / block, ..] where the other dimensions are the tensor's.
///
/// Example: [2, 6] along axis 1 takes scales of shape [], [1], [6] or, in blocks of 3,
/// [2, 2].
struct ScaleSpread {
  enum Kind { Tensor, Axis, Blocks };
  Kind kind = Tensor;
  int64_t axis = 0;
  int64_t block = 1;
};

/// None when a scale of that shape does not fit.
std::optional<ScaleSpread> resolveScale(llvm::ArrayRef<int64_t> shape,
                                        llvm::ArrayRef<int64_t> scale, int64_t axis,
                                        int64_t blockSize);
/// Of a QuantizeLinear or DequantizeLinear of static shapes.
ScaleSpread getScaleSpread(mlir::Operation *op);

/// Is it the name of an operator of the QOperator format, which computes on integers?
bool isQuantizedOperator(llvm::StringRef name);

} // namespace weir::onnx

#endif // WEIR_DIALECT_ONNX_QUANTIZATION_H
