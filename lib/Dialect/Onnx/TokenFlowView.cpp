//===- TokenFlowView.cpp - Token flow of reshapes and transposes ----------===//

#include "TokenFlow.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

static SmallVector<int64_t> allDims(ArrayRef<int64_t> shape) {
  return llvm::to_vector(llvm::seq<int64_t>(0, shape.size()));
}

/// Elements from one row of `axis` to the next, in a tensor of `shape`.
static int64_t rowStride(const TokenAxis &axis, ArrayRef<int64_t> shape) {
  return axis.inner * strideIn(shape, allDims(shape), axis.dim);
}

static FlowTransfer reshapeFlow(Operation *op, Flows operands) {
  const TokenFlow &input = operands[0];
  ArrayRef<int64_t> from = shapeOf(op->getOperand(0)), to = shapeOf(op->getResult(0));
  SmallVector<TokenAxis> axes;
  for (const TokenAxis &axis : input.axes) {
    int64_t stride = rowStride(axis, from);
    if (std::optional<TokenAxis> placed = placeAxis(axis, stride, to, allDims(to))) {
      axes.push_back(*placed);
      continue;
    }
    int64_t factor;
    std::optional<TokenAxis> grouped = groupAxis(axis, stride, to, allDims(to), factor);
    if (!grouped || input.axes.size() != 1)
      return FlowTransfer::whole("its shape cuts the token axis");
    return groupTokens(op, axis, *grouped, factor);
  }
  for (auto [index, axis] : llvm::enumerate(axes))
    for (const TokenAxis &other : ArrayRef(axes).drop_front(index + 1))
      if (other.dim == axis.dim)
        return FlowTransfer::whole("merges two token axes");
  FlowTransfer transfer = followOperand(op, input, axes);
  transfer.isView = true;
  transfer.linearity = Linearity::Moves;
  return transfer;
}

/// The operand holds the same elements in the same order.
static SmallVector<AxisWant> adoptInReshape(Operation *op, Flows, const TokenAxis &axis,
                                            FlowTransfer &) {
  int64_t stride = rowStride(axis, shapeOf(op->getResult(0)));
  ArrayRef<int64_t> from = shapeOf(op->getOperand(0));
  std::optional<TokenAxis> before = placeAxis(axis, stride, from, allDims(from));
  return before ? SmallVector<AxisWant>{{0, *before}} : SmallVector<AxisWant>();
}

static FailureOr<Value> buildReshape(Operation *op, OpBuilder &builder,
                                     const RowsRequest &request) {
  Value shape = OnnxBuilder(builder, op->getLoc()).ints(request.resultType.getShape());
  return ReshapeOp::create(builder, op->getLoc(), request.resultType, request.operands[0],
                           shape, /*allowzero=*/0)
      .getResult();
}

static FlowTransfer expandFlow(Operation *op, Flows operands) {
  const TokenFlow &input = operands[0];
  int64_t shift = shapeOf(op->getResult(0)).size() - shapeOf(op->getOperand(0)).size();
  SmallVector<TokenAxis> axes;
  for (const TokenAxis &axis : input.axes)
    axes.push_back(axis.inDim(axis.dim + shift));
  FlowTransfer transfer = followOperand(op, input, axes);
  transfer.linearity = Linearity::Moves;
  return transfer;
}

/// What is repeated along a dimension may be repeated along its tokens.
static SmallVector<AxisWant> adoptInExpand(Operation *op, Flows, const TokenAxis &axis,
                                           FlowTransfer &transfer) {
  ArrayRef<int64_t> from = shapeOf(op->getOperand(0)), to = shapeOf(op->getResult(0));
  int64_t dim = axis.dim - static_cast<int64_t>(to.size() - from.size());
  if (dim >= 0 && from[dim] != 1)
    return {{0, axis.inDim(dim)}};
  transfer.insertAxis(axis);
  return {};
}

static FailureOr<Value> buildExpand(Operation *op, OpBuilder &builder,
                                    const RowsRequest &request) {
  Value shape = OnnxBuilder(builder, op->getLoc()).ints(request.resultType.getShape());
  return ExpandOp::create(builder, op->getLoc(), request.resultType, request.operands[0],
                          shape)
      .getResult();
}

/// Dimension of the operand that is dimension i of the result, for each i.
static SmallVector<int64_t> permOf(Operation *op) {
  int64_t rank = shapeOf(op->getOperand(0)).size();
  SmallVector<int64_t> perm = llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, rank)));
  if (std::optional<ArrayAttr> given = cast<TransposeOp>(op).getPerm())
    for (auto [index, attr] : llvm::enumerate(*given))
      perm[index] = cast<IntegerAttr>(attr).getInt();
  return perm;
}

static FlowTransfer transposeFlow(Operation *op, Flows operands) {
  SmallVector<int64_t> perm = permOf(op);
  SmallVector<TokenAxis> axes;
  for (const TokenAxis &axis : operands[0].axes)
    axes.push_back(axis.inDim(llvm::find(perm, axis.dim) - perm.begin()));
  FlowTransfer transfer = followOperand(op, operands[0], axes);
  transfer.isView = true;
  transfer.linearity = Linearity::Moves;
  return transfer;
}

static SmallVector<AxisWant> adoptInTranspose(Operation *op, Flows, const TokenAxis &axis,
                                              FlowTransfer &) {
  return {{0, axis.inDim(permOf(op)[axis.dim])}};
}

void onnx::attachViewFlow(MLIRContext *context) {
  attachAll<FlowModel<reshapeFlow, buildReshape, adoptInReshape>::Of, ReshapeOp,
            SqueezeOp, UnsqueezeOp, FlattenOp>(context);
  attachAll<FlowModel<expandFlow, buildExpand, adoptInExpand>::Of, ExpandOp>(context);
  attachAll<FlowModel<transposeFlow, cloneOnRows, adoptInTranspose>::Of, TransposeOp>(
      context);
}
