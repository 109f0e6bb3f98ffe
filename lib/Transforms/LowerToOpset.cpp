//===- LowerToOpset.cpp - Say newer operators in older ones ---------------===//
// Gelu(x)  ==>  x * 0.5 * (1 + Erf(x / sqrt 2))     below opset 20
// Only what the opset lacks is taken apart; what cannot be, is left for the writer to
// refuse.

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Dialect/Onnx/Opsets.h"
#include "weir/Support/NodeDiagnostics.h"
#include "weir/Transforms/Passes.h"
#include <cmath>

namespace weir {
#define GEN_PASS_DEF_LOWERTOOPSET
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;
using namespace weir::onnx;

namespace {
/// Replaces an op of static shape whose operator came after `opset`.
template <typename OpT>
struct Lowering : OpRewritePattern<OpT> {
  Lowering(MLIRContext *context, int64_t opset, Value (*build)(OnnxBuilder &, OpT))
      : OpRewritePattern<OpT>(context), opset(opset), build(build) {}

  LogicalResult matchAndRewrite(OpT op, PatternRewriter &rw) const override {
    if (opset >= opsetOfOperator(getOperatorName(op)) ||
        !getStaticShape(op->getOperand(0)) ||
        !llvm::all_of(llvm::drop_begin(op->getResults()),
                      [](Value result) { return result.use_empty(); }))
      return failure();
    OnnxBuilder b(rw, op.getLoc());
    Value made = build(b, op);
    rw.replaceAllUsesWith(op->getResult(0), made);
    rw.eraseOp(op);
    return success();
  }

  int64_t opset;
  Value (*build)(OnnxBuilder &, OpT);
};
} // namespace

static Value scaled(OnnxBuilder &b, Value x, double factor) {
  return factor == 1 ? x : b.mul(x, b.scalar(factor, getElementType(x)));
}

static Value shifted(OnnxBuilder &b, Value x, double offset) {
  return b.add(x, b.scalar(offset, getElementType(x)));
}

static Value lowerGelu(OnnxBuilder &b, GeluOp op) {
  Value x = op.getX(), phi;
  if (op.getApproximate() == "tanh") {
    Value cube = b.mul(b.mul(x, x), x);
    Value inner = b.add(x, scaled(b, cube, 0.044715));
    phi = b.make<TanhOp>(scaled(b, inner, std::sqrt(2 / M_PI)));
  } else {
    phi = b.make<ErfOp>(scaled(b, x, std::sqrt(0.5)));
  }
  return b.mul(scaled(b, x, 0.5), shifted(b, phi, 1));
}

static Value lowerHardSwish(OnnxBuilder &b, HardSwishOp op) {
  Value x = op.getX();
  Value zero = b.scalar(0, getElementType(x)), one = b.scalar(1, getElementType(x));
  Value gate = shifted(b, scaled(b, x, 1.0 / 6), 0.5);
  return b.mul(x, b.make<ClipOp>(gate, zero, one));
}

static Value lowerMish(OnnxBuilder &b, MishOp op) {
  return b.mul(op.getX(), b.make<TanhOp>(b.make<SoftplusOp>(op.getX())));
}

static Value lowerSwish(OnnxBuilder &b, SwishOp op) {
  Value gate = b.make<SigmoidOp>(scaled(b, op.getX(), op.getAlpha().convertToDouble()));
  return b.mul(op.getX(), gate);
}

/// The dimensions from `axis` on, over which normalisations go.
static Value axesFrom(OnnxBuilder &b, Value x, int64_t axis) {
  int64_t rank = getStaticShape(x)->size();
  axis = axis < 0 ? axis + rank : axis;
  return b.ints(llvm::to_vector(llvm::seq(axis, rank)));
}

static Value mean(OnnxBuilder &b, Value x, Value axes) {
  return b.make<ReduceMeanOp>(x, axes, /*keepdims=*/1, /*noop_with_empty_axes=*/0);
}

/// x / sqrt(mean(x^2) + epsilon)
static Value divideByRms(OnnxBuilder &b, Value x, Value axes, const APFloat &epsilon) {
  Value square = mean(b, b.mul(x, x), axes);
  Value rms = b.make<SqrtOp>(shifted(b, square, epsilon.convertToDouble()));
  return b.make<DivOp>(x, rms);
}

/// Small floats are normalised in f32, as `stash_type` has it.
static Value widened(OnnxBuilder &b, Value x, int64_t stashType) {
  Type element = getElementType(x);
  bool isSmall = element.isF16() || element.isBF16();
  return isSmall && stashType == 1 ? b.cast(x, Float32Type::get(x.getContext())) : x;
}

static Value lowerLayerNormalization(OnnxBuilder &b, LayerNormalizationOp op) {
  Value x = widened(b, op.getX(), op.getStashType());
  Value axes = axesFrom(b, x, op.getAxis());
  Value centred = b.make<SubOp>(x, mean(b, x, axes));
  Value normal = divideByRms(b, centred, axes, op.getEpsilon());
  Value y = b.mul(b.cast(normal, getElementType(op.getX())), op.getScale());
  return isNone(op.getB()) ? y : b.add(y, op.getB());
}

static Value lowerRmsNormalization(OnnxBuilder &b, RMSNormalizationOp op) {
  Value x = widened(b, op.getX(), op.getStashType());
  Value normal = divideByRms(b, x, axesFrom(b, x, op.getAxis()), op.getEpsilon());
  return b.mul(b.cast(normal, getElementType(op.getX())), op.getScale());
}

namespace {
struct LowerToOpset : weir::impl::LowerToOpsetBase<LowerToOpset> {
  using LowerToOpsetBase::LowerToOpsetBase;
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    MLIRContext *context = &getContext();
    patterns.add<Lowering<GeluOp>>(context, opset, lowerGelu);
    patterns.add<Lowering<HardSwishOp>>(context, opset, lowerHardSwish);
    patterns.add<Lowering<MishOp>>(context, opset, lowerMish);
    patterns.add<Lowering<SwishOp>>(context, opset, lowerSwish);
    patterns.add<Lowering<LayerNormalizationOp>>(context, opset, lowerLayerNormalization);
    patterns.add<Lowering<RMSNormalizationOp>>(context, opset, lowerRmsNormalization);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
