//===- TokenFlowView.cpp - Token flow of expanded and collapsed shapes ----===//
// A group of dimensions and the one that they collapse into hold the same elements in the
// same order, so an axis keeps its place among them.

#include "TokenFlow.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace weir;
using namespace weir::external;

/// Elements of a group of dimensions from one index of `dim` to the next.
static int64_t strideIn(ArrayRef<int64_t> shape, ArrayRef<int64_t> group, int64_t dim) {
  int64_t stride = 1;
  for (int64_t other : group)
    stride *= other > dim ? shape[other] : 1;
  return stride;
}

/// The dimension of `group` that holds, whole, rows which stand `stride` elements apart.
static std::optional<TokenAxis> splitAxis(const TokenAxis &axis, int64_t stride,
                                          ArrayRef<int64_t> shape,
                                          ArrayRef<int64_t> group) {
  for (int64_t dim : llvm::reverse(group)) {
    int64_t suffix = strideIn(shape, group, dim);
    if (shape[dim] == 1 || stride % suffix != 0 || suffix * shape[dim] <= stride)
      continue;
    if (suffix * shape[dim] % (stride * axis.numRows()) != 0)
      return std::nullopt;
    TokenAxis split = axis.inDim(dim);
    split.inner = stride / suffix;
    return split;
  }
  return std::nullopt;
}

/// [.., n, ..] cut into [.., n / p, p, ..]: p tokens become one. Sets `factor` to p.
static std::optional<TokenAxis> groupAxis(const TokenAxis &axis, int64_t stride,
                                          ArrayRef<int64_t> shape,
                                          ArrayRef<int64_t> group, int64_t &factor) {
  if (axis.lead || axis.tail)
    return std::nullopt;
  for (int64_t dim : llvm::reverse(group)) {
    int64_t suffix = strideIn(shape, group, dim);
    if (shape[dim] == 1 || suffix <= stride || suffix % stride != 0)
      continue;
    factor = suffix / stride;
    if (shape[dim] * factor != axis.tokens || axis.chunk % factor != 0)
      return std::nullopt;
    return TokenAxis{dim, 1, 0, axis.tokens / factor, 0, axis.chunk / factor};
  }
  return std::nullopt;
}

static FlowTransfer groupTokens(Operation *op, const TokenAxis &from, const TokenAxis &to,
                                int64_t factor) {
  FlowTransfer transfer;
  transfer.axes.push_back(to);
  transfer.uses.resize(op->getNumOperands());
  transfer.uses[0].push_back({from, RowMap::group(0, factor)});
  transfer.reason = "groups tokens across the new ones";
  return transfer;
}

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
    if (std::optional<TokenAxis> split = splitAxis(axis, axis.inner, to, group)) {
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
