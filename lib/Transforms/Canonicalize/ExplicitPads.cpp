//===- ExplicitPads.cpp - Spell padding as the pads of a Conv -------------===//
// Conv {auto_pad}  ==>  Conv {pads};  Conv(Pad(x, 0))  ==>  Conv {pads + those}
// Legal when Pad pads with zeros, spatial dimensions only, and cuts nothing.

#include "Patterns.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Dialect/Onnx/Pads.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/Remarks.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

static std::optional<SmallVector<SlidingDim>>
slidingDims(Value x, ArrayRef<int64_t> kernel, ArrayAttr strides, ArrayAttr dilations,
            ArrayAttr pads, StringRef autoPad, bool ceilMode) {
  auto shape = getStaticShape(x);
  if (!shape)
    return std::nullopt;
  return resolveSliding(shape->drop_front(2), kernel, strides, dilations, pads, autoPad,
                        ceilMode);
}

static ArrayAttr padsOf(Builder &builder, ArrayRef<SlidingDim> dims) {
  Shape pads;
  for (const SlidingDim &dim : dims)
    pads.push_back(dim.padBegin);
  for (const SlidingDim &dim : dims)
    pads.push_back(dim.padEnd);
  return builder.getI64ArrayAttr(pads);
}

namespace {
struct ResolveAutoPad : OpRewritePattern<ConvOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ConvOp op, PatternRewriter &rw) const override {
    auto kernel = getStaticShape(op.getW());
    if (op.getAutoPad() == "NOTSET" || !kernel)
      return failure();
    auto dims = slidingDims(op.getX(), kernel->drop_front(2), op.getStridesAttr(),
                            op.getDilationsAttr(), nullptr, op.getAutoPad(), false);
    if (!dims)
      return failure();
    rw.modifyOpInPlace(op, [&] {
      op.setAutoPad("NOTSET");
      op.setPadsAttr(padsOf(rw, *dims));
    });
    return success();
  }
};

/// The pool's padding may count in the mean, so only its spelling changes.
template <typename Op>
struct ResolvePoolAutoPad : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rw) const override {
    if (op.getAutoPad() == "NOTSET")
      return failure();
    auto dims = slidingDims(op.getX(), getInts(op.getKernelShape()), op.getStridesAttr(),
                            op.getDilationsAttr(), nullptr, op.getAutoPad(), false);
    if (!dims)
      return failure();
    rw.modifyOpInPlace(op, [&] {
      op.setAutoPad("NOTSET");
      op.setCeilMode(0);
      op.setPadsAttr(padsOf(rw, *dims));
    });
    return success();
  }
};

struct PadIntoConv : OpRewritePattern<ConvOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ConvOp op, PatternRewriter &rw) const override {
    auto pad = op.getX().getDefiningOp<PadOp>();
    auto shape = pad ? getStaticShape(pad.getData()) : std::nullopt;
    if (!shape || op.getAutoPad() != "NOTSET")
      return failure();
    int64_t rank = shape->size();
    std::optional<Shape> all = resolvePads(pad);
    if (!all || pad.getMode() != "constant" ||
        (!isNone(pad.getConstantValue()) && !isConstantOf(pad.getConstantValue(), 0)))
      return missed(op, "keeps its Pad: it does not pad with a known number of zeros");
    bool spatialOnly =
        (*all)[0] == 0 && (*all)[1] == 0 && (*all)[rank] == 0 && (*all)[rank + 1] == 0;
    if (!spatialOnly || llvm::any_of(*all, [](int64_t size) { return size < 0; }))
      return missed(op, "keeps its Pad: it pads channels, or cuts");
    Shape pads = getInts(op.getPadsAttr());
    pads.resize(2 * (rank - 2), 0);
    for (int64_t i = 0; i < rank - 2; ++i) {
      pads[i] += (*all)[2 + i];
      pads[rank - 2 + i] += (*all)[rank + 2 + i];
    }
    rw.modifyOpInPlace(op, [&] {
      op.setPadsAttr(rw.getI64ArrayAttr(pads));
      op.getXMutable().assign(pad.getData());
    });
    return success();
  }
};
} // namespace

void weir::populateExplicitPadsPatterns(RewritePatternSet &patterns) {
  patterns.add<ResolveAutoPad, ResolvePoolAutoPad<AveragePoolOp>,
               ResolvePoolAutoPad<MaxPoolOp>, PadIntoConv>(patterns.getContext());
}
