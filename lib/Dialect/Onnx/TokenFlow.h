//===- TokenFlow.h - Pieces shared by the onnx token-flow models ----------===//

#ifndef WEIR_LIB_DIALECT_ONNX_TOKENFLOW_H
#define WEIR_LIB_DIALECT_ONNX_TOKENFLOW_H

#include "weir/Dialect/Onnx/Geometry.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Interfaces/TokenFlowOpInterface.h"

namespace weir::onnx {

using Flows = llvm::ArrayRef<TokenFlow>;

/// Shape of a tensor; asserts that it is static, as all are after specialisation.
llvm::ArrayRef<int64_t> shapeOf(mlir::Value value);
bool hasStaticShapes(mlir::Operation *op);

/// A transfer that reads every axis of operand 0 as result axis of the same index;
/// `axes` are the operand's axes in their new dimensions, in the operand's order.
FlowTransfer followOperand(mlir::Operation *op, const TokenFlow &operand,
                           llvm::ArrayRef<TokenAxis> axes);
/// As `followOperand`, all axes staying where they are.
FlowTransfer keepAxes(mlir::Operation *op, const TokenFlow &operand);
/// Recomputed whole, but its rows are still tokens.
FlowTransfer mixTokens(mlir::Operation *op, const TokenFlow &operand, std::string reason);

/// Collects the axes of several operands that broadcast or multiply into a result.
/// False when two different axes meet in one dimension.
bool addAxis(llvm::SmallVectorImpl<TokenAxis> &axes, TokenAxis axis);

void attachElementwiseFlow(mlir::MLIRContext *context);
void attachContractionFlow(mlir::MLIRContext *context);
void attachShapeFlow(mlir::MLIRContext *context);
void attachReductionFlow(mlir::MLIRContext *context);
void attachWindowFlow(mlir::MLIRContext *context);
void attachPadFlow(mlir::MLIRContext *context);

/// Band of scores that `op`, an elementwise op with result axes `axes`, keeps or makes.
std::optional<Band> elementwiseBand(mlir::Operation *op, Flows operands,
                                    const FlowTransfer &transfer);

/// Attaches `Model<Op>` to every op of the list.
template <template <typename> class Model, typename... Ops>
void attachAll(mlir::MLIRContext *context) {
  (Ops::template attachInterface<Model<Ops>>(*context), ...);
}

} // namespace weir::onnx

#endif // WEIR_LIB_DIALECT_ONNX_TOKENFLOW_H
