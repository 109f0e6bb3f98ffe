//===- TokenFlowView.cpp - Token flow of reshapes and transposes ----------===//

#include "TokenFlow.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// Elements of one step along dimension `dim` of a row-major tensor.
static int64_t strideOf(ArrayRef<int64_t> shape, int64_t dim) {
  int64_t stride = 1;
  for (int64_t size : shape.drop_front(dim + 1))
    stride *= size;
  return stride;
}

/// The dimension of `shape` that holds, whole, the rows which stand `stride` elements
/// apart; none when the shape cuts through them.
static std::optional<TokenAxis> mergeAxis(const TokenAxis &axis, int64_t stride,
                                          ArrayRef<int64_t> shape) {
  int64_t suffix = 1;
  for (int64_t dim = shape.size() - 1; dim >= 0; suffix *= shape[dim--]) {
    bool reachesRow = stride % suffix == 0 && suffix * shape[dim] > stride;
    if (shape[dim] == 1 || !reachesRow)
      continue;
    if (suffix * shape[dim] % (stride * axis.numRows()) != 0)
      return std::nullopt;
    TokenAxis merged = axis.inDim(dim);
    merged.inner = stride / suffix;
    return merged;
  }
  return std::nullopt;
}

/// [.., n, ..] cut into [.., n/p, p, ..]: p tokens become one. Sets `factor` to p.
static std::optional<TokenAxis> groupAxis(const TokenAxis &axis, int64_t stride,
                                          ArrayRef<int64_t> shape, int64_t &factor) {
  if (axis.lead || axis.tail)
    return std::nullopt;
  int64_t suffix = 1;
  for (int64_t dim = shape.size() - 1; dim >= 0; suffix *= shape[dim--]) {
    if (shape[dim] == 1 || suffix <= stride || suffix % stride != 0)
      continue;
    factor = suffix / stride;
    if (shape[dim] * factor != axis.tokens || axis.chunk % factor != 0)
      return std::nullopt;
    return TokenAxis{dim, 1, 0, axis.tokens / factor, 0, axis.chunk / factor};
  }
  return std::nullopt;
}

static FlowTransfer reshapeFlow(Operation *op, Flows operands) {
  const TokenFlow &input = operands[0];
  ArrayRef<int64_t> from = shapeOf(op->getOperand(0)), to = shapeOf(op->getResult(0));
  SmallVector<TokenAxis> axes;
  for (const TokenAxis &axis : input.axes) {
    int64_t stride = axis.inner * strideOf(from, axis.dim);
    if (std::optional<TokenAxis> merged = mergeAxis(axis, stride, to)) {
      axes.push_back(*merged);
      continue;
    }
    int64_t factor;
    std::optional<TokenAxis> grouped = groupAxis(axis, stride, to, factor);
    if (!grouped || input.axes.size() != 1)
      return FlowTransfer::whole("its shape cuts the token axis");
    FlowTransfer transfer;
    transfer.axes.push_back(*grouped);
    transfer.uses.resize(op->getNumOperands());
    transfer.uses[0].push_back({axis, RowMap::group(0, factor)});
    transfer.reason = "groups tokens across the new ones";
    return transfer;
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
  int64_t stride = axis.inner * strideOf(shapeOf(op->getResult(0)), axis.dim);
  std::optional<TokenAxis> before = mergeAxis(axis, stride, shapeOf(op->getOperand(0)));
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
