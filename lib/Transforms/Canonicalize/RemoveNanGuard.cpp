//===- RemoveNanGuard.cpp - Remove guards against rows that are all masked ===//
// p = Softmax(s);  Where(IsNaN(p), c, p)  ==>  p
// Legal for finite inputs when no row of s is -inf throughout: then a softmax is a
// number. PyTorch writes the guard into every export.

#include "Patterns.h"
#include "weir/Dialect/Onnx/Geometry.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/Remarks.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// What masks may be made of: rows along the last dimension that stay finite somewhere.
static bool keepsEveryRow(ElementsAttr attr) {
  FailureOr<HostTensor> mask = HostTensor::get(attr);
  if (failed(mask) || !isa<FloatType>(mask->getType().getElementType()))
    return false;
  int64_t length = mask->getShape().empty() ? 1 : mask->getShape().back();
  for (int64_t row = 0, e = mask->getNumElements(); row < e; row += length) {
    bool keeps = false;
    for (int64_t i = row; i < row + length && !keeps; ++i)
      keeps = std::isfinite(mask->getFloat(i));
    if (!keeps)
      return false;
  }
  return true;
}

/// The value behind views, scaling and the like that add no infinity; sets `masks` to
/// the number of constants with one that were added on the way.
static std::optional<Value> withoutMasks(Value scores, int &masks) {
  while (Operation *op = scores.getDefiningOp()) {
    if (isa<CastOp, TanhOp>(op)) {
      scores = op->getOperand(0);
      continue;
    }
    if (auto reshape = dyn_cast<ReshapeOp>(op)) { // rows stay rows
      auto from = getStaticShape(reshape.getData()), to = getStaticShape(scores);
      if (!from || !to || from->empty() || to->empty() || from->back() != to->back())
        return scores;
      scores = reshape.getData();
      continue;
    }
    if (!isa<AddOp, MulOp, DivOp, SubOp>(op))
      return scores;
    ElementsAttr attr = getConstantElements(op->getOperand(1));
    Value other = op->getOperand(0);
    if (!attr && !isa<DivOp, SubOp>(op)) {
      attr = getConstantElements(op->getOperand(0));
      other = op->getOperand(1);
    }
    if (!attr)
      return scores;
    FailureOr<HostTensor> tensor = HostTensor::get(attr);
    if (failed(tensor))
      return std::nullopt;
    bool finite =
        llvm::all_of(tensor->getFloats(), [](double x) { return std::isfinite(x); });
    if (!finite && (!isa<AddOp>(op) || !keepsEveryRow(attr)))
      return std::nullopt;
    masks += !finite;
    scores = other;
  }
  return scores;
}

/// True for values that sum products or copy the model's inputs: finite when those are.
static bool isUnmasked(Value value) {
  Operation *op = value.getDefiningOp();
  return op && isa<MatMulOp, EinsumOp, GemmOp>(op);
}

namespace {
struct RemoveNanGuard : OpRewritePattern<WhereOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(WhereOp op, PatternRewriter &rw) const override {
    auto test = op.getCondition().getDefiningOp<IsNaNOp>();
    if (!test || test.getX() != op.getY() || op.getType() != op.getY().getType())
      return failure();
    auto softmax = op.getY().getDefiningOp<SoftmaxOp>();
    auto shape = softmax ? getStaticShape(softmax.getInput()) : std::nullopt;
    if (!shape || normalizeAxis(softmax.getAxis(), shape->size()) !=
                      static_cast<int64_t>(shape->size()) - 1)
      return failure();
    int masks = 0;
    std::optional<Value> scores = withoutMasks(softmax.getInput(), masks);
    // Two masks that each keep a key may leave none together.
    if (!scores || masks > 1 || !isUnmasked(*scores))
      return missed(op,
                    "keeps the NaN guard: a row of the softmax may be masked throughout");
    rw.replaceOp(op, op.getY());
    return success();
  }
};
} // namespace

void weir::populateRemoveNanGuardPatterns(RewritePatternSet &patterns) {
  patterns.add<RemoveNanGuard>(patterns.getContext());
}
