//===- TokenFlowGather.cpp - Token flow of ops that read by indices -------===//
// Constant indices over tokens are windows where they stand in a grid: index (j, k) is
// j * stride + first + k * dilation.

#include "TokenFlow.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Support/HostTensor.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

//===----------------------------------------------------------------------===//
// Gather
//===----------------------------------------------------------------------===//

/// The windows that indices of shape [rows] or [rows, kernel] read of `numRows` rows.
static std::optional<RowMap::WindowShape> findWindows(Value indices, int64_t numRows) {
  ElementsAttr attr = getConstantElements(indices);
  ArrayRef<int64_t> shape = shapeOf(indices);
  FailureOr<HostTensor> tensor = attr ? HostTensor::get(attr) : FailureOr<HostTensor>();
  if (failed(tensor) || shape.empty() || shape.size() > 2 || shape[0] < 2)
    return std::nullopt;
  std::vector<int64_t> at = tensor->getInts();
  for (int64_t &index : at)
    index += index < 0 ? numRows : 0;
  RowMap::WindowShape windows;
  windows.kernel = shape.size() == 2 ? shape[1] : 1;
  windows.stride = at[windows.kernel] - at[0];
  windows.padBefore = -at[0];
  windows.dilation = windows.kernel > 1 ? at[1] - at[0] : 1;
  for (auto [entry, index] : llvm::enumerate(at)) {
    int64_t row = entry / windows.kernel, tap = entry % windows.kernel;
    if (index != windows.firstRow(row) + tap * windows.dilation || index < 0 ||
        index >= numRows)
      return std::nullopt;
  }
  if (windows.stride < 1 || windows.dilation < 1)
    return std::nullopt;
  return windows;
}

/// Tokens taken by constant indices.
static FlowTransfer gatherRowsFlow(GatherOp op, Flows operands, int64_t dim) {
  const TokenFlow &input = operands[0];
  const TokenAxis &axis = input.axes[*input.axisInDim(dim)];
  std::optional<RowMap::WindowShape> windows = findWindows(op.getIndices(), axis.tokens);
  bool isPlain = input.axes.size() == 1 && axis.inner == 1 &&
                 axis.tokens == shapeOf(op.getData())[dim];
  if (!windows || !isPlain)
    return FlowTransfer::whole("gathers scattered tokens");
  if (axis.chunk % windows->stride != 0)
    return FlowTransfer::whole("its stride does not divide the tokens of a step");
  int64_t numRows = shapeOf(op.getIndices())[0], chunk = axis.chunk / windows->stride;
  if (numRows <= chunk)
    return FlowTransfer::whole("gathers new tokens only");
  FlowTransfer transfer;
  transfer.uses.resize(2);
  transfer.axes.push_back({dim, 1, 0, numRows, 0, chunk});
  transfer.uses[0].push_back({axis, RowMap::window(0, *windows)});
  transfer.reason = "all its windows read new tokens";
  return transfer;
}

static FlowTransfer gatherFlow(Operation *op, Flows operands) {
  auto gather = cast<GatherOp>(op);
  int64_t rank = shapeOf(gather.getData()).size();
  int64_t dim = *normalizeAxis(gather.getAxis(), rank);
  int64_t indexRank = shapeOf(gather.getIndices()).size();
  FlowTransfer transfer;
  transfer.uses.resize(2);
  transfer.linearity = Linearity::Moves;
  if (operands[0].axisInDim(dim))
    return gatherRowsFlow(gather, operands, dim);
  // The dimensions of the indices stand where `dim` of the data stood.
  auto inResult = [&](size_t operand, const TokenAxis &axis) {
    if (operand == 1)
      return axis.inDim(axis.dim + dim);
    return axis.inDim(axis.dim + (axis.dim > dim ? indexRank - 1 : 0));
  };
  for (auto [operand, flow] : llvm::enumerate(operands))
    for (const TokenAxis &axis : flow.axes) {
      if (!addAxis(transfer.axes, inResult(operand, axis)))
        return FlowTransfer::whole("the token axes of the operands do not line up");
    }
  for (auto [operand, flow] : llvm::enumerate(operands))
    for (const TokenAxis &axis : flow.axes) {
      unsigned index =
          llvm::find(transfer.axes, inResult(operand, axis)) - transfer.axes.begin();
      transfer.uses[operand].push_back({axis, RowMap::same(index)});
    }
  return transfer;
}

