//===- ScalarOps.h - Scalars as tensors of rank 0 -------------------------===//

#ifndef WEIR_LIB_CONVERSION_WEIRTOONNX_SCALAROPS_H
#define WEIR_LIB_CONVERSION_WEIRTOONNX_SCALAROPS_H

#include "weir/Dialect/Onnx/OnnxBuilder.h"

namespace weir {

/// What an op of `arith`, or one of `tensor` that goes between scalars and tensors,
/// computes from operands that are tensors. Null for ops without a counterpart in ONNX.
mlir::Value lowerScalarOp(mlir::Operation *op, onnx::OnnxBuilder &b,
                          mlir::ArrayRef<mlir::Value> operands);

} // namespace weir

#endif // WEIR_LIB_CONVERSION_WEIRTOONNX_SCALAROPS_H
