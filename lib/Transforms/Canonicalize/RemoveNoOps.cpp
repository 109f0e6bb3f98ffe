//===- RemoveNoOps.cpp - Remove ops that return their operand -------------===//
// Identity(x), Cast(x) to its own type, x + 0, x * 1, Expand to its own shape  ==>  x
// Legal when the result has the operand's type: a broadcast is no identity. Adding 0.0
// to -0.0 gives 0.0; that difference is given up.
// And(x, true), Or(x, false) of a larger shape  ==>  Expand(x)

#include "Patterns.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/Remarks.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

static bool isOnes(Value value) {
  auto ints = getConstantInts(value);
  return ints && llvm::all_of(*ints, [](int64_t one) { return one == 1; });
}

static bool isZeros(Value value) {
  auto ints = getConstantInts(value);
  return ints && llvm::all_of(*ints, [](int64_t one) { return one == 0; });
}

/// The operand that `op` returns unchanged, or null.
static Value passedThrough(Operation *op) {
  return TypeSwitch<Operation *, Value>(op)
      .Case<IdentityOp, CastOp, ExpandOp>([](auto op) { return op->getOperand(0); })
      .Case<MaxOp, MinOp, SumOp, ConcatOp>(
          [](auto op) { return op->getNumOperands() == 1 ? op->getOperand(0) : Value(); })
      .Case([](TileOp op) { return isOnes(op.getRepeats()) ? op.getInput() : Value(); })
      .Case([](PadOp op) { return isZeros(op.getPads()) ? op.getData() : Value(); })
      .Case([](ClipOp op) {
        return isNone(op.getMin()) && isNone(op.getMax()) ? op.getInput() : Value();
      })
      .Case([](AddOp op) {
        return isConstantOf(op.getB(), 0)   ? op.getA()
               : isConstantOf(op.getA(), 0) ? op.getB()
                                            : Value();
      })
      .Case([](MulOp op) {
        return isConstantOf(op.getB(), 1)   ? op.getA()
               : isConstantOf(op.getA(), 1) ? op.getB()
                                            : Value();
      })
      .Case([](SubOp op) { return isConstantOf(op.getB(), 0) ? op.getA() : Value(); })
      .Case<DivOp, PowOp>(
          [](auto op) { return isConstantOf(op.getB(), 1) ? op.getA() : Value(); })
      .Default([](Operation *) { return Value(); });
}

namespace {
struct RemoveNoOp : RewritePattern {
  RemoveNoOp(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/2, context) {}
  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rw) const override {
    if (!isa_and_nonnull<OnnxDialect>(op->getDialect()) || op->getNumResults() != 1)
      return failure();
    Value same = passedThrough(op);
    if (!same || same.getType() != op->getResult(0).getType())
      return failure();
    rw.replaceOp(op, same);
    return success();
  }
};

/// The operand that a mask of one value leaves as it is, or null.
static Value maskedByNothing(Operation *op) {
  if (!isa<AndOp, OrOp>(op))
    return nullptr;
  double neutral = isa<AndOp>(op);
  return isConstantOf(op->getOperand(1), neutral)   ? op->getOperand(0)
         : isConstantOf(op->getOperand(0), neutral) ? op->getOperand(1)
                                                    : Value();
}

struct RemoveMask : RewritePattern {
  RemoveMask(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/2, context) {}
  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rw) const override {
    Value same = maskedByNothing(op);
    auto shape = same ? getStaticShape(op->getResult(0)) : std::nullopt;
    if (!shape || !getStaticShape(same))
      return failure();
    OnnxBuilder make(rw, op->getLoc());
    rw.replaceOp(op, make.make<ExpandOp>(same, make.ints(*shape)));
    return success();
  }
};

/// In inference dropout passes its data through, and its mask is all true.
struct RemoveDropout : OpRewritePattern<DropoutOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DropoutOp op, PatternRewriter &rw) const override {
    if (!isNone(op.getTrainingMode()) && !isConstantOf(op.getTrainingMode(), 0))
      return missed(op, "drops data at random: training_mode is not constant false");
    if (op.getData().getType() != op.getOutput().getType())
      return failure();
    Value mask = op.getMask();
    if (auto type = dyn_cast<RankedTensorType>(mask.getType()))
      mask = OnnxBuilder(rw, op.getLoc())
                 .constant(DenseElementsAttr::get(type, rw.getBoolAttr(true)));
    else if (mask.use_empty())
      mask = OnnxBuilder(rw, op.getLoc()).none();
    else
      return failure();
    rw.replaceOp(op, {op.getData(), mask});
    return success();
  }
};
} // namespace

void weir::populateRemoveNoOpsPatterns(RewritePatternSet &patterns) {
  patterns.add<RemoveNoOp, RemoveMask, RemoveDropout>(patterns.getContext());
}
