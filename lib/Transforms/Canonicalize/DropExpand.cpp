//===- DropExpand.cpp - Let elementwise ops broadcast by themselves -------===//
// Add(x, Expand(y))  ==>  Add(x, y)
// Legal for a use whose op gets its result's shape from the other operands already.

#include "Patterns.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

static bool broadcasts(Operation *op) {
  return isa<AddOp, SubOp, MulOp, DivOp, PowOp, ModOp, AndOp, OrOp, XorOp, EqualOp,
             GreaterOp, GreaterOrEqualOp, LessOp, LessOrEqualOp, MaxOp, MinOp, SumOp,
             WhereOp>(op);
}

/// True when the op of `use` has the same result with `narrow` in that place.
static bool keepsShape(OpOperand &use, Value narrow) {
  auto wanted = getStaticShape(use.getOwner()->getResult(0));
  if (!wanted)
    return false;
  std::optional<Shape> shape = Shape(*getStaticShape(narrow));
  for (OpOperand &other : use.getOwner()->getOpOperands()) {
    if (&other == &use)
      continue;
    auto next = getStaticShape(other.get());
    shape = next ? broadcastShapes(*shape, *next) : std::nullopt;
    if (!shape)
      return false;
  }
  return ArrayRef<int64_t>(*shape) == *wanted;
}

namespace {
struct DropExpand : OpRewritePattern<ExpandOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ExpandOp op, PatternRewriter &rw) const override {
    if (!getStaticShape(op.getInput()))
      return failure();
    SmallVector<OpOperand *> free;
    for (OpOperand &use : op->getUses())
      if (broadcasts(use.getOwner()) && keepsShape(use, op.getInput()))
        free.push_back(&use);
    if (free.empty())
      return failure();
    // One at a time: two expanded operands of one op need each other's shape.
    rw.modifyOpInPlace(free[0]->getOwner(), [&] { free[0]->set(op.getInput()); });
    return success();
  }
};
} // namespace

void weir::populateDropExpandPatterns(RewritePatternSet &patterns) {
  patterns.add<DropExpand>(patterns.getContext());
}
