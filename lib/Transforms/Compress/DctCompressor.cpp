//===- DctCompressor.cpp - Rewrite one attention to frequencies of tokens -===//
// attention(q, k, v)  ==>  D^T attention(D q, D M k, D M v)   qkv
//                     ==>  D^T attention(q', k', v') of D x   x
//                     ==>  attention(q, R k, R v)             resample, pool
// Legal where it is asked for: only resample and pool of all rows compute the same. Maps
// go through projections (RowMapper.h), and D^T behind the output's.
//
// Padding. A key is padding where what is added to its scores is below -5000. qkv
// multiplies keys and values by M, 0 for padding; x takes no account of it, as published.
// With resample and pool, pseudo-token j stands for the share w_j = (R M 1)_j of a token:
//
//   attention(q, (R M k)_j / w_j, (R M v)_j / w_j, bias log w_j)
//
// without those whose share is small: R rings where padding begins, and what is divided
// by a small share blows up.

#include "DctCompressor.h"
#include "weir/Transforms/RaiseAttention.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// Pseudo-tokens that stand for less of a token are left out.
static constexpr double smallestShare = 0.25;

/// The rows of queries, keys, values or results: the last dimension but one.
RowsOf DctCompressor::rowsOf(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  int64_t dim = type.getRank() - 2;
  const TokenFlow &flow = flows.getFlow(value);
  if (std::optional<unsigned> index = flow.axisInDim(dim)) {
    // Each index is a row, also where a token is several.
    TokenAxis axis = flow.axes[*index].refined();
    if (axis.numRows() == type.getDimSize(dim))
      return {value, axis};
  }
  return {value, withRows(TokenAxis{dim}, type.getDimSize(dim))};
}

TokenMap DctCompressor::getMap() const {
  switch (variant) {
  case DctVariant::Qkv:
    return {TokenMap::Kind::Dct, kept, isFolded};
  case DctVariant::X:
    return {TokenMap::Kind::Dct, kept, /*isPushed=*/true, /*mapsBiases=*/false};
  case DctVariant::Resample:
    return {TokenMap::Kind::Resample, kept, isFolded};
  case DctVariant::Pool:
    return {TokenMap::Kind::Pool, kept, isFolded};
  }
  llvm_unreachable("all variants are listed");
}

std::string DctCompressor::findObstacle() {
  if (op.getFunction() != AttentionFunction::Softmax)
    return "its weights are no softmax";
  if (classifyBias(op) == AttentionBias::Position)
    return "what is added to its scores depends on the queries: distances, a band or a "
           "causal mask";
  if (kept > op.numKeys())
    return llvm::formatv("it has {0} keys, and {1} rows shall be kept", op.numKeys(),
                         kept);
  if (isFrequencies() && op.numQueries() != op.numKeys())
    return llvm::formatv("it has {0} queries and {1} keys, which have no frequencies in "
                         "common",
                         op.numQueries(), op.numKeys());
  if (variant == DctVariant::X)
    for (Value operand : {op.getQ(), op.getK(), op.getV()})
      if (!areProjected(rowsOf(operand), flows))
        return "its queries, keys or values are no projections of tokens";
  return "";
}

llvm::SetVector<Operation *> DctCompressor::getProjections() {
  llvm::SetVector<Operation *> found;
  for (Value operand : {op.getQ(), op.getK(), op.getV()})
    collectProjections(rowsOf(operand), flows, found);
  for (const LinearOp &linear : getOutputChain())
    if (linear.isProduct())
      found.insert(linear.op);
  return found;
}

