//===- Infer.h - Result types of the onnx ops -----------------------------===//
// One `infer` overload an op, or a named function for a family. A result is ranked
// with a static shape when all operand shapes (and shape operands' values) are static;
// else `tensor<*xT>`. Fails, with an error at `location` if there is one, when the
// operands contradict the op.

#ifndef WEIR_LIB_DIALECT_ONNX_INFER_H
#define WEIR_LIB_DIALECT_ONNX_INFER_H

#include "weir/Dialect/Onnx/Onnx.h"

namespace weir::onnx::detail {
using Location = std::optional<mlir::Location>;
using Types = llvm::SmallVectorImpl<mlir::Type>;

/// True when every actual type says no more, and nothing else, than the inferred one.
bool compatibleTypes(mlir::TypeRange inferred, mlir::TypeRange actual);

llvm::LogicalResult inferSameType(Location location, mlir::ValueRange operands, Types &types);
llvm::LogicalResult inferBroadcast(Location location, mlir::ValueRange operands, Types &types);
llvm::LogicalResult inferComparison(Location location, mlir::ValueRange operands, Types &types);
llvm::LogicalResult inferPredicate(Location location, mlir::ValueRange operands, Types &types);
} // namespace weir::onnx::detail

#endif // WEIR_LIB_DIALECT_ONNX_INFER_H
