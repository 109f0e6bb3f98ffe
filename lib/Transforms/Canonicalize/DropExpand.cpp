//===- DropExpand.cpp - Let elementwise ops broadcast by themselves -------===//
// Add(x, Expand(y))  ==>  Add(x, y)
// Legal for a use whose op gets its result's shape from the other operands already.
// Where(Expand(y), 0, -1)  ==>  Expand(Where(y, 0, -1))
// Legal always: equal elements stay equal. So a mask of keys meets the scores unexpanded.

#include "Patterns.h"
#include "mlir/IR/IRMapping.h"
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

struct SinkExpand : RewritePattern {
  SinkExpand(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  /// The shape that `op` has with the operands of its Expands; none where one is unknown.
  static std::optional<Shape> narrowShape(Operation *op) {
    std::optional<Shape> shape = Shape();
    for (Value operand : op->getOperands()) {
      auto expand = operand.getDefiningOp<ExpandOp>();
      auto next = getStaticShape(expand ? expand.getInput() : operand);
      shape = next ? broadcastShapes(*shape, *next) : std::nullopt;
      if (!shape)
        return std::nullopt;
    }
    return shape;
  }

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rw) const override {
    auto isExpanded = [](Value v) { return v.getDefiningOp<ExpandOp>() != nullptr; };
    if (!(broadcasts(op) || isa<NotOp, CastOp>(op)) ||
        llvm::none_of(op->getOperands(), isExpanded))
      return failure();
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    std::optional<Shape> narrow = narrowShape(op);
    if (!narrow || !type || !type.hasStaticShape() ||
        ArrayRef<int64_t>(*narrow) == type.getShape())
      return failure();
    IRMapping narrowed;
    for (Value operand : op->getOperands())
      if (auto expand = operand.getDefiningOp<ExpandOp>())
        narrowed.map(operand, expand.getInput());
    Operation *clone = rw.clone(*op, narrowed);
    clone->getResult(0).setType(type.clone(*narrow));
    OnnxBuilder make(rw, op->getLoc());
    rw.replaceOp(op,
                 make.make<ExpandOp>(clone->getResult(0), make.ints(type.getShape())));
    return success();
  }
};
} // namespace

void weir::populateDropExpandPatterns(RewritePatternSet &patterns) {
  patterns.add<DropExpand, SinkExpand>(patterns.getContext());
}
