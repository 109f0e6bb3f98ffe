//===- TokenFlowSlice.cpp - Token flow of slices, insertions, joins, pads -===//
// extract_slice of rows [a, b) of the tokens: result row j is operand row j + a, or the
// axis ends where no more tokens are left than a step brings.

#include "TokenFlow.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace weir;
using namespace weir::external;

/// Are all numbers of a slice known, and is it without steps?
template <typename OpT>
static bool isPlainSlice(OpT op) {
  return !llvm::any_of(op.getStaticOffsets(), ShapedType::isDynamic) &&
         !llvm::any_of(op.getStaticSizes(), ShapedType::isDynamic) &&
         llvm::all_of(op.getStaticStrides(), [](int64_t step) { return step == 1; });
}

/// Where dimension `dim` of the larger tensor stands in the smaller one.
static int64_t placeAmongKept(const llvm::SmallBitVector &dropped, int64_t dim) {
  int64_t place = 0;
  for (int64_t other = 0; other < dim; ++other)
    place += !dropped.test(other);
  return place;
}

static SmallVector<OpFoldResult> attributesOf(OpBuilder &builder,
                                              ArrayRef<int64_t> values) {
  return getAsIndexOpFoldResult(builder.getContext(), values);
}

//===----------------------------------------------------------------------===//
// extract_slice
//===----------------------------------------------------------------------===//

/// Rows [begin, end) of `axis`, of which the result keeps those of `rest`.
static TokenAxis restOf(const TokenAxis &axis, int64_t begin, int64_t end) {
  TokenAxis rest = axis;
  int64_t tokensEnd = axis.lead + axis.tokens;
  rest.lead = std::max<int64_t>(0, std::min(end, axis.lead) - begin);
  rest.tokens =
      std::max<int64_t>(0, std::min(end, tokensEnd) - std::max(begin, axis.lead));
  rest.tail = std::max<int64_t>(0, end - std::max(begin, tokensEnd));
  return rest;
}

static FlowTransfer extractFlow(tensor::ExtractSliceOp op, const TokenFlow &input) {
  llvm::SmallBitVector dropped = op.getDroppedDims();
  FlowTransfer transfer;
  transfer.uses.resize(op->getNumOperands());
  for (const TokenAxis &axis : input.axes) {
    int64_t size = shapeOf(op.getSource())[axis.dim];
    int64_t begin = op.getStaticOffsets()[axis.dim];
    int64_t end = begin + op.getStaticSizes()[axis.dim];
    bool isCut = end - begin != size;
    if (isCut && (axis.numOuter(size) > 1 || begin % axis.inner || end % axis.inner))
      return FlowTransfer::whole("cuts a dimension in which tokens are merged");
    TokenAxis rest = isCut ? restOf(axis, begin / axis.inner, end / axis.inner) : axis;
    if (isCut && rest.tokens <= axis.chunk) {
      Rows picked = Rows::range(begin / axis.inner, end / axis.inner);
      transfer.uses[0].push_back({axis, RowMap::pick(picked.getPositions())});
      transfer.reason = "takes single tokens";
      continue;
    }
    unsigned index = transfer.axes.size();
    transfer.axes.push_back(rest.inDim(placeAmongKept(dropped, axis.dim)));
    transfer.uses[0].push_back(
        {axis, isCut ? RowMap::offset(index, begin / axis.inner) : RowMap::same(index)});
  }
  transfer.isView = true;
  return transfer;
}

