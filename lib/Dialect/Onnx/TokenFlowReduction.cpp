//===- TokenFlowReduction.cpp - Token flow of softmax, norms, reductions --===//

#include "TokenFlow.h"
#include "weir/Support/HostTensor.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// Softmax over features keeps everything. Over a token axis every weight depends on all
/// scores of its row, unless a mask leaves the row a band.
static FlowTransfer softmaxFlow(Operation *op, Flows operands) {
  const TokenFlow &input = operands[0];
  ArrayRef<int64_t> shape = shapeOf(op->getOperand(0));
  int64_t dim =
      *normalizeAxis(op->getAttrOfType<IntegerAttr>("axis").getSInt(), shape.size());
  FlowTransfer transfer = followOperand(op, input, input.axes);
  std::optional<unsigned> key = input.axisInDim(dim);
  if (!key) {
    transfer.band = std::nullopt;
    return transfer;
  }
  TokenAxis axis = input.axes[*key];
  if (axis.numOuter(shape[dim]) != 1)
    return mixTokens(op, input, "normalizes tokens together with other entries");
  if (axis.inner != 1) { // a token of several keys: each key by itself
    axis = axis.refined();
    transfer.axes[*key] = transfer.uses[0][*key].axis = axis;
    transfer.band = std::nullopt;
  }
  transfer.reason = "softmax over the token axis";
  std::optional<RowMap::QueryBand> band;
  if (transfer.band && input.axes.size() == 2 && !axis.lead && !axis.tail &&
      isa<SoftmaxOp>(op)) {
    band =
        RowMap::QueryBand{1 - *key, *key == 1 ? *input.band : input.band->transposed()};
    transfer.band->outside = Band::Outside::Zero;
  } else {
    transfer.band = std::nullopt;
  }
  transfer.uses[0][*key].map = RowMap::normalize(*key, band);
  transfer.isSoftmax = isa<SoftmaxOp>(op);
  transfer.absent = AbsentToken::Lowest;
  return transfer;
}

/// Norms over the trailing dimensions from `axis` on.
static FlowTransfer trailingNormFlow(Operation *op, Flows operands) {
  const TokenFlow &input = operands[0];
  int64_t rank = shapeOf(op->getOperand(0)).size();
  int64_t first = *normalizeAxis(op->getAttrOfType<IntegerAttr>("axis").getSInt(), rank);
  for (const TokenAxis &axis : input.axes)
    if (axis.dim >= first)
      return mixTokens(op, input, "normalizes over the token axis");
  for (Value extra : op->getResults().drop_front())
    if (!extra.use_empty())
      return FlowTransfer::whole("its statistics are used");
  return keepAxes(op, input);
}

static FlowTransfer channelNormFlow(Operation *op, Flows operands) {
  if (operands[0].axisInDim(1))
    return mixTokens(op, operands[0], "its channels are tokens");
  return keepAxes(op, operands[0]);
}

static FlowTransfer instanceNormFlow(Operation *op, Flows operands) {
  for (const TokenAxis &axis : operands[0].axes)
    if (axis.dim > 0)
      return mixTokens(op, operands[0], "normalizes over the token axis");
  return keepAxes(op, operands[0]);
}

/// Reduced dimensions, sorted; none when they are not constant.
static std::optional<SmallVector<int64_t>> reducedDims(Operation *op, int64_t rank) {
  Value axes = op->getOperand(1);
  auto noop = op->getAttrOfType<IntegerAttr>("noop_with_empty_axes");
  SmallVector<int64_t> dims;
  if (!isa<NoneType>(axes.getType())) {
    std::optional<SmallVector<int64_t>> given = getConstantInts(axes);
    if (!given)
      return std::nullopt;
    for (int64_t axis : *given)
      dims.push_back(*normalizeAxis(axis, rank));
  }
  if (dims.empty() && !(noop && noop.getSInt()))
    dims = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  llvm::sort(dims);
  return dims;
}

/// What changes no reduction of other tokens.
static AbsentToken neutralToken(Operation *op) {
  if (isa<ReduceMeanOp, GlobalAveragePoolOp>(op))
    return AbsentToken::Mean;
  if (isa<ReduceMaxOp, GlobalMaxPoolOp, ReduceLogSumExpOp>(op))
    return AbsentToken::Lowest;
  if (isa<ReduceMinOp>(op))
    return AbsentToken::Highest;
  if (isa<ReduceProdOp>(op))
    return AbsentToken::One;
  return isa<ReduceSumOp, ReduceL1Op, ReduceL2Op, ReduceSumSquareOp>(op)
             ? AbsentToken::Zero
             : AbsentToken::Unknown;
}