/// Reads the rows that the operand holds now: those of the windows, and what is between.
static FailureOr<Value> buildGather(Operation *op, OpBuilder &builder,
                                    const RowsRequest &request) {
  ArrayRef<AxisUse> uses = request.transfer.uses[0];
  if (uses.empty() || uses[0].map.getKind() != RowMap::Kind::Window)
    return cloneOnRows(op, builder, request);
  const RowMap::WindowShape &windows = uses[0].map.getWindow();
  SmallVector<int64_t> rows(request.region[0].getPositions()), taken;
  if (request.region[0].isAll())
    rows = llvm::to_vector(llvm::seq<int64_t>(0, request.axes[0].tokens));
  Rows held = uses[0].map.operandRows(uses[0].axis, request.axes, request.region);
  for (int64_t row : rows)
    for (int64_t tap = 0; tap < windows.kernel; ++tap)
      taken.push_back(llvm::lower_bound(held.getPositions(),
                                        windows.firstRow(row) + tap * windows.dilation) -
                      held.getPositions().begin());
  SmallVector<int64_t> shape(shapeOf(op->getOperand(1)));
  shape[0] = rows.size();
  auto type = RankedTensorType::get(shape, builder.getI64Type());
  OnnxBuilder make(builder, op->getLoc());
  Value indices = make.constant(DenseElementsAttr::get(type, ArrayRef(taken)));
  return GatherOp::create(builder, op->getLoc(), request.resultType, request.operands[0],
                          indices, request.axes[0].dim)
      .getResult();
}

//===----------------------------------------------------------------------===//
// GatherElements
//===----------------------------------------------------------------------===//

/// y[.., i, ..] = data[.., indices[.., i, ..], ..]: along all dimensions but the gathered
/// one, data, indices and result stand in the same rows.
static FlowTransfer gatherElementsFlow(Operation *op, Flows operands) {
  ArrayRef<int64_t> data = shapeOf(op->getOperand(0)), to = shapeOf(op->getResult(0));
  int64_t dim = *normalizeAxis(cast<GatherElementsOp>(op).getAxis(), data.size());
  if (operands[0].axisInDim(dim)) {
    FlowTransfer mixed = mixTokens(op, operands[0], "gathers scattered tokens");
    if (data != to) // some of them: no window is left
      mixed.axes.clear();
    return mixed;
  }
  FlowTransfer transfer;
  for (const TokenFlow &flow : operands)
    for (const TokenAxis &axis : flow.axes)
      if (!addAxis(transfer.axes, axis))
        return FlowTransfer::whole("the token axes of the operands do not line up");
  auto &dataUses = transfer.uses.emplace_back(),
       &indexUses = transfer.uses.emplace_back();
  for (auto [index, axis] : llvm::enumerate(transfer.axes)) {
    indexUses.push_back({axis, RowMap::same(index)});
    if (axis.dim == dim)
      continue;
    if (data[axis.dim] != to[axis.dim])
      return FlowTransfer::whole("gathers from some of the tokens");
    dataUses.push_back({axis, RowMap::same(index)});
  }
  return transfer;
}

/// The gathered dimension has the rows that the indices have.
static SmallVector<AxisWant> adoptInGatherElements(Operation *op, Flows operands,
                                                   const TokenAxis &axis,
                                                   FlowTransfer &transfer) {
  ArrayRef<int64_t> data = shapeOf(op->getOperand(0));
  int64_t dim = *normalizeAxis(cast<GatherElementsOp>(op).getAxis(), data.size());
  if (axis.dim != dim)
    return {{0, axis}};
  if (!operands[1].isStill)
    return {{1, axis}};
  unsigned added = transfer.insertAxis(axis);
  auto &uses = transfer.uses[1];
  uses.insert(uses.begin() + added, {axis, RowMap::same(added)});
  return {};
}

//===----------------------------------------------------------------------===//
// GatherND, scattering
//===----------------------------------------------------------------------===//

