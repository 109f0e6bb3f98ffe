//===- Limits.h - How large a tensor may be -------------------------------===//
// A file of a few bytes may state, or compute, tensors of any size. Those that no machine
// holds are refused where they come in, so that sizes in bytes, sums and products of a
// few of them, and strides, need no check behind it.

#ifndef WEIR_DIALECT_ONNX_LIMITS_H
#define WEIR_DIALECT_ONNX_LIMITS_H

#include "weir/Dialect/Onnx/Onnx.h"

namespace weir::onnx {

constexpr int64_t maxElementsLog2 = 48;
constexpr int64_t maxElements = int64_t(1) << maxElementsLog2;
constexpr size_t maxRank = 64;

/// What is too much about a shape, to complete the sentence "it has ..."; empty when
/// nothing is. Dynamic sizes count as 1, and a 0 does not excuse the others: later
/// arithmetic multiplies those, too.
std::string whyUnbearable(llvm::ArrayRef<int64_t> shape);

/// Fails, with an error at `op`, when a tensor of `types` is too large.
llvm::LogicalResult verifyBearable(mlir::Operation *op, mlir::TypeRange types);

} // namespace weir::onnx

#endif // WEIR_DIALECT_ONNX_LIMITS_H