/// From the result of the attention to its projection, if nothing else reads it.
SmallVector<LinearOp> DctCompressor::getOutputChain() {
  SmallVector<LinearOp> chain;
  RowsOf rows = rowsOf(op.getResult());
  while (rows.value.hasOneUse()) {
    OpOperand &use = *rows.value.use_begin();
    const FlowTransfer *transfer = flows.getTransfer(use.getOwner());
    if (!transfer || use.getOwner()->getNumResults() != 1)
      break;
    LinearOp linear;
    for (const TokenAxis &own : transfer->axes)
      for (const TokenAxis &axis : {own, own.refined()}) {
        LinearOp candidate = getLinearOp({use.getOwner()->getResult(0), axis}, flows);
        if (candidate && candidate.getAxis(use) == rows.axis &&
            candidate.carriers.size() == 1)
          linear = candidate;
      }
    if (!linear || linear.isSum())
      break;
    chain.push_back(linear);
    if (linear.isProduct())
      return chain;
    rows = {linear.op->getResult(0), linear.getAxis()};
  }
  return {};
}

Value DctCompressor::attend(Value q, Value k, Value v, Value bias) {
  auto result = cast<RankedTensorType>(op.getResult().getType());
  SmallVector<int64_t> shape(result.getShape());
  shape[shape.size() - 2] = *std::next(getStaticShape(q)->rbegin());
  // Where all keys are padding, no pseudo-token is left.
  return weir::AttentionOp::create(builder, op.getLoc(), result.clone(shape),
                                   AttentionFunction::Softmax, q, k, v, bias,
                                   op.getScale(), bias != nullptr)
      .getResult();
}

/// The attention of frequencies, projected while they are few, then tokens again.
void DctCompressor::compressTokens() {
  std::optional<KeyWeights> weights;
  if (variant == DctVariant::Qkv && op.getBias())
    weights.emplace(makeKeyWeights(builder, op), rowsOf(op.getK()));
  RowMapper all(builder, flows, getMap());
  RowMapper keys(builder, flows, getMap(), weights);
  RowMapper &ofKeys = weights ? keys : all;
  Value result = attend(all.map(rowsOf(op.getQ())), ofKeys.map(rowsOf(op.getK())),
                        ofKeys.map(rowsOf(op.getV())), /*bias=*/nullptr);
  RowsOf made = rowsOf(op.getResult());
  if (isFolded)
    for (const LinearOp &linear : getOutputChain()) {
      builder.setInsertionPoint(linear.op);
      SmallVector<Value> operands(linear.op->getOperands());
      operands[linear.carriers[0]->getOperandNumber()] = result;
      result = linear.build(builder, operands, kept);
      made = {linear.op->getResult(0), linear.getAxis()};
    }
  made.value.replaceAllUsesWith(invertDct(builder, made, result));
}

/// Queries meet pseudo-tokens.
void DctCompressor::resampleKeys() {
  if (!op.getBias()) {
    RowMapper mapper(builder, flows, getMap());
    Value k = mapper.map(rowsOf(op.getK())), v = mapper.map(rowsOf(op.getV()));
    op.getResult().replaceAllUsesWith(attend(op.getQ(), k, v, nullptr));
    return;
  }
  Value weights = makeKeyWeights(builder, op);
  RowMapper mapper(builder, flows, getMap(), KeyWeights(weights, rowsOf(op.getK())));
  Value k = mapper.map(rowsOf(op.getK())), v = mapper.map(rowsOf(op.getV()));
  int64_t dim = getStaticShape(weights)->size() - 2;
  Value share = makeTokenMap(builder, op.getLoc(), weights, dim, getMap());
  Type element = getElementType(weights);
  auto number = [&](double value) { return make.scalar(value, element); };
  // A mean of no tokens has the share 0, which is no rounding.
  double smallest = variant == DctVariant::Resample ? smallestShare : 0.5 / op.numKeys();
  Value isUsed = make.make<GreaterOrEqualOp>(share, number(smallest));
  Value safe = make.make<WhereOp>(isUsed, share, number(1));
  Value bias = make.make<WhereOp>(isUsed, make.make<LogOp>(safe), number(-HUGE_VAL));
  Value factor = make.div(make.cast(isUsed, element), safe);
  op.getResult().replaceAllUsesWith(attend(
      op.getQ(), make.mul(k, factor), make.mul(v, factor), make.transposeMatrix(bias)));
}

void DctCompressor::rewrite() {
  if (isFrequencies())
    compressTokens();
  else
    resampleKeys();
}