/// Dimensions of `data` in front of `first` and from `last` on stand in the result with
/// their rows; those between are read by index. Rows of index vectors are rows of the
/// result too.
static FlowTransfer gatherNDFlow(Operation *op, Flows operands) {
  int64_t batch = cast<GatherNDOp>(op).getBatchDims();
  ArrayRef<int64_t> indices = shapeOf(op->getOperand(1));
  int64_t depth = indices.back(), indexRank = indices.size() - 1;
  FlowTransfer transfer;
  transfer.uses.resize(2);
  auto inResult = [&](size_t operand, const TokenAxis &axis) {
    return operand == 1 || axis.dim < batch
               ? axis
               : axis.inDim(axis.dim - batch - depth + indexRank);
  };
  for (auto [operand, flow] : llvm::enumerate(operands))
    for (const TokenAxis &axis : flow.axes) {
      if (operand == 0 && axis.dim >= batch && axis.dim < batch + depth)
        return FlowTransfer::whole("gathers scattered tokens");
      if (operand == 1 && axis.dim == indexRank)
        return FlowTransfer::whole("takes apart what points at tokens");
      if (!addAxis(transfer.axes, inResult(operand, axis)))
        return FlowTransfer::whole("the token axes of the operands do not line up");
    }
  for (auto [index, axis] : llvm::enumerate(transfer.axes)) {
    if (axis.dim < indexRank)
      transfer.uses[1].push_back({axis, RowMap::same(index)});
    if (axis.dim < batch)
      transfer.uses[0].push_back({axis, RowMap::same(index)});
    if (axis.dim >= indexRank)
      transfer.uses[0].push_back(
          {axis.inDim(axis.dim - indexRank + batch + depth), RowMap::same(index)});
  }
  return transfer;
}

/// Along all dimensions but the one that indices speak of, data, indices and updates
/// stand in the same rows.
static FlowTransfer scatterElementsFlow(Operation *op, Flows operands) {
  ArrayRef<int64_t> data = shapeOf(op->getOperand(0)), from = shapeOf(op->getOperand(1));
  int64_t dim = *normalizeAxis(cast<ScatterElementsOp>(op).getAxis(), data.size());
  FlowTransfer transfer;
  for (const TokenFlow &flow : operands)
    for (const TokenAxis &axis : flow.axes) {
      if (axis.dim == dim)
        return mixTokens(op, operands[0], "scatters over the token axis");
      if (data[axis.dim] != from[axis.dim])
        return mixTokens(op, operands[0], "scatters to some of the tokens");
      if (!addAxis(transfer.axes, axis))
        return FlowTransfer::whole("the token axes of the operands do not line up");
    }
  transfer.uses.resize(3);
  for (auto &uses : transfer.uses)
    for (auto [index, axis] : llvm::enumerate(transfer.axes))
      uses.push_back({axis, RowMap::same(index)});
  return transfer;
}

/// Slices of whole tokens' features are replaced; the tokens stay where they are.
static FlowTransfer scatterNDFlow(Operation *op, Flows operands) {
  int64_t depth = shapeOf(op->getOperand(1)).back();
  int64_t indexRank = shapeOf(op->getOperand(1)).size() - 1;
  FlowTransfer transfer;
  transfer.uses.resize(3);
  if (!operands[1].axes.empty())
    return mixTokens(op, operands[0], "scatters over the token axis");
  for (auto [operand, flow] : llvm::enumerate(operands))
    for (const TokenAxis &axis : flow.axes) {
      int64_t first = operand == 0 ? depth : indexRank;
      if (axis.dim < first)
        return mixTokens(op, operands[0], "scatters over the token axis");
      if (!addAxis(transfer.axes, axis.inDim(axis.dim - first + depth)))
        return FlowTransfer::whole("the token axes of the operands do not line up");
    }
  for (auto [index, axis] : llvm::enumerate(transfer.axes)) {
    transfer.uses[0].push_back({axis, RowMap::same(index)});
    transfer.uses[2].push_back(
        {axis.inDim(axis.dim - depth + indexRank), RowMap::same(index)});
  }
  return transfer;
}

void onnx::attachGatherFlow(MLIRContext *context) {
  attachAll<FlowModel<gatherFlow, buildGather>::Of, GatherOp>(context);
  attachAll<FlowModel<gatherElementsFlow, cloneOnRows, adoptInGatherElements>::Of,
            GatherElementsOp>(context);
  attachAll<FlowModel<gatherNDFlow>::Of, GatherNDOp>(context);
  attachAll<FlowModel<scatterElementsFlow>::Of, ScatterElementsOp>(context);
  attachAll<FlowModel<scatterNDFlow>::Of, ScatterNDOp>(context);
}
