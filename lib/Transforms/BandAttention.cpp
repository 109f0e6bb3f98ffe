//===- BandAttention.cpp - Let attentions see some neighbours only --------===//
// softmax(scores)  ==>  softmax(scores + mask), mask = -inf outside of a band
// Another model, made only where it is asked for.

#include "mlir/IR/Matchers.h"
#include "weir/Analysis/TokenFlow.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/Remarks.h"
#include "weir/Transforms/MakeContinual.h"
#include "weir/Transforms/Passes.h"

namespace weir {
#define GEN_PASS_DEF_BANDATTENTION
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

namespace {
/// A softmax over keys: where queries and keys stand in its scores.
struct TokenSoftmax {
  Operation *op;
  TokenAxis queries, keys;
};
} // namespace

static bool isWholeDim(const TokenAxis &axis, RankedTensorType type) {
  return axis.inner == 1 && axis.numRows() == axis.tokens &&
         axis.tokens == type.getDimSize(axis.dim);
}

/// The softmax over a token axis that `op` is, if its scores can be masked by position.
static std::optional<TokenSoftmax> match(Operation &op, const TokenFlowAnalysis &flows) {
  const FlowTransfer *transfer = flows.getTransfer(&op);
  if (!transfer || !transfer->isSoftmax)
    return std::nullopt;
  const AxisUse *keys = llvm::find_if(transfer->uses[0], [](const AxisUse &use) {
    return use.map.getKind() == RowMap::Kind::Normalize;
  });
  if (keys == transfer->uses[0].end())
    return std::nullopt;
  auto type = cast<RankedTensorType>(op.getOperand(0).getType());
  ArrayRef<TokenAxis> axes = flows.getFlow(op.getOperand(0)).axes;
  if (axes.size() != 2) {
    (void)missed(&op, "its queries are no tokens");
    return std::nullopt;
  }
  const TokenAxis &queries = axes[axes[0] == keys->axis ? 1 : 0];
  bool isSquare = queries.tokens == keys->axis.tokens;
  if (!isSquare || !isWholeDim(queries, type) || !isWholeDim(keys->axis, type)) {
    (void)missed(&op, "its queries or keys are not all, and only, the tokens");
    return std::nullopt;
  }
  return TokenSoftmax{&op, queries, keys->axis};
}

/// Does a query see all keys of the window anyway?
static bool masksNothing(const TokenSoftmax &softmax, int64_t before, int64_t after) {
  return std::min(before, after) >= softmax.keys.tokens - 1;
}

/// Zeros for keys [query - before, query + after], else -inf; 1 in other dimensions.
static ElementsAttr makeMask(const TokenSoftmax &softmax, int64_t before, int64_t after) {
  auto scores = cast<RankedTensorType>(softmax.op->getOperand(0).getType());
  SmallVector<int64_t> shape(scores.getRank(), 1);
  int64_t tokens = softmax.queries.tokens;
  shape[softmax.queries.dim] = shape[softmax.keys.dim] = tokens;
  HostTensor mask(scores.clone(shape));
  bool queriesFirst = softmax.queries.dim < softmax.keys.dim;
  for (int64_t query = 0; query < tokens; ++query)
    for (int64_t key = 0; key < tokens; ++key)
      if (query - key > before || key - query > after)
        mask.setFloat(queriesFirst ? query * tokens + key : key * tokens + query,
                      -HUGE_VAL);
  return mask.toAttr("band");
}

void weir::bandAttentions(func::FuncOp window, const ArgumentAxes &axes, int64_t before,
                          int64_t after) {
  // A front end may make one key of several tokens.
  int64_t chunk = getStreamedAxis(axes)->chunk;
  auto toKeys = [&](int64_t tokens, const TokenAxis &keys) {
    return tokens * keys.chunk / chunk;
  };
  TokenFlowAnalysis flows(window, axes, {});
  SmallVector<TokenSoftmax> softmaxes;
  for (Operation &op : window.getBody().front())
    if (std::optional<TokenSoftmax> softmax = match(op, flows))
      softmaxes.push_back(*softmax);
  for (const TokenSoftmax &softmax : softmaxes) {
    OpBuilder builder(softmax.op);
    Location loc = softmax.op->getLoc();
    Value scores = softmax.op->getOperand(0);
    int64_t back = toKeys(before, softmax.keys), ahead = toKeys(after, softmax.keys);
    if (masksNothing(softmax, back, ahead))
      continue;
    ElementsAttr mask = makeMask(softmax, back, ahead);
    Value constant = onnx::ConstantOp::create(builder, loc, mask.getType(), mask);
    Value masked = onnx::AddOp::create(builder, loc, scores.getType(), scores, constant);
    softmax.op->setOperand(0, masked);
  }
}

int64_t weir::getDeepReach(const ArgumentAxes &axes) {
  TokenAxis axis = *getStreamedAxis(axes);
  return axis.tokens - axis.chunk;
}

namespace {
struct BandAttention : weir::impl::BandAttentionBase<BandAttention> {
  using BandAttentionBase::BandAttentionBase;
  void runOnOperation() override {
    ContinualOptions options;
    options.tokenAxes.assign(tokenAxes.begin(), tokenAxes.end());
    options.chunk = chunk;
    FailureOr<ArgumentAxes> axes = findTokenAxes(getOperation(), options);
    if (failed(axes))
      return signalPassFailure();
    bandAttentions(getOperation(), *axes, before, after);
  }
};
} // namespace
