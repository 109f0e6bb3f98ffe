//===- TokenFlowView.cpp - Token flow of expanded and collapsed shapes ----===//
// A group of dimensions and the one that they collapse into hold the same elements in the
// same order, so an axis keeps its place among them.

#include "TokenFlow.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace weir;
using namespace weir::external;

static FlowTransfer asView(Operation *op, const TokenFlow &input,
                           ArrayRef<TokenAxis> axes) {
  if (axes.size() == 2 && axes[0].dim == axes[1].dim)
    return FlowTransfer::whole("merges two token axes");
  FlowTransfer transfer = followAxes(op, input, axes);
  transfer.isView = true;
  return transfer;
}

static FlowTransfer expandFlow(tensor::ExpandShapeOp op, const TokenFlow &input) {
  ArrayRef<int64_t> to = shapeOf(op.getResult());
  auto groups = op.getReassociationIndices();
  SmallVector<TokenAxis> axes;
  for (const TokenAxis &axis : input.axes) {
    ArrayRef<int64_t> group = groups[axis.dim];
    if (std::optional<TokenAxis> split = placeAxis(axis, axis.inner, to, group)) {
      axes.push_back(*split);
      continue;
    }
    int64_t factor;
    std::optional<TokenAxis> grouped = groupAxis(axis, axis.inner, to, group, factor);
    if (!grouped || input.axes.size() != 1)
      return FlowTransfer::whole("its shape cuts the token axis");
    return groupTokens(op, axis, *grouped, factor);
  }
  return asView(op, input, axes);
}

static FlowTransfer collapseFlow(tensor::CollapseShapeOp op, const TokenFlow &input) {
  ArrayRef<int64_t> from = shapeOf(op.getSrc());
  auto groups = op.getReassociationIndices();
  SmallVector<TokenAxis> axes;
  for (const TokenAxis &axis : input.axes)
    for (auto [index, group] : llvm::enumerate(groups))
      if (llvm::is_contained(group, axis.dim)) {
        TokenAxis merged = axis.inDim(index);
        merged.inner = axis.inner * strideIn(from, group, axis.dim);
        axes.push_back(merged);
      }
  return asView(op, input, axes);
}

namespace {
struct ExpandFlow
    : TokenFlowOpInterface::ExternalModel<ExpandFlow, tensor::ExpandShapeOp> {
  FlowTransfer transferTokenFlow(Operation *op, Flows operands) const {
    if (!isStaticTensorOp(op))
      return FlowTransfer::whole("its shape is not fixed");
    return expandFlow(cast<tensor::ExpandShapeOp>(op), operands[0]);
  }
  FailureOr<Value> buildOnRows(Operation *op, OpBuilder &builder,
                               const RowsRequest &request) const {
    auto groups = cast<tensor::ExpandShapeOp>(op).getReassociationIndices();
    return tensor::ExpandShapeOp::create(builder, op->getLoc(), request.resultType,
                                         request.operands[0], groups)
        .getResult();
  }
};

struct CollapseFlow
    : TokenFlowOpInterface::ExternalModel<CollapseFlow, tensor::CollapseShapeOp> {
  FlowTransfer transferTokenFlow(Operation *op, Flows operands) const {
    if (!isStaticTensorOp(op))
      return FlowTransfer::whole("its shape is not fixed");
    return collapseFlow(cast<tensor::CollapseShapeOp>(op), operands[0]);
  }
  FailureOr<Value> buildOnRows(Operation *op, OpBuilder &builder,
                               const RowsRequest &request) const {
    auto groups = cast<tensor::CollapseShapeOp>(op).getReassociationIndices();
    return tensor::CollapseShapeOp::create(builder, op->getLoc(), request.resultType,
                                           request.operands[0], groups)
        .getResult();
  }
};
} // namespace

void external::attachViewFlow(MLIRContext *context) {
  tensor::ExpandShapeOp::attachInterface<ExpandFlow>(*context);
  tensor::CollapseShapeOp::attachInterface<CollapseFlow>(*context);
}
