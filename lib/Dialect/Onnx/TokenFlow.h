//===- TokenFlow.h - Pieces shared by the onnx token-flow models ----------===//

#ifndef WEIR_LIB_DIALECT_ONNX_TOKENFLOW_H
#define WEIR_LIB_DIALECT_ONNX_TOKENFLOW_H

#include "weir/Dialect/Onnx/Geometry.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Interfaces/TokenFlowOpInterface.h"
#include "weir/Interfaces/TokenViews.h"

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

/// The rows of a request along its only axis, joined from runs of consecutive positions;
/// `build(first, last)` makes one.
mlir::Value joinRuns(mlir::Operation *op, mlir::OpBuilder &builder,
                     const RowsRequest &request,
                     llvm::function_ref<mlir::Value(int64_t first, int64_t last)> build);

/// Collects the axes of several operands that broadcast or multiply into a result.
/// Of two axes that meet in one dimension the finer stays; false where neither refines
/// the other.
bool addAxis(llvm::SmallVectorImpl<TokenAxis> &axes, TokenAxis axis);

void attachElementwiseFlow(mlir::MLIRContext *context);
void attachContractionFlow(mlir::MLIRContext *context);
void attachShapeFlow(mlir::MLIRContext *context);
void attachViewFlow(mlir::MLIRContext *context);
void attachGatherFlow(mlir::MLIRContext *context);
void attachReductionFlow(mlir::MLIRContext *context);
void attachWindowFlow(mlir::MLIRContext *context);
void attachPadFlow(mlir::MLIRContext *context);
void attachQuantizationFlow(mlir::MLIRContext *context);

/// Band of scores that `op`, an elementwise op with result axes `axes`, keeps or makes.
std::optional<Band> elementwiseBand(mlir::Operation *op, Flows operands,
                                    const FlowTransfer &transfer);

using FlowFunction = FlowTransfer (*)(mlir::Operation *, Flows);
using BuildFunction = mlir::FailureOr<mlir::Value> (*)(mlir::Operation *,
                                                       mlir::OpBuilder &,
                                                       const RowsRequest &);
using AdoptFunction = llvm::SmallVector<AxisWant> (*)(mlir::Operation *, Flows,
                                                      const TokenAxis &, FlowTransfer &);

inline llvm::SmallVector<AxisWant> adoptNothing(mlir::Operation *, Flows,
                                                const TokenAxis &, FlowTransfer &) {
  return {};
}

/// The model of an op by functions; what they are given has static shapes.
template <FlowFunction Flow, BuildFunction Build = cloneOnRows,
          AdoptFunction Adopt = adoptNothing>
struct FlowModel {
  template <typename OpT>
  struct Of : TokenFlowOpInterface::ExternalModel<Of<OpT>, OpT> {
    FlowTransfer transferTokenFlow(mlir::Operation *op, Flows operands) const {
      if (!hasStaticShapes(op))
        return FlowTransfer::whole("its shape is not fixed");
      return Flow(op, operands);
    }
    llvm::SmallVector<AxisWant> adoptAxis(mlir::Operation *op, Flows operands,
                                          const TokenAxis &axis,
                                          FlowTransfer &transfer) const {
      return Adopt(op, operands, axis, transfer);
    }
    mlir::FailureOr<mlir::Value> buildOnRows(mlir::Operation *op,
                                             mlir::OpBuilder &builder,
                                             const RowsRequest &request) const {
      return Build(op, builder, request);
    }
  };
};

/// Attaches `Model<Op>` to every op of the list.
template <template <typename> class Model, typename... Ops>
void attachAll(mlir::MLIRContext *context) {
  (Ops::template attachInterface<Model<Ops>>(*context), ...);
}

} // namespace weir::onnx

#endif // WEIR_LIB_DIALECT_ONNX_TOKENFLOW_H
