//===- Onnx.h - The onnx dialect: ONNX operators as ops -------------------===//

#ifndef WEIR_DIALECT_ONNX_ONNX_H
#define WEIR_DIALECT_ONNX_ONNX_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "weir/Dialect/Onnx/OnnxDialect.h.inc"
#define GET_OP_CLASSES
#include "weir/Dialect/Onnx/OnnxOps.h.inc"

namespace weir::onnx {
/// The result types that follow from the operands of `op`; for an op that infers none,
/// those it has. Unlike the op's own inference this gives optional results a type where
/// they are used, and `none` where not. Reports contradictions at `op`.
llvm::LogicalResult inferResultTypes(mlir::Operation *op,
                                     llvm::SmallVectorImpl<mlir::Type> &types);
} // namespace weir::onnx

#endif // WEIR_DIALECT_ONNX_ONNX_H
