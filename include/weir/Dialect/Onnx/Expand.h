//===- Expand.h - Operators that other operators spell out ----------------===//
// What ONNX, or the optimiser of onnxruntime, writes as one node may say no more than a
// few others do. Such an operator has no op of its own: it is imported as an unregistered
// op or as `onnx.Custom`, and spelled out once the shapes of its operands are known.
//
//   com.microsoft.BiasGelu(x, b)  ==>  Gelu(Add(x, b))

#ifndef WEIR_DIALECT_ONNX_EXPAND_H
#define WEIR_DIALECT_ONNX_EXPAND_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/Operation.h"

namespace weir::onnx {

/// True for an operator that is spelled out; `domain` is "" for ONNX's own.
bool isExpanded(llvm::StringRef domain, llvm::StringRef name);
/// True for an op that stands for such an operator.
bool isExpanded(mlir::Operation *op);

/// True for an op whose meaning is known: by its definition, or because it is spelled
/// out.
bool isKnown(mlir::Operation *op);

/// The element type of a result of an operator that is spelled out.
mlir::Type elementOfResult(llvm::StringRef domain, llvm::StringRef name, unsigned result,
                           mlir::ValueRange operands, mlir::DictionaryAttr attributes);

/// Replaces `op` by others, whose operands all have static shapes. Fails, with an error
/// at `op`, when it is not what its operator takes or asks for what Weir does not do.
llvm::LogicalResult expand(mlir::Operation *op, mlir::OpBuilder &builder);

/// What to do about an operator that Weir does not take; "" where nothing special is
/// known.
llvm::StringRef adviceFor(mlir::Operation *op);

} // namespace weir::onnx

#endif // WEIR_DIALECT_ONNX_EXPAND_H
