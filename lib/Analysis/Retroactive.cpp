//===- Retroactive.cpp - Attentions that a step may update ----------------===//

#include "weir/Analysis/Retroactive.h"

using namespace mlir;
using namespace weir;

/// Does the value move by just its new tokens along all of its axes?
static bool slidesCleanly(const TokenFlow &flow) {
  return flow.slides() &&
         llvm::all_of(llvm::zip_equal(flow.axes, flow.margins), [](auto pair) {
           auto &[axis, margins] = pair;
           return margins.left == 0 && margins.right == axis.chunk &&
                  axis.chunk < axis.tokens;
         });
}

/// Can rows of axis `index` be computed one by one, whichever they are?
static bool canTakeSlot(Value value, unsigned index, const TokenFlowAnalysis &flows) {
  const TokenFlow &flow = flows.getFlow(value);
  const FlowTransfer *transfer =
      value.getDefiningOp() ? flows.getTransfer(value.getDefiningOp()) : nullptr;
  if (flow.isStill ||
      (flow.axes.size() == 1 && flow.slides() && (!transfer || !transfer->isView)))
    return true;
  if (!transfer || transfer->isWhole)
    return false;
  for (OpOperand &operand : value.getDefiningOp()->getOpOperands())
    for (const AxisUse &use : transfer->uses[operand.getOperandNumber()]) {
      RowMap::Kind kind = use.map.getKind();
      if (kind != RowMap::Kind::Same)
        return false;
      const TokenFlow &source = flows.getFlow(operand.get());
      if (use.map.getResultAxis() != index || source.isStill)
        continue;
      const auto *axis = llvm::find(source.axes, use.axis);
      if (axis != source.axes.end() &&
          !canTakeSlot(operand.get(), axis - source.axes.begin(), flows))
        return false;
    }
  return true;
}

static bool isWholeDim(const TokenAxis &axis, RankedTensorType type) {
  return axis.inner == 1 && axis.numOuter(type.getDimSize(axis.dim)) == 1;
}

std::optional<RetroactiveMatch> weir::matchRetroactive(Value result,
                                                       const TokenFlowAnalysis &flows) {
  RetroactiveMatch match;
  match.product = result.getDefiningOp();
  const FlowTransfer *product =
      match.product ? flows.getTransfer(match.product) : nullptr;
  if (!product || !product->isMatrixProduct || flows.getFlow(result).slides())
    return std::nullopt;
  Value weights = match.product->getOperand(0);
  match.values = match.product->getOperand(1);
  match.softmax = weights.getDefiningOp();
  const FlowTransfer *softmax =
      match.softmax ? flows.getTransfer(match.softmax) : nullptr;
  if (!softmax || !softmax->isSoftmax || !weights.hasOneUse())
    return std::nullopt;
  match.scores = match.softmax->getOperand(0);
  const TokenFlow &scores = flows.getFlow(match.scores);
  const TokenFlow &values = flows.getFlow(match.values);
  if (scores.axes.size() != 2 || values.axes.size() != 1 || !slidesCleanly(scores) ||
      !slidesCleanly(values))
    return std::nullopt;
  match.queries = scores.axes[0];
  match.keys = scores.axes[1];
  match.tokens = values.axes[0];
  auto type = cast<RankedTensorType>(match.scores.getType());
  auto valueType = cast<RankedTensorType>(match.values.getType());
  auto resultType = cast<RankedTensorType>(result.getType());
  int64_t rank = type.getRank();
  bool isLaidOut = match.queries.dim == rank - 2 && match.keys.dim == rank - 1 &&
                   match.tokens.dim == valueType.getRank() - 2 &&
                   match.tokens.inDim(0) == match.keys.inDim(0) &&
                   match.keys.numRows() == match.keys.tokens &&
                   isWholeDim(match.queries, type) && isWholeDim(match.keys, type) &&
                   resultType.getShape().drop_back(2) == type.getShape().drop_back(2);
  bool isFloat = type.getElementType().isF32() || type.getElementType().isF64();
  if (!isLaidOut || !isFloat || !canTakeSlot(match.scores, 0, flows))
    return std::nullopt;
  return match;
}
