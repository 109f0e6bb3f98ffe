//===- TokenFlowWindow.cpp - Token flow of convolutions and pools ---------===//
// A window of `kernel` rows every `stride`: margins widen by what the windows at the
// edges read of new rows or padding.

#include "TokenFlow.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// Entry `index` of an optional integer array.
static int64_t entryOr(Operation *op, StringRef name, size_t index, int64_t otherwise) {
  auto array = op->getAttrOfType<ArrayAttr>(name);
  return array ? cast<IntegerAttr>(array[index]).getInt() : otherwise;
}

static RowMap::WindowShape windowShape(Operation *op, int64_t spatialDim) {
  int64_t kernel = isa<ConvOp>(op) ? shapeOf(op->getOperand(1))[2 + spatialDim]
                                   : entryOr(op, "kernel_shape", spatialDim, 1);
  return {entryOr(op, "strides", spatialDim, 1), entryOr(op, "pads", spatialDim, 0),
          kernel, entryOr(op, "dilations", spatialDim, 1)};
}

static FlowTransfer windowFlow(Operation *op, Flows operands) {
  if (!hasStaticShapes(op))
    return FlowTransfer::whole("its shape is not fixed");
  const TokenFlow &input = operands[0];
  if (input.axes.size() != 1)
    return FlowTransfer::whole("slides over two token axes");
  TokenAxis axis = input.axes.front();
  if (axis.dim == 0)
    return keepAxes(op, input);
  ArrayRef<int64_t> from = shapeOf(op->getOperand(0)), to = shapeOf(op->getResult(0));
  auto autoPad = op->getAttrOfType<StringAttr>("auto_pad");
  auto ceilMode = op->getAttrOfType<IntegerAttr>("ceil_mode");
  bool isPlain = axis.dim >= 2 && axis.inner == 1 && axis.tokens == from[axis.dim];
  if (!isPlain || (autoPad && autoPad.getValue() != "NOTSET") ||
      (ceilMode && ceilMode.getSInt() != 0))
    return FlowTransfer::whole("its windows do not follow the tokens");
  RowMap::WindowShape shape = windowShape(op, axis.dim - 2);
  int64_t reach = (shape.kernel - 1) * shape.dilation;
  int64_t padAfter = entryOr(op, "pads", from.size() - 2 + axis.dim - 2, 0);
  if (shape.padBefore > reach || padAfter > reach)
    return FlowTransfer::whole("some of its windows read nothing but padding");
  if (axis.chunk % shape.stride != 0)
    return FlowTransfer::whole("its stride does not divide the tokens of a step");
  FlowTransfer transfer;
  transfer.axes.push_back({axis.dim, 1, 0, to[axis.dim], 0, axis.chunk / shape.stride});
  if (transfer.axes[0].chunk > transfer.axes[0].tokens)
    return FlowTransfer::whole("its windows do not follow the tokens");
  transfer.uses.resize(op->getNumOperands());
  transfer.uses[0].push_back({axis, RowMap::window(0, shape)});
  // An average divides by what lies inside the window, there or not.
  transfer.absent = isa<ConvOp>(op)      ? AbsentToken::Zero
                    : isa<MaxPoolOp>(op) ? AbsentToken::Lowest
                                         : AbsentToken::Unknown;
  transfer.reason = "all its windows read new tokens or padding";
  return transfer;
}

/// Builds the op on the operand rows that one run of result rows [first, last] reads.
static Value buildRun(Operation *op, OpBuilder &builder, const RowsRequest &request,
                      ArrayRef<int64_t> held, int64_t first, int64_t last) {
  int64_t dim = request.axes[0].dim, spatial = dim - 2;
  RowMap::WindowShape shape = windowShape(op, spatial);
  int64_t size = shapeOf(op->getOperand(0))[dim];
  int64_t begin = shape.firstRow(first), end = shape.lastRow(last) + 1;
  int64_t padBefore = std::max<int64_t>(0, -begin);
  int64_t padAfter = std::max<int64_t>(0, end - size);
  begin += padBefore;
  end -= padAfter;
  int64_t offset = llvm::lower_bound(held, begin) - held.begin();

  Value data = request.operands[0];
  auto type = cast<RankedTensorType>(data.getType());
  if (end - begin != type.getDimSize(dim)) {
    SmallVector<int64_t> cut(type.getShape());
    cut[dim] = end - begin;
    OnnxBuilder make(builder, op->getLoc());
    data =
        SliceOp::create(builder, op->getLoc(), type.clone(cut), data, make.ints(offset),
                        make.ints(offset + end - begin), make.ints(dim), make.none());
  }
  int64_t numSpatial = type.getRank() - 2;
  SmallVector<int64_t> pads;
  for (int64_t i = 0; i < 2 * numSpatial; ++i)
    pads.push_back(entryOr(op, "pads", i, 0));
  pads[spatial] = padBefore;
  pads[numSpatial + spatial] = padAfter;
  Operation *clone = builder.clone(*op);
  clone->setOperands(request.operands);
  clone->setOperand(0, data);
  clone->setAttr("pads", builder.getI64ArrayAttr(pads));
  SmallVector<int64_t> resultShape(request.resultType.getShape());
  resultShape[dim] = last - first + 1;
  clone->getResult(0).setType(request.resultType.clone(resultShape));
  return clone->getResult(0);
}

static FailureOr<Value> buildWindow(Operation *op, OpBuilder &builder,
                                    const RowsRequest &request) {
  const AxisUse &use = request.transfer.uses[0].front();
  if (use.map.getKind() != RowMap::Kind::Window)
    return cloneOnRows(op, builder, request);
  Rows held = use.map.operandRows(use.axis, request.axes, request.region);
  return joinRuns(op, builder, request, [&](int64_t first, int64_t last) {
    return buildRun(op, builder, request, held.getPositions(), first, last);
  });
}

namespace {
template <typename OpT>
struct WindowFlow : TokenFlowOpInterface::ExternalModel<WindowFlow<OpT>, OpT> {
  FlowTransfer transferTokenFlow(Operation *op, Flows operands) const {
    return windowFlow(op, operands);
  }
  FailureOr<Value> buildOnRows(Operation *op, OpBuilder &builder,
                               const RowsRequest &request) const {
    return buildWindow(op, builder, request);
  }
  int64_t countMacs(Operation *op, ArrayRef<Type> operands, Type result) const {
    if (!isa<ConvOp>(op))
      return 0;
    int64_t macs = cast<RankedTensorType>(result).getNumElements();
    for (int64_t size : cast<RankedTensorType>(operands[1]).getShape().drop_front())
      macs *= size;
    return macs;
  }
};
} // namespace

void onnx::attachWindowFlow(MLIRContext *context) {
  attachAll<WindowFlow, ConvOp, AveragePoolOp, MaxPoolOp>(context);
}
