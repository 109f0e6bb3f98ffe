//===- DecomposeQuantization.cpp - Dynamic quantization as plain operators ===//
// DynamicQuantizeLinear(x)  ==>  QuantizeLinear(x, (max - min) / 255, ..)
// MatMulInteger(A, B, a, b)  ==>  MatMul(A - a, B - b) of i32
// Legal always: the formulas are those of ONNX's definitions.

#include "Patterns.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

namespace {
struct DecomposeDynamicQuantize : OpRewritePattern<DynamicQuantizeLinearOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DynamicQuantizeLinearOp op,
                                PatternRewriter &rw) const override {
    Value x = op.getX();
    if (!getStaticShape(x))
      return failure();
    OnnxBuilder b(rw, op.getLoc());
    Type f32 = getElementType(x), byte = getElementType(op.getYZeroPoint());
    Value zero = b.scalar(0, f32), one = b.scalar(1, f32), most = b.scalar(255, f32);
    Value high = b.make<ReduceMaxOp>(x, b.none(), /*keepdims=*/0, /*noop=*/0);
    Value low = b.make<ReduceMinOp>(x, b.none(), /*keepdims=*/0, /*noop=*/0);
    high = b.make<MaxOp>(ValueRange{high, zero});
    low = b.make<MinOp>(ValueRange{low, zero});
    Value scale = b.make<DivOp>(b.make<SubOp>(high, low), most);
    // Zeros alone: any scale will do.
    scale = b.make<WhereOp>(b.make<EqualOp>(scale, zero), one, scale);
    Value point = b.make<DivOp>(b.make<NegOp>(low), scale);
    point = b.make<RoundOp>(b.make<ClipOp>(point, zero, most));
    point = b.cast(point, byte);
    Value y = b.make<QuantizeLinearOp>(x, scale, point, /*axis=*/1, /*block_size=*/0,
                                       /*output_dtype=*/TypeAttr(), /*precision=*/0,
                                       /*saturate=*/1);
    rw.replaceOp(op, {y, scale, point});
    return success();
  }
};

struct DecomposeMatMulInteger : OpRewritePattern<MatMulIntegerOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MatMulIntegerOp op, PatternRewriter &rw) const override {
    if (!llvm::all_of(op->getOperands(), [](Value operand) {
          return isNone(operand) || getStaticShape(operand);
        }))
      return failure();
    OnnxBuilder b(rw, op.getLoc());
    Type i32 = rw.getI32Type();
    auto centred = [&](Value matrix, Value zero) {
      matrix = b.cast(matrix, i32);
      return isNone(zero) ? matrix : b.make<SubOp>(matrix, b.cast(zero, i32));
    };
    Value rows = op.getAZeroPoint(); // one for each row of A
    if (!isNone(rows) && getStaticShape(rows)->size() == 1)
      rows = b.reshape(rows, {getStaticShape(rows)->front(), 1});
    rw.replaceOp(
        op, b.matMul(centred(op.getA(), rows), centred(op.getB(), op.getBZeroPoint())));
    return success();
  }
};
} // namespace

void weir::populateDecomposeQuantizationPatterns(RewritePatternSet &patterns) {
  patterns.add<DecomposeDynamicQuantize, DecomposeMatMulInteger>(patterns.getContext());
}
