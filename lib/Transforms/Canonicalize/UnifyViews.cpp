//===- UnifyViews.cpp - Spell all views as Reshape and Transpose ----------===//
// Squeeze, Unsqueeze, Flatten  ==>  Reshape to a constant shape of plain sizes
// Reshape(Reshape(x))  ==>  Reshape(x);  Transpose(Transpose(x))  ==>  Transpose(x)
// Reshape(Softmax(x))  ==>  Softmax(Reshape(x)) where the softmax dimension stays whole
// Legal when the result's shape is static.

#include "Patterns.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Support/HostTensor.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

namespace {
template <typename Op>
struct ToReshape : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rw) const override {
    auto shape = getStaticShape(op->getResult(0));
    if (!shape || !getStaticShape(op->getOperand(0)))
      return failure();
    rw.replaceOp(op, OnnxBuilder(rw, op.getLoc()).reshape(op->getOperand(0), *shape));
    return success();
  }
};

/// Also removes a Reshape to the shape that there is.
struct SimplifyReshape : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReshapeOp op, PatternRewriter &rw) const override {
    auto shape = getStaticShape(op.getReshaped());
    if (!shape || !getStaticShape(op.getData()))
      return failure();
    Value source = op.getData();
    if (auto inner = source.getDefiningOp<ReshapeOp>())
      if (getStaticShape(inner.getData()))
        source = inner.getData();
    bool plain = getConstantInts(op.getShape()) == Shape(*shape) &&
                 bool(op.getAllowzero()) == llvm::is_contained(*shape, 0);
    if (plain && source == op.getData() && source.getType() != op.getType())
      return failure();
    rw.replaceOp(op, OnnxBuilder(rw, op.getLoc()).reshape(source, *shape));
    return success();
  }
};

static Shape permOf(TransposeOp op, size_t rank) {
  if (op.getPermAttr())
    return getInts(op.getPermAttr());
  return llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, rank)));
}

/// Also writes out a missing `perm`, and removes the identity.
struct SimplifyTranspose : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op, PatternRewriter &rw) const override {
    auto shape = getStaticShape(op.getData());
    if (!shape)
      return failure();
    Shape perm = permOf(op, shape->size());
    auto inner = op.getData().getDefiningOp<TransposeOp>();
    if (!inner && op.getPermAttr() && !llvm::is_sorted(perm))
      return failure();
    Value source = op.getData();
    if (inner) {
      source = inner.getData();
      Shape first = permOf(inner, shape->size());
      for (int64_t &axis : perm)
        axis = first[axis];
    }
    rw.replaceOp(op, OnnxBuilder(rw, op.getLoc()).transpose(source, perm));
    return success();
  }
};

/// The dimension of `to` that is dimension `axis` of `from`, whole and at its stride.
static std::optional<int64_t> sameDim(ArrayRef<int64_t> from, int64_t axis,
                                      ArrayRef<int64_t> to) {
  int64_t inner = rowMajorStrides(from)[axis];
  Shape strides = rowMajorStrides(to);
  for (auto [dim, size] : llvm::enumerate(to))
    if (size == from[axis] && size != 1 && strides[dim] == inner)
      return dim;
  return std::nullopt;
}

/// Attention scores that are reshaped on both sides of their softmax are one value.
template <typename Op>
struct ReshapeAboveSoftmax : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReshapeOp op, PatternRewriter &rw) const override {
    auto softmax = op.getData().getDefiningOp<Op>();
    auto to = getStaticShape(op.getReshaped());
    if (!softmax || !softmax->hasOneUse() || !to)
      return failure();
    auto from = getStaticShape(softmax.getInput());
    if (!from || llvm::is_contained(*from, 0))
      return failure();
    std::optional<int64_t> axis =
        sameDim(*from, *normalizeAxis(softmax.getAxis(), from->size()), *to);
    if (!axis)
      return failure();
    Value moved = OnnxBuilder(rw, op.getLoc()).reshape(softmax.getInput(), *to);
    rw.setInsertionPoint(op);
    Value result = Op::create(rw, softmax.getLoc(), moved, *axis);
    rw.replaceOp(op, result);
    return success();
  }
};
} // namespace

void weir::populateUnifyViewsPatterns(RewritePatternSet &patterns) {
  patterns.add<ToReshape<SqueezeOp>, ToReshape<UnsqueezeOp>, ToReshape<FlattenOp>,
               SimplifyReshape, SimplifyTranspose, ReshapeAboveSoftmax<SoftmaxOp>,
               ReshapeAboveSoftmax<LogSoftmaxOp>>(patterns.getContext());
}
