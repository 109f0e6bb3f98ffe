//===- DecomposeGemm.cpp - Spell products and sums as MatMul and Add ------===//
// Gemm(A, B, C)  ==>  Add(MatMul(A', alpha B'), beta C);  Sum(a, b, c)  ==>  Adds
// Legal always; constants are transposed and scaled here and now.

#include "Patterns.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Support/HostTensor.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

namespace {
struct DecomposeGemm : OpRewritePattern<GemmOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(GemmOp op, PatternRewriter &rw) const override {
    Type element = getElementType(op.getY());
    double alpha = op.getAlpha().convertToDouble(), beta = op.getBeta().convertToDouble();
    if (!getStaticShape(op.getA()) || !getStaticShape(op.getB()) ||
        !getStaticShape(op.getY()) || (!isNone(op.getC()) && !getStaticShape(op.getC())))
      return failure();
    if (!isa<FloatType>(element) && (alpha != 1 || beta != 1))
      return failure();
    OnnxBuilder make(rw, op.getLoc());
    Value a = op.getTransA() ? make.transposeMatrix(op.getA()) : op.getA();
    Value b = op.getTransB() ? make.transposeMatrix(op.getB()) : op.getB();
    bool scaleWeights = alpha != 1 && getConstantElements(b);
    if (scaleWeights)
      b = make.mul(b, make.scalar(alpha, element));
    Value y = make.matMul(a, b);
    if (alpha != 1 && !scaleWeights)
      y = make.mul(y, make.scalar(alpha, element));
    if (!isNone(op.getC()) && beta != 0) {
      Value c = beta == 1 ? op.getC() : make.mul(op.getC(), make.scalar(beta, element));
      y = make.add(y, c);
    }
    rw.replaceOp(op, y);
    return success();
  }
};

struct SumToAdds : OpRewritePattern<SumOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SumOp op, PatternRewriter &rw) const override {
    if (op->getNumOperands() < 2 || !llvm::all_of(op->getOperands(), [](Value operand) {
          return getStaticShape(operand).has_value();
        }))
      return failure();
    Value sum = op->getOperand(0);
    for (Value operand : op->getOperands().drop_front())
      sum = OnnxBuilder(rw, op.getLoc()).add(sum, operand);
    rw.replaceOp(op, sum);
    return success();
  }
};
} // namespace

void weir::populateDecomposeGemmPatterns(RewritePatternSet &patterns) {
  patterns.add<DecomposeGemm, SumToAdds>(patterns.getContext());
}
