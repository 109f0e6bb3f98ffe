//===- UnifyTiles.cpp - Spell repetition as Expand ------------------------===//
// Tile(x: [2, 3], [4, 2])  ==>  Reshape(Expand(Reshape(x, [1, 2, 1, 3]), [4, 2, 2, 3]),
// [8, 6]) Legal always. Heads of keys that several heads of queries share are repeated
// so.

#include "Patterns.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Support/HostTensor.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

namespace {
struct TileToExpand : OpRewritePattern<TileOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TileOp op, PatternRewriter &rw) const override {
    auto shape = getStaticShape(op.getInput());
    auto repeats = getConstantInts(op.getRepeats());
    auto type = dyn_cast<RankedTensorType>(op.getType());
    if (!shape || !repeats || !type || !type.hasStaticShape())
      return failure();
    Shape apart, expanded;
    for (auto [size, times] : llvm::zip_equal(*shape, *repeats)) {
      if (times != 1 && size != 1) { // whole copies stand one behind the other
        apart.push_back(1);
        expanded.push_back(times);
        apart.push_back(size);
        expanded.push_back(size);
        continue;
      }
      apart.push_back(size);
      expanded.push_back(size * times);
    }
    OnnxBuilder make(rw, op.getLoc());
    Value copies =
        make.make<ExpandOp>(make.reshape(op.getInput(), apart), make.ints(expanded));
    rw.replaceOp(op, make.reshape(copies, type.getShape()));
    return success();
  }
};
} // namespace

void weir::populateUnifyTilesPatterns(RewritePatternSet &patterns) {
  patterns.add<TileToExpand>(patterns.getContext());
}
