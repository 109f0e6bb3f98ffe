//===- TokenFlowQuantization.cpp - Token flow of quantization -------------===//
// Rounding to a grid works element by element: it keeps every axis of the tensor, and
// slides where the scale does.

#include "TokenFlow.h"
#include "weir/Dialect/Onnx/Quantization.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// The axes of the tensor that a scale or zero point of `spread` has, too.
static SmallVector<AxisUse, 2> scaleUses(ArrayRef<TokenAxis> axes, ScaleSpread spread) {
  SmallVector<AxisUse, 2> uses;
  for (auto [index, axis] : llvm::enumerate(axes)) {
    if (spread.kind == ScaleSpread::Blocks)
      uses.push_back({axis, RowMap::same(index)});
    else if (spread.kind == ScaleSpread::Axis && axis.dim == spread.axis)
      uses.push_back({axis.inDim(0), RowMap::same(index)});
  }
  return uses;
}

static FlowTransfer quantizationFlow(Operation *op, Flows operands) {
  if (!hasStaticShapes(op))
    return FlowTransfer::whole("its shape is not fixed");
  ScaleSpread spread = getScaleSpread(op);
  FlowTransfer transfer = keepAxes(op, operands[0]);
  if (spread.kind == ScaleSpread::Blocks && spread.block > 1 &&
      operands[0].axisInDim(spread.axis))
    return mixTokens(op, operands[0], "has a scale for each block of tokens");
  for (unsigned operand : {1u, 2u})
    if (!isa<NoneType>(op->getOperand(operand).getType()))
      transfer.uses[operand] = scaleUses(transfer.axes, spread);
  return transfer;
}

namespace {
template <typename OpT>
struct QuantizationFlow
    : TokenFlowOpInterface::ExternalModel<QuantizationFlow<OpT>, OpT> {
  FlowTransfer transferTokenFlow(Operation *op, Flows operands) const {
    return quantizationFlow(op, operands);
  }
};
} // namespace

void onnx::attachQuantizationFlow(MLIRContext *context) {
  attachAll<QuantizationFlow, QuantizeLinearOp, DequantizeLinearOp>(context);
}
