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
  FlowTransfer transfer;
  transfer.axes.assign(axes.begin(), axes.end());
  llvm::sort(transfer.axes);
  transfer.uses.resize(op->getNumOperands());
  for (auto [from, to] : llvm::zip_equal(operand.axes, axes)) {
    unsigned index = llvm::find(transfer.axes, to) - transfer.axes.begin();
    transfer.uses[0].push_back({from, RowMap::same(index)});
  }
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
