//===- DecomposeRotary.cpp - Spell RotaryEmbedding as its parts -----------===//
// RotaryEmbedding(x, cos, sin)
//   ==>  Concat(x1 * cos - x2 * sin, x1 * sin + x2 * cos, rest)
// where x1, x2 are the halves of the rotated part, or its even and odd elements. Legal
// when shapes are static.

#include "Patterns.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Support/Remarks.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// [B, n, r/2] of a table, rows chosen by `ids` where there are any, with the dimension
/// of heads inserted at `headDim`.
static Value rowsOf(OnnxBuilder &make, Value table, Value ids, int64_t headDim) {
  if (!isNone(ids))
    table = make.make<GatherOp>(table, ids, /*axis=*/0);
  Shape shape(*getStaticShape(table));
  shape.insert(shape.begin() + headDim, 1);
  return make.reshape(table, shape);
}

static Value join(OnnxBuilder &make, ValueRange parts) {
  return parts.size() == 1 ? parts.front() : make.make<ConcatOp>(parts, /*axis=*/-1);
}

namespace {
struct DecomposeRotary : OpRewritePattern<RotaryEmbeddingOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RotaryEmbeddingOp op,
                                PatternRewriter &rw) const override {
    for (Value operand : op->getOperands())
      if (!isNone(operand) && !getStaticShape(operand))
        return missed(op, "stays whole: not all shapes are known");
    ArrayRef<int64_t> shape = *getStaticShape(op.getX());
    OnnxBuilder make(rw, op.getLoc());
    bool headed = shape.size() == 4;
    // [B, heads, n, d], or [B, n, heads, d] cut from [B, n, heads * d].
    Value x = op.getX();
    if (!headed)
      x = make.reshape(
          x, {shape[0], shape[1], op.getNumHeads(), shape[2] / op.getNumHeads()});
    int64_t headDim = headed ? 1 : 2, width = getStaticShape(x)->back();
    int64_t rotated = op.getRotaryEmbeddingDim() ? op.getRotaryEmbeddingDim() : width;
    Value cos = rowsOf(make, op.getCosCache(), op.getPositionIds(), headDim);
    Value sin = rowsOf(make, op.getSinCache(), op.getPositionIds(), headDim);
    Value turned =
        rotate(make, make.slice(x, 3, 0, rotated), cos, sin, op.getInterleaved());
    SmallVector<Value> parts{turned};
    if (rotated < width)
      parts.push_back(make.slice(x, 3, rotated, width));
    rw.replaceOp(op, make.reshape(join(make, parts), shape));
    return success();
  }

  static Value rotate(OnnxBuilder &make, Value x, Value cos, Value sin,
                      bool interleaved) {
    Shape shape(*getStaticShape(x));
    int64_t half = shape.back() / 2, axis = 3;
    Value first, second;
    if (interleaved) { // [.., r] as [.., r/2, 2]
      Shape pairs(shape), column(*getStaticShape(cos));
      pairs.back() = half;
      pairs.push_back(2);
      column.push_back(1);
      axis = 4;
      Value split = make.reshape(x, pairs);
      first = make.slice(split, axis, 0, 1);
      second = make.slice(split, axis, 1, 2);
      cos = make.reshape(cos, column);
      sin = make.reshape(sin, column);
    } else {
      first = make.slice(x, axis, 0, half);
      second = make.slice(x, axis, half, 2 * half);
    }
    Value real = make.make<SubOp>(make.mul(first, cos), make.mul(second, sin));
    Value imaginary = make.add(make.mul(first, sin), make.mul(second, cos));
    return make.reshape(join(make, {real, imaginary}), shape);
  }
};
} // namespace

void weir::populateDecomposeRotaryPatterns(RewritePatternSet &patterns) {
  patterns.add<DecomposeRotary>(patterns.getContext());
}
