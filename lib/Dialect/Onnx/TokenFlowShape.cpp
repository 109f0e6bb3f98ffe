//===- TokenFlowShape.cpp - Token flow of ops that move data --------------===//

#include "TokenFlow.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Support/HostTensor.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

//===----------------------------------------------------------------------===//
// Slice
//===----------------------------------------------------------------------===//

namespace {
/// A slice of one dimension, positions normalised; `end` is meant for a step of 1 only.
struct SimpleSlice {
  int64_t dim, begin, end, step;

  static std::optional<SimpleSlice> get(SliceOp op) {
    auto starts = getConstantInts(op.getStarts()), ends = getConstantInts(op.getEnds());
    auto axes = getConstantInts(op.getAxes()), steps = getConstantInts(op.getSteps());
    bool hasAxes = !isa<NoneType>(op.getAxes().getType());
    bool hasSteps = !isa<NoneType>(op.getSteps().getType());
    if (!starts || !ends || starts->size() != 1 || ends->size() != 1 ||
        (hasAxes && !axes) || (hasSteps && !steps))
      return std::nullopt;
    ArrayRef<int64_t> shape = shapeOf(op.getData());
    int64_t dim = *normalizeAxis(hasAxes ? axes->front() : 0, shape.size());
    auto clamp = [&](int64_t at) {
      return std::clamp<int64_t>(at < 0 ? at + shape[dim] : at, 0, shape[dim]);
    };
    return SimpleSlice{dim, clamp(starts->front()), clamp(ends->front()),
                       hasSteps ? steps->front() : 1};
  }
};
} // namespace

/// A range of rows of the axis with that number, which is read as `axis`: what is left of
/// it, or nothing.
static FlowTransfer sliceRowsFlow(Operation *op, const TokenFlow &input, unsigned number,
                                  const TokenAxis &axis, int64_t begin, int64_t end) {
  int64_t first = std::max(begin, axis.lead);
  int64_t last = std::min(end, axis.lead + axis.tokens);
  TokenAxis rest = axis;
  rest.lead = std::max<int64_t>(0, std::min(end, axis.lead) - begin);
  rest.tokens = std::max<int64_t>(0, last - first);
  rest.tail = std::max<int64_t>(0, end - std::max(begin, axis.lead + axis.tokens));
  bool isPick = rest.tokens <= axis.chunk;
  FlowTransfer transfer;
  transfer.uses.resize(op->getNumOperands());
  for (auto [place, other] : llvm::enumerate(input.axes)) {
    unsigned index = transfer.axes.size();
    if (place != number) {
      transfer.axes.push_back(other);
      transfer.uses[0].push_back({other, RowMap::same(index)});
    } else if (isPick) {
      transfer.uses[0].push_back(
          {axis, RowMap::pick(Rows::range(begin, end).getPositions())});
      transfer.reason = "takes single tokens";
    } else {
      transfer.axes.push_back(rest);
      transfer.uses[0].push_back({axis, RowMap::offset(index, begin)});
    }
  }
  // Keys keep their distance to queries only where neither is cut in front.
  if (input.band && begin == 0 && !isPick)
    transfer.band = input.band;
  return transfer;
}

static FlowTransfer sliceFlow(Operation *op, Flows operands) {
  const TokenFlow &input = operands[0];
  std::optional<SimpleSlice> slice = SimpleSlice::get(cast<SliceOp>(op));
  if (!slice)
    return FlowTransfer::whole("its bounds are not constant");
  std::optional<unsigned> index = input.axisInDim(slice->dim);
  if (!index) {
    FlowTransfer transfer = keepAxes(op, input);
    transfer.band = input.band;
    transfer.linearity = Linearity::Moves;
    return transfer;
  }
  if (slice->step != 1)
    return FlowTransfer::whole("takes tokens at a distance, or backward");
  TokenAxis axis = input.axes[*index];
  int64_t size = shapeOf(op->getOperand(0))[slice->dim];
  int64_t block = axis.numRows() * axis.inner;
  if (axis.numOuter(size) > 1) {
    if (slice->begin % block == 0 && slice->end % block == 0)
      return keepAxes(op, input); // whole blocks of all rows
    return FlowTransfer::whole("cuts a dimension in which tokens are merged");
  }
  if (slice->begin % axis.inner != 0 || slice->end % axis.inner != 0)
    axis = axis.refined();
  return sliceRowsFlow(op, input, *index, axis, slice->begin / axis.inner,
                       slice->end / axis.inner);
}

/// Where the slice chose tokens, its operand already holds just those rows.
static FailureOr<Value> buildSlice(Operation *op, OpBuilder &builder,
                                   const RowsRequest &request) {
  if (request.operands[0].getType() == request.resultType)
    return request.operands[0];
  std::optional<SimpleSlice> slice = SimpleSlice::get(cast<SliceOp>(op));
  if (slice->step != 1)
    return cloneOnRows(op, builder, request);
  auto size =
      cast<RankedTensorType>(request.operands[0].getType()).getDimSize(slice->dim);
  int64_t original = shapeOf(op->getOperand(0))[slice->dim];
  // Whole blocks of merged rows shrink with the rows.
  int64_t begin = slice->begin * size / original, end = slice->end * size / original;
  OnnxBuilder make(builder, op->getLoc());
  return SliceOp::create(builder, op->getLoc(), request.resultType, request.operands[0],
                         make.ints(begin), make.ints(end), make.ints(slice->dim),
                         make.none())
      .getResult();
}

//===----------------------------------------------------------------------===//
// Concat
//===----------------------------------------------------------------------===//

