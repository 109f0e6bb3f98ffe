//===- Retroactive.cpp - Attentions that a step may update ----------------===//

#include "weir/Analysis/Retroactive.h"

using namespace mlir;
using namespace weir;

/// All rows that are no tokens, then the tokens of these positions.
static Rows withFixedRows(const TokenAxis &axis,
                          std::initializer_list<std::pair<int64_t, int64_t>> tokens) {
  SmallVector<int64_t> rows;
  for (int64_t row = 0; row < axis.numRows(); ++row) {
    int64_t token = row - axis.lead;
    if (!axis.isToken(row) || llvm::any_of(tokens, [&](auto range) {
          return token >= range.first && token < range.second;
        }))
      rows.push_back(row);
  }
  return Rows::list(rows);
}

Rows RetroactiveMatch::leavingKeys() const {
  int64_t kept = keys.tokens - newKeys.right;
  return withFixedRows(
      keys, {{0, keys.chunk + newKeys.left}, {kept + keys.chunk, keys.tokens}});
}

Rows RetroactiveMatch::enteringKeys() const {
  return withFixedRows(keys,
                       {{0, newKeys.left}, {keys.tokens - newKeys.right, keys.tokens}});
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
  if (scores.axes.size() != 2 || values.axes.size() != 1 || !scores.slides() ||
      !values.slides())
    return std::nullopt;
  match.queries = scores.axes[0];
  match.keys = scores.axes[1];
  match.tokens = values.axes[0].refined();
  match.newQueries = scores.margins[0];
  int64_t fineness = match.tokens.tokens / values.axes[0].tokens;
  match.newKeys = {std::max(scores.margins[1].left, values.margins[0].left * fineness),
                   std::max(scores.margins[1].right, values.margins[0].right * fineness)};
  auto type = cast<RankedTensorType>(match.scores.getType());
  auto valueType = cast<RankedTensorType>(match.values.getType());
  auto resultType = cast<RankedTensorType>(result.getType());
  int64_t rank = type.getRank();
  bool isLaidOut = match.queries.dim == rank - 2 && match.keys.dim == rank - 1 &&
                   match.tokens.dim == valueType.getRank() - 2 &&
                   match.tokens.inDim(0) == match.keys.inDim(0) &&
                   match.newKeys.left + match.newKeys.right < match.keys.tokens &&
                   isWholeDim(match.queries, type) && isWholeDim(match.keys, type) &&
                   resultType.getShape().drop_back(2) == type.getShape().drop_back(2);
  bool isFloat = type.getElementType().isF32() || type.getElementType().isF64();
  if (!isLaidOut || !isFloat || !canTakeSlot(match.scores, 0, flows))
    return std::nullopt;
  return match;
}
