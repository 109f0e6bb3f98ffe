//===- TokenFlowPad.cpp - Token flow of Pad -------------------------------===//
// Rows of a padded token axis read the row that stands `before` earlier, or nothing:
//
//   x0 x1 x2 padded by 1 behind, cut by 1 in front   ->   x1 x2 0
//
// moves with the tokens but for its edges, as a convolution of one tap does.

#include "TokenFlow.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Dialect/Onnx/Pads.h"
#include "weir/Support/HostTensor.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

std::optional<Shape> onnx::resolvePads(PadOp pad) {
  auto shape = getStaticShape(pad.getData());
  auto given = getConstantInts(pad.getPads());
  if (!shape || !given)
    return std::nullopt;
  int64_t rank = shape->size();
  std::optional<Shape> axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  if (!isNone(pad.getAxes()))
    axes = getConstantInts(pad.getAxes());
  if (axes)
    axes = normalizeAxes(*axes, rank);
  if (!axes)
    return std::nullopt;
  Shape all(2 * rank, 0);
  for (auto [i, axis] : llvm::enumerate(*axes)) {
    all[axis] = (*given)[i];
    all[rank + axis] = (*given)[axes->size() + i];
  }
  return all;
}

static FlowTransfer padFlow(Operation *op, Flows operands) {
  const TokenFlow &input = operands[0];
  if (!hasStaticShapes(op))
    return FlowTransfer::whole("its shape is not fixed");
  std::optional<Shape> pads = resolvePads(cast<PadOp>(op));
  if (!pads)
    return FlowTransfer::whole("its pads are not constant");
  int64_t rank = pads->size() / 2;
  bool padsTokens = llvm::any_of(input.axes, [&](const TokenAxis &axis) {
    return (*pads)[axis.dim] != 0 || (*pads)[rank + axis.dim] != 0;
  });
  if (!padsTokens)
    return keepAxes(op, input);
  const TokenAxis &axis = input.axes.front();
  int64_t before = (*pads)[axis.dim], after = (*pads)[rank + axis.dim];
  if (input.axes.size() != 1 ||
      axis.numOuter(shapeOf(op->getOperand(0))[axis.dim]) != 1 || axis.inner != 1 ||
      axis.lead || axis.tail)
    return FlowTransfer::whole("pads merged tokens, or fixed rows");
  if (before < 0 || after < 0 || cast<PadOp>(op).getMode() != "constant")
    return FlowTransfer::whole("pads tokens by other tokens");
  FlowTransfer transfer;
  transfer.axes.push_back({axis.dim, 1, 0, axis.tokens + before + after, 0, axis.chunk});
  transfer.uses.resize(op->getNumOperands());
  RowMap::WindowShape oneTap;
  oneTap.padBefore = before;
  transfer.uses[0].push_back({axis, RowMap::window(0, oneTap)});
  transfer.reason = "all its rows are new tokens or padding";
  return transfer;
}

namespace {
/// Lays out demanded rows of a padded token axis, one run after the other.
struct RowsOfPad {
  PadOp op;
  OpBuilder &builder;
  const RowsRequest &request;
  int64_t dim = request.axes[0].dim;
  Value filler = request.operands[2];

  Value build();
  Value buildRun(ArrayRef<int64_t> held, int64_t first, int64_t last);
  SmallVector<int64_t> shapeOfRun(int64_t first, int64_t last) {
    SmallVector<int64_t> shape(request.resultType.getShape());
    shape[dim] = last - first + 1;
    return shape;
  }
};
} // namespace

/// Rows [first, last]: those of the data, padded by what stands outside of it.
Value RowsOfPad::buildRun(ArrayRef<int64_t> held, int64_t first, int64_t last) {
  Shape pads = *resolvePads(op);
  int64_t rank = pads.size() / 2, size = shapeOf(op.getData())[dim];
  int64_t begin = std::clamp<int64_t>(first - pads[dim], 0, size);
  int64_t end = std::clamp<int64_t>(last + 1 - pads[dim], begin, size);
  OnnxBuilder make(builder, op.getLoc());
  SmallVector<int64_t> shape = shapeOfRun(first, last);
  if (begin == end) { // nothing but padding
    Value value = isNone(filler) ? make.scalar(0, getElementType(op.getData()))
                                 : make.reshape(filler, {});
    return make.make<ExpandOp>(value, make.ints(shape));
  }
  int64_t offset = llvm::lower_bound(held, begin) - held.begin();
  Value rows = make.slice(request.operands[0], dim, offset, offset + end - begin);
  pads[dim] = std::max<int64_t>(0, pads[dim] - first);
  pads[rank + dim] = last - first + 1 - (end - begin) - pads[dim];
  return PadOp::create(builder, op.getLoc(), request.resultType.clone(shape), rows,
                       make.ints(pads), filler, make.none(), op.getMode());
}

Value RowsOfPad::build() {
  const AxisUse &use = request.transfer.uses[0].front();
  Rows held = use.map.operandRows(use.axis, request.axes, request.region);
  return joinRuns(op, builder, request, [&](int64_t first, int64_t last) {
    return buildRun(held.getPositions(), first, last);
  });
}

namespace {
template <typename OpT>
struct PadFlow : TokenFlowOpInterface::ExternalModel<PadFlow<OpT>, OpT> {
  FlowTransfer transferTokenFlow(Operation *op, Flows operands) const {
    return padFlow(op, operands);
  }
  FailureOr<Value> buildOnRows(Operation *op, OpBuilder &builder,
                               const RowsRequest &request) const {
    bool padsTokens =
        !request.transfer.uses[0].empty() &&
        request.transfer.uses[0].front().map.getKind() == RowMap::Kind::Window;
    if (!padsTokens)
      return cloneOnRows(op, builder, request);
    return RowsOfPad{cast<PadOp>(op), builder, request}.build();
  }
};
} // namespace

void onnx::attachPadFlow(MLIRContext *context) { attachAll<PadFlow, PadOp>(context); }