/// Joins along features: all operands are asked for the same rows.
static FlowTransfer concatFeaturesFlow(Operation *op, Flows operands) {
  FlowTransfer transfer;
  transfer.linearity = Linearity::Moves;
  for (const TokenFlow &flow : operands)
    for (const TokenAxis &axis : flow.axes)
      if (!addAxis(transfer.axes, axis))
        return FlowTransfer::whole("the token axes of the operands do not line up");
  for (Value operand : op->getOperands()) {
    auto &uses = transfer.uses.emplace_back();
    for (auto [index, axis] : llvm::enumerate(transfer.axes))
      if (shapeOf(operand)[axis.dim] != 1)
        uses.push_back({axis, RowMap::same(index)});
  }
  return transfer;
}

/// Fixed rows before and after the tokens of one operand.
static FlowTransfer concatRowsFlow(Operation *op, Flows operands, int64_t dim) {
  FlowTransfer transfer;
  transfer.uses.resize(op->getNumOperands());
  std::optional<unsigned> stream;
  int64_t before = 0, after = 0;
  for (auto [index, flow] : llvm::enumerate(operands)) {
    int64_t size = shapeOf(op->getOperand(index))[dim];
    if (!flow.axisInDim(dim)) {
      (stream ? after : before) += size;
      if (!flow.axes.empty())
        return FlowTransfer::whole("joins rows that carry tokens of another axis");
      continue;
    }
    if (stream)
      return FlowTransfer::whole("joins two values along the token axis");
    stream = index;
  }
  const TokenFlow &flow = operands[*stream];
  // Fixed rows have the size of one index, so tokens are read index by index too.
  TokenAxis axis = flow.axes[*flow.axisInDim(dim)].refined();
  if (flow.axes.size() != 1 || axis.numOuter(shapeOf(op->getOperand(*stream))[dim]) != 1)
    return FlowTransfer::whole("joins rows to merged tokens");
  TokenAxis joined = axis;
  joined.lead += before;
  joined.tail += after;
  transfer.axes.push_back(joined);
  transfer.uses[*stream].push_back({axis, RowMap::offset(0, -before)});
  return transfer;
}

static FlowTransfer concatFlow(Operation *op, Flows operands) {
  int64_t rank = shapeOf(op->getResult(0)).size();
  int64_t dim = *normalizeAxis(cast<ConcatOp>(op).getAxis(), rank);
  bool alongTokens = llvm::any_of(
      operands, [&](const TokenFlow &flow) { return flow.axisInDim(dim).has_value(); });
  return alongTokens ? concatRowsFlow(op, operands, dim)
                     : concatFeaturesFlow(op, operands);
}

namespace {
/// Lays out the demanded rows of a concatenation of fixed rows and tokens.
struct RowsOfConcat {
  ConcatOp op;
  OpBuilder &builder;
  const RowsRequest &request;
  int64_t dim;
  SmallVector<Value> pieces;

  /// Rows [begin, end) of `value`.
  void take(Value value, int64_t begin, int64_t end) {
    auto type = cast<RankedTensorType>(value.getType());
    if (end - begin == type.getDimSize(dim)) {
      pieces.push_back(value);
      return;
    }
    SmallVector<int64_t> shape(type.getShape());
    shape[dim] = end - begin;
    OnnxBuilder make(builder, op.getLoc());
    pieces.push_back(SliceOp::create(builder, op.getLoc(), type.clone(shape), value,
                                     make.ints(begin), make.ints(end), make.ints(dim),
                                     make.none()));
  }

  Value finish() {
    if (pieces.size() == 1)
      return pieces.front();
    return ConcatOp::create(builder, op.getLoc(), request.resultType, pieces, dim);
  }

  /// The operand that holds `row`, and the row's number inside it.
  std::pair<unsigned, int64_t> locate(int64_t row) {
    for (auto [index, operand] : llvm::enumerate(op.getInputs())) {
      int64_t size = shapeOf(operand)[dim];
      if (row < size)
        return {index, row};
      row -= size;
    }
    llvm_unreachable("row outside the concatenation");
  }
};
} // namespace

static FailureOr<Value> buildConcat(Operation *op, OpBuilder &builder,
                                    const RowsRequest &request) {
  auto concat = cast<ConcatOp>(op);
  int64_t dim = *normalizeAxis(concat.getAxis(), request.resultType.getRank());
  bool alongTokens =
      llvm::any_of(request.axes, [&](const TokenAxis &axis) { return axis.dim == dim; });
  if (!alongTokens || request.region[0].isAll()) {
    // A restricted operand of size 1 along the demanded rows needs no care: the other
    // dimensions of all operands are restricted alike.
    return cloneOnRows(op, builder, request);
  }
  RowsOfConcat rows{concat, builder, request, dim, {}};
  ArrayRef<int64_t> positions = request.region[0].getPositions();
  int64_t streamed = 0; // rows of the stream operand already laid out
  for (size_t i = 0; i < positions.size();) {
    auto [operand, first] = rows.locate(positions[i]);
    size_t j = i + 1;
    while (j < positions.size() && rows.locate(positions[j]).first == operand &&
           positions[j] == positions[j - 1] + 1)
      ++j;
    bool isStream = !request.transfer.uses[operand].empty();
    int64_t begin = isStream ? streamed : first;
    rows.take(request.operands[operand], begin, begin + (j - i));
    streamed += isStream ? j - i : 0;
    i = j;
  }
  return rows.finish();
}

void onnx::attachShapeFlow(MLIRContext *context) {
  attachAll<FlowModel<sliceFlow, buildSlice>::Of, SliceOp>(context);
  attachAll<FlowModel<concatFlow, buildConcat>::Of, ConcatOp>(context);
}