namespace {
/// Of the dimensions with tokens an operand holds just the rows that were asked for.
struct ExtractFlow
    : TokenFlowOpInterface::ExternalModel<ExtractFlow, tensor::ExtractSliceOp> {
  FlowTransfer transferTokenFlow(Operation *op, Flows operands) const {
    auto slice = cast<tensor::ExtractSliceOp>(op);
    if (!isStaticTensorOp(op) || !isPlainSlice(slice))
      return FlowTransfer::whole("its bounds are not constant or not of step 1");
    return extractFlow(slice, operands[0]);
  }
  FailureOr<Value> buildOnRows(Operation *op, OpBuilder &builder,
                               const RowsRequest &request) const {
    auto slice = cast<tensor::ExtractSliceOp>(op);
    SmallVector<int64_t> offsets(slice.getStaticOffsets()), sizes(slice.getStaticSizes()),
        steps(offsets.size(), 1);
    for (const AxisUse &use : request.transfer.uses[0]) {
      offsets[use.axis.dim] = 0;
      sizes[use.axis.dim] = shapeOf(request.operands[0])[use.axis.dim];
    }
    return tensor::ExtractSliceOp::create(
               builder, op->getLoc(), request.resultType, request.operands[0],
               attributesOf(builder, offsets), attributesOf(builder, sizes),
               attributesOf(builder, steps))
        .getResult();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// insert_slice
//===----------------------------------------------------------------------===//

static FlowTransfer insertFlow(tensor::InsertSliceOp op, Flows operands) {
  llvm::SmallBitVector dropped = op.getDroppedDims();
  ArrayRef<int64_t> shape = shapeOf(op.getDest());
  SmallVector<int64_t> places; // of the source's dimensions
  for (int64_t dim = 0, rank = shape.size(); dim < rank; ++dim)
    if (!dropped.test(dim))
      places.push_back(dim);
  FlowTransfer transfer;
  transfer.uses.resize(op->getNumOperands());
  bool isFresh = isFreshDestination(op.getDest());
  for (const TokenAxis &axis : operands[0].axes)
    if (!addAxis(transfer.axes, axis.inDim(places[axis.dim])))
      return FlowTransfer::whole("the token axes of the operands do not line up");
  for (const TokenAxis &axis : operands[1].axes)
    if (!addAxis(transfer.axes, axis))
      return FlowTransfer::whole("the token axes of the operands do not line up");
  for (auto [index, axis] : llvm::enumerate(transfer.axes)) {
    if (op.getStaticSizes()[axis.dim] != shape[axis.dim])
      return FlowTransfer::whole("inserts rows among the tokens");
    if (!dropped.test(axis.dim))
      transfer.uses[0].push_back(
          {axis.inDim(placeAmongKept(dropped, axis.dim)), RowMap::same(index)});
    if (!isFresh)
      transfer.uses[1].push_back({axis, RowMap::same(index)});
  }
  return transfer;
}

namespace {
struct InsertFlow
    : TokenFlowOpInterface::ExternalModel<InsertFlow, tensor::InsertSliceOp> {
  FlowTransfer transferTokenFlow(Operation *op, Flows operands) const {
    auto insert = cast<tensor::InsertSliceOp>(op);
    if (!isStaticTensorOp(op) || !isPlainSlice(insert))
      return FlowTransfer::whole("its bounds are not constant or not of step 1");
    return insertFlow(insert, operands);
  }
  FailureOr<Value> buildOnRows(Operation *op, OpBuilder &builder,
                               const RowsRequest &request) const {
    auto insert = cast<tensor::InsertSliceOp>(op);
    SmallVector<int64_t> offsets(insert.getStaticOffsets()),
        sizes(insert.getStaticSizes()), steps(offsets.size(), 1);
    for (const TokenAxis &axis : request.axes)
      sizes[axis.dim] = request.resultType.getDimSize(axis.dim);
    Value dest = isFreshDestination(insert.getDest())
                     ? makeDestination(builder, insert.getDest(), request.resultType)
                     : request.operands[1];
    return tensor::InsertSliceOp::create(builder, op->getLoc(), request.operands[0], dest,
                                         attributesOf(builder, offsets),
                                         attributesOf(builder, sizes),
                                         attributesOf(builder, steps))
        .getResult();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// concat
//===----------------------------------------------------------------------===//

/// Joins along features: all operands are asked for the same rows.
static FlowTransfer concatFeatures(tensor::ConcatOp op, Flows operands) {
  FlowTransfer transfer;
  for (const TokenFlow &flow : operands)
    for (const TokenAxis &axis : flow.axes)
      if (!addAxis(transfer.axes, axis))
        return FlowTransfer::whole("the token axes of the operands do not line up");
  for (size_t operand = 0; operand < operands.size(); ++operand) {
    auto &uses = transfer.uses.emplace_back();
    for (auto [index, axis] : llvm::enumerate(transfer.axes))
      uses.push_back({axis, RowMap::same(index)});
  }
  return transfer;
}

/// Fixed rows before and after the tokens of one operand.
static FlowTransfer concatRows(tensor::ConcatOp op, Flows operands) {
  int64_t dim = op.getDim(), before = 0, after = 0;
  std::optional<unsigned> stream;
  for (auto [index, flow] : llvm::enumerate(operands)) {
    if (!flow.isStill && (stream || flow.axes.size() != 1 || flow.axes[0].dim != dim))
      return FlowTransfer::whole("joins two values along the token axis");
    if (!flow.isStill)
      stream = index;
    else
      (stream ? after : before) += shapeOf(op.getInputs()[index])[dim];
  }
  TokenAxis axis = operands[*stream].axes.front();
  if (axis.inner != 1 || axis.numOuter(shapeOf(op.getInputs()[*stream])[dim]) != 1)
    return FlowTransfer::whole("joins rows to merged tokens");
  FlowTransfer transfer;
  transfer.uses.resize(op->getNumOperands());
  transfer.uses[*stream].push_back({axis, RowMap::offset(0, -before)});
  axis.lead += before;
  axis.tail += after;
  transfer.axes.push_back(axis);
  return transfer;
}

/// Rows [begin, end) of `value` along `dim`; itself for all of them.
static Value takeRows(OpBuilder &builder, Value value, int64_t dim, int64_t begin,
                      int64_t end) {
  auto type = cast<RankedTensorType>(value.getType());
  if (end - begin == type.getDimSize(dim))
    return value;
  SmallVector<int64_t> offsets(type.getRank(), 0), steps(type.getRank(), 1),
      sizes(type.getShape());
  offsets[dim] = begin;
  sizes[dim] = end - begin;
  return tensor::ExtractSliceOp::create(
      builder, value.getLoc(), type.clone(sizes), value, attributesOf(builder, offsets),
      attributesOf(builder, sizes), attributesOf(builder, steps));
}

/// Lays out the demanded rows: fixed ones by their place, tokens as they come.
static Value joinRows(tensor::ConcatOp op, OpBuilder &builder,
                      const RowsRequest &request) {
  int64_t dim = op.getDim(), taken = 0;
  ArrayRef<int64_t> positions = request.region[0].getPositions();
  SmallVector<Value> pieces;
  auto locate = [&](int64_t row) {
    unsigned operand = 0;
    while (row >= shapeOf(op.getInputs()[operand])[dim])
      row -= shapeOf(op.getInputs()[operand++])[dim];
    return std::pair(operand, row);
  };
  for (size_t i = 0, j = 0; i < positions.size(); i = j) {
    auto [operand, first] = locate(positions[i]);
    for (j = i + 1; j < positions.size() && locate(positions[j]).first == operand &&
                    positions[j] == positions[j - 1] + 1;)
      ++j;
    bool isStream = !request.transfer.uses[operand].empty();
    int64_t begin = isStream ? taken : first, count = j - i;
    pieces.push_back(
        takeRows(builder, request.operands[operand], dim, begin, begin + count));
    taken += isStream ? count : 0;
  }
  if (pieces.size() == 1)
    return pieces.front();
  return tensor::ConcatOp::create(builder, op.getLoc(), request.resultType, dim, pieces);
}

namespace {
struct ConcatFlow : TokenFlowOpInterface::ExternalModel<ConcatFlow, tensor::ConcatOp> {
  FlowTransfer transferTokenFlow(Operation *op, Flows operands) const {
    auto concat = cast<tensor::ConcatOp>(op);
    if (!isStaticTensorOp(op))
      return FlowTransfer::whole("its shape is not fixed");
    int64_t dim = concat.getDim();
    bool alongTokens = llvm::any_of(
        operands, [&](const TokenFlow &flow) { return flow.axisInDim(dim).has_value(); });
    return alongTokens ? concatRows(concat, operands) : concatFeatures(concat, operands);
  }
  FailureOr<Value> buildOnRows(Operation *op, OpBuilder &builder,
                               const RowsRequest &request) const {
    auto concat = cast<tensor::ConcatOp>(op);
    int64_t dim = concat.getDim();
    bool alongTokens = llvm::any_of(
        request.axes, [&](const TokenAxis &axis) { return axis.dim == dim; });
    if (!alongTokens || request.region[0].isAll())
      return cloneOnRows(op, builder, request);
    return joinRows(concat, builder, request);
  }
};

/// Fixed elements around features; rows around tokens are recomputed.
struct PadFlow : TokenFlowOpInterface::ExternalModel<PadFlow, tensor::PadOp> {
  FlowTransfer transferTokenFlow(Operation *op, Flows operands) const {
    auto pad = cast<tensor::PadOp>(op);
    if (!isStaticTensorOp(op) || !pad.getConstantPaddingValue())
      return FlowTransfer::whole("its padding is not constant");
    for (const TokenAxis &axis : operands[0].axes)
      if (pad.getStaticLow()[axis.dim] != 0 || pad.getStaticHigh()[axis.dim] != 0)
        return FlowTransfer::whole("pads the token axis");
    return followAxes(op, operands[0], operands[0].axes);
  }
};
} // namespace

void external::attachSliceFlow(MLIRContext *context) {
  tensor::ExtractSliceOp::attachInterface<ExtractFlow>(*context);
  tensor::InsertSliceOp::attachInterface<InsertFlow>(*context);
  tensor::ConcatOp::attachInterface<ConcatFlow>(*context);
  tensor::PadOp::attachInterface<PadFlow>(*context);
}