static FlowTransfer reductionFlow(Operation *op, const TokenFlow &input,
                                  ArrayRef<int64_t> dims, bool keepDims) {
  FlowTransfer transfer;
  transfer.absent = neutralToken(op);
  transfer.uses.resize(op->getNumOperands());
  for (const TokenAxis &axis : input.axes) {
    if (llvm::is_contained(dims, axis.dim)) {
      transfer.uses[0].push_back({axis, RowMap::all()});
      transfer.reason = "reduces over the token axis";
      continue;
    }
    int64_t before = llvm::count_if(dims, [&](int64_t dim) { return dim < axis.dim; });
    transfer.axes.push_back(axis.inDim(keepDims ? axis.dim : axis.dim - before));
    transfer.uses[0].push_back({axis, RowMap::same(transfer.axes.size() - 1)});
  }
  return transfer;
}

static FlowTransfer reduceFlow(Operation *op, Flows operands) {
  int64_t rank = shapeOf(op->getOperand(0)).size();
  std::optional<SmallVector<int64_t>> dims = reducedDims(op, rank);
  if (!dims)
    return FlowTransfer::whole("its axes are not constant");
  bool keepDims = op->getAttrOfType<IntegerAttr>("keepdims").getSInt() != 0;
  return reductionFlow(op, operands[0], *dims, keepDims);
}

static FlowTransfer argReduceFlow(Operation *op, Flows operands) {
  int64_t rank = shapeOf(op->getOperand(0)).size();
  int64_t dim = *normalizeAxis(op->getAttrOfType<IntegerAttr>("axis").getSInt(), rank);
  if (operands[0].axisInDim(dim))
    return FlowTransfer::whole("searches along the token axis");
  bool keepDims = op->getAttrOfType<IntegerAttr>("keepdims").getSInt() != 0;
  return reductionFlow(op, operands[0], dim, keepDims);
}

/// Each token selects among its own features; among tokens, nothing is known of the
/// order.
static FlowTransfer topKFlow(Operation *op, Flows operands) {
  int64_t rank = shapeOf(op->getOperand(0)).size();
  int64_t dim = *normalizeAxis(cast<TopKOp>(op).getAxis(), rank);
  if (operands[0].axisInDim(dim))
    return FlowTransfer::whole("searches along the token axis");
  FlowTransfer transfer = keepAxes(op, operands[0]);
  transfer.sharesAxes = true;
  return transfer;
}

static FlowTransfer globalPoolFlow(Operation *op, Flows operands) {
  int64_t rank = shapeOf(op->getOperand(0)).size();
  return reductionFlow(op, operands[0], llvm::to_vector(llvm::seq<int64_t>(2, rank)),
                       /*keepDims=*/true);
}

static FlowTransfer cumSumFlow(Operation *op, Flows operands) {
  std::optional<SmallVector<int64_t>> axis = getConstantInts(op->getOperand(1));
  int64_t rank = shapeOf(op->getOperand(0)).size();
  if (!axis || axis->size() != 1 ||
      operands[0].axisInDim(*normalizeAxis(axis->front(), rank)))
    return mixTokens(op, operands[0], "adds up along the token axis");
  return keepAxes(op, operands[0]);
}

namespace {
template <FlowTransfer (*Function)(Operation *, Flows)>
struct Model {
  template <typename OpT>
  struct Flow : TokenFlowOpInterface::ExternalModel<Flow<OpT>, OpT> {
    FlowTransfer transferTokenFlow(Operation *op, Flows operands) const {
      if (!hasStaticShapes(op))
        return FlowTransfer::whole("its shape is not fixed");
      return Function(op, operands);
    }
  };
};
} // namespace

void onnx::attachReductionFlow(MLIRContext *context) {
  attachAll<Model<softmaxFlow>::Flow, SoftmaxOp, LogSoftmaxOp>(context);
  attachAll<Model<trailingNormFlow>::Flow, LayerNormalizationOp, RMSNormalizationOp>(
      context);
  attachAll<Model<channelNormFlow>::Flow, BatchNormalizationOp>(context);
  attachAll<Model<instanceNormFlow>::Flow, InstanceNormalizationOp>(context);
  attachAll<Model<reduceFlow>::Flow, ReduceMeanOp, ReduceSumOp, ReduceMaxOp, ReduceMinOp,
            ReduceProdOp, ReduceL1Op, ReduceL2Op, ReduceSumSquareOp, ReduceLogSumExpOp>(
      context);
  attachAll<Model<argReduceFlow>::Flow, ArgMaxOp, ArgMinOp>(context);
  attachAll<Model<topKFlow>::Flow, TopKOp>(context);
  attachAll<Model<globalPoolFlow>::Flow, GlobalAveragePoolOp, GlobalMaxPoolOp>(context);
  attachAll<Model<cumSumFlow>::Flow, CumSumOp>(context);
}
