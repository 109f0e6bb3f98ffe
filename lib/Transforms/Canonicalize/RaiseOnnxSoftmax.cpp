//===- RaiseOnnxSoftmax.cpp - Find the softmax that operators spell -------===//
// m = ReduceMax(x), e = Exp(x - m), Div(e, ReduceSum(e))  ==>  Softmax(x)
// Softmax(x - ReduceMax(x))                               ==>  Softmax(x)
// Legal when all reductions are over the one dimension of the softmax and keep it.
// Older exporters and hand-written modules spell it so.

#include "Patterns.h"
#include "weir/Dialect/Onnx/Geometry.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/HostTensor.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// The one dimension over which `value` reduces `data` and which it keeps.
template <typename Reduction>
static std::optional<int64_t> reducedDim(Value value, Value data) {
  auto op = value.getDefiningOp<Reduction>();
  auto shape = getStaticShape(data);
  if (!op || op.getData() != data || op.getKeepdims() == 0 || !shape)
    return std::nullopt;
  auto axes = op.getAxes() ? getConstantInts(op.getAxes()) : std::nullopt;
  return axes && axes->size() == 1 ? normalizeAxis(axes->front(), shape->size())
                                   : std::nullopt;
}

/// x of x - ReduceMax(x) over `dim`; null for another value.
static Value withoutMaximum(Value value, int64_t dim) {
  auto difference = value.getDefiningOp<SubOp>();
  if (!difference)
    return nullptr;
  Value x = difference.getA();
  return reducedDim<ReduceMaxOp>(difference.getB(), x) == dim ? x : nullptr;
}

namespace {
struct RaiseQuotient : OpRewritePattern<DivOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DivOp op, PatternRewriter &rw) const override {
    auto power = op.getA().getDefiningOp<ExpOp>();
    auto dim =
        power ? reducedDim<ReduceSumOp>(op.getB(), power.getResult()) : std::nullopt;
    Value x = dim ? withoutMaximum(power->getOperand(0), *dim) : nullptr;
    if (!x || x.getType() != op.getType())
      return failure();
    rw.replaceOpWithNewOp<SoftmaxOp>(op, op.getType(), x, *dim);
    return success();
  }
};

struct DropMaximum : OpRewritePattern<SoftmaxOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SoftmaxOp op, PatternRewriter &rw) const override {
    auto shape = getStaticShape(op.getInput());
    auto dim = shape ? normalizeAxis(op.getAxis(), shape->size()) : std::nullopt;
    Value x = dim ? withoutMaximum(op.getInput(), *dim) : nullptr;
    if (!x || x.getType() != op.getInput().getType())
      return failure();
    rw.modifyOpInPlace(op, [&] { op.getInputMutable().assign(x); });
    return success();
  }
};
} // namespace

void weir::populateRaiseOnnxSoftmaxPatterns(RewritePatternSet &patterns) {
  patterns.add<RaiseQuotient, DropMaximum>(patterns.getContext());
}
