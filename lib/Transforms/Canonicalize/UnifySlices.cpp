//===- UnifySlices.cpp - Spell all cuts as Slice of one axis --------------===//
// Split  ==>  one Slice a result
// Slice of several axes  ==>  Slices of one axis, positions counted from the front
// Gather of consecutive positions  ==>  Slice, and a Reshape for a scalar index
// Legal when shapes are static and positions constant. Steps other than 1 stay.

#include "Patterns.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/Remarks.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

namespace {
struct SplitToSlices : OpRewritePattern<SplitOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SplitOp op, PatternRewriter &rw) const override {
    auto shape = getStaticShape(op.getInput());
    if (!shape ||
        !llvm::all_of(op.getResults(), [](Value v) { return getStaticShape(v); }))
      return failure();
    int64_t axis = *normalizeAxis(op.getAxis(), shape->size()), start = 0;
    SmallVector<Value> parts;
    for (Value result : op.getResults()) {
      int64_t end = start + (*getStaticShape(result))[axis];
      parts.push_back(
          OnnxBuilder(rw, op.getLoc()).slice(op.getInput(), axis, start, end));
      start = end;
    }
    rw.replaceOp(op, parts);
    return success();
  }
};

/// The end operand that yields `range` of a dimension; before the first position there
/// is no number but a very negative one.
static int64_t endOf(const SliceRange &range) {
  int64_t end = range.start + range.step * range.size;
  if (range.step > 0) // no further than the last one taken
    return range.start + range.step * (range.size - 1) + 1;
  return end < 0 ? INT64_MIN : end;
}

struct SimplifySlice : OpRewritePattern<SliceOp> {
  using OpRewritePattern::OpRewritePattern;

  /// True when `op` slices `axis` to `range` in the spelling that this pattern makes.
  static bool isCanonical(SliceOp op, int64_t axis, const SliceRange &range) {
    auto only = [](Value value, int64_t wanted) {
      auto ints = getConstantInts(value);
      return getElementType(value) && getElementType(value).isSignlessInteger(64) &&
             ints && *ints == Shape{wanted};
    };
    bool plainStep =
        range.step == 1 ? isNone(op.getSteps()) : only(op.getSteps(), range.step);
    return only(op.getStarts(), range.start) && only(op.getEnds(), endOf(range)) &&
           !isNone(op.getAxes()) && only(op.getAxes(), axis) && plainStep;
  }

  LogicalResult matchAndRewrite(SliceOp op, PatternRewriter &rw) const override {
    auto shape = getStaticShape(op.getData());
    auto starts = getConstantInts(op.getStarts()), ends = getConstantInts(op.getEnds());
    std::optional<Shape> axes = Shape(), steps = Shape();
    if (!isNone(op.getAxes()))
      axes = getConstantInts(op.getAxes());
    if (!isNone(op.getSteps()))
      steps = getConstantInts(op.getSteps());
    if (!shape)
      return failure();
    if (!starts || !ends || !axes || !steps)
      return missed(op, "slices at positions that are computed from data");
    auto ranges = resolveSlice(*shape, *starts, *ends, *axes, *steps);
    if (!ranges)
      return failure();
    SmallVector<int64_t> cut;
    for (auto [axis, range] : llvm::enumerate(*ranges))
      if (range.start != 0 || range.step != 1 || range.size != (*shape)[axis])
        cut.push_back(axis);
    if (cut.size() == 1 && isCanonical(op, cut[0], (*ranges)[cut[0]]))
      return failure();
    OnnxBuilder make(rw, op.getLoc());
    Value value = op.getData();
    for (int64_t axis : cut) {
      const SliceRange &range = (*ranges)[axis];
      Value step = range.step == 1 ? make.none() : make.ints({range.step});
      value = make.make<SliceOp>(value, make.ints({range.start}),
                                 make.ints({endOf(range)}), make.ints({axis}), step);
    }
    rw.replaceOp(op, value);
    return success();
  }
};

struct GatherToSlice : OpRewritePattern<GatherOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(GatherOp op, PatternRewriter &rw) const override {
    auto shape = getStaticShape(op.getData()), result = getStaticShape(op.getOutput());
    ElementsAttr attr = getConstantElements(op.getIndices());
    if (!shape || !result || !attr || getConstantElements(op.getData()))
      return failure();
    FailureOr<HostTensor> tensor = HostTensor::get(attr);
    int64_t axis = *normalizeAxis(op.getAxis(), shape->size());
    if (failed(tensor) || tensor->getNumElements() == 0)
      return failure();
    std::vector<int64_t> indices = tensor->getInts();
    for (auto [i, index] : llvm::enumerate(indices)) {
      std::optional<int64_t> normal = normalizeAxis(index, (*shape)[axis]);
      if (!normal)
        return missed(op, "index {0} is outside of {1} positions", index, (*shape)[axis]);
      index = *normal;
      if (index != indices[0] + static_cast<int64_t>(i))
        return failure(); // scattered: stays a Gather
    }
    OnnxBuilder make(rw, op.getLoc());
    Value cut = make.slice(op.getData(), axis, indices.front(), indices.back() + 1);
    rw.replaceOp(op, make.reshape(cut, *result));
    return success();
  }
};
} // namespace

void weir::populateUnifySlicesPatterns(RewritePatternSet &patterns) {
  patterns.add<SplitToSlices, SimplifySlice, GatherToSlice>(patterns.getContext());
}
