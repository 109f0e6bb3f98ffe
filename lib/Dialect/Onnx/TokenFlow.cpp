//===- TokenFlow.cpp - Token flow of the onnx ops: common pieces ----------===//

#include "TokenFlow.h"
#include "mlir/IR/Builders.h"
#include "weir/Dialect/Onnx/TokenFlow.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

ArrayRef<int64_t> onnx::shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

bool onnx::hasStaticShapes(Operation *op) {
  auto isStatic = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return isa<NoneType>(type) || (tensor && tensor.hasStaticShape());
  };
  return llvm::all_of(op->getOperandTypes(), isStatic) &&
         llvm::all_of(op->getResultTypes(), isStatic);
}

FlowTransfer onnx::followOperand(Operation *op, const TokenFlow &operand,
                                 ArrayRef<TokenAxis> axes) {
  FlowTransfer transfer = followAxes(op, operand, axes);
  transfer.band = operand.band;
  if (operand.band && axes.size() == 2 && axes[1] < axes[0])
    transfer.band = operand.band->transposed();
  return transfer;
}

FlowTransfer onnx::keepAxes(Operation *op, const TokenFlow &operand) {
  FlowTransfer transfer = followOperand(op, operand, operand.axes);
  transfer.band = std::nullopt;
  return transfer;
}

FlowTransfer onnx::mixTokens(Operation *op, const TokenFlow &operand,
                             std::string reason) {
  FlowTransfer transfer = FlowTransfer::whole(std::move(reason));
  transfer.axes = operand.axes;
  return transfer;
}

Value onnx::joinRuns(Operation *op, OpBuilder &builder, const RowsRequest &request,
                     llvm::function_ref<Value(int64_t first, int64_t last)> build) {
  SmallVector<int64_t> positions(request.region[0].getPositions());
  if (request.region[0].isAll())
    positions = llvm::to_vector(llvm::seq<int64_t>(0, request.axes[0].tokens));
  SmallVector<Value> runs;
  for (size_t i = 0; i < positions.size();) {
    size_t j = i + 1;
    while (j < positions.size() && positions[j] == positions[j - 1] + 1)
      ++j;
    runs.push_back(build(positions[i], positions[j - 1]));
    i = j;
  }
  if (runs.size() == 1)
    return runs.front();
  return ConcatOp::create(builder, op->getLoc(), request.resultType, runs,
                          request.axes[0].dim);
}

bool onnx::addAxis(SmallVectorImpl<TokenAxis> &axes, TokenAxis axis) {
  for (TokenAxis &other : axes) {
    if (other.dim != axis.dim)
      continue;
    std::optional<TokenAxis> finer = finerAxis(axis, other);
    other = finer.value_or(other);
    return finer.has_value();
  }
  axes.push_back(axis);
  llvm::sort(axes);
  return true;
}

void onnx::registerTokenFlowModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, OnnxDialect *) {
    attachElementwiseFlow(context);
    attachContractionFlow(context);
    attachShapeFlow(context);
    attachViewFlow(context);
    attachGatherFlow(context);
    attachReductionFlow(context);
    attachWindowFlow(context);
    attachPadFlow(context);
    attachQuantizationFlow(context);
  });
}
