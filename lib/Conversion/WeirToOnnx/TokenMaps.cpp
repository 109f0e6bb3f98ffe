//===- TokenMaps.cpp - Lower maps along the tokens to matrix products -----===//
// weir.dct %x  ==>  MatMul(D, %x), or the two stages of FastDct.h where those are less
// A tensor is read as [outer, tokens, inner]; the rows that a `weir.select_rows` takes of
// tokens that an inverse transform makes are the only ones made.

#include "weir/Dialect/Weir/TokenMaps.h"
#include "FastDct.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "weir/Conversion/Passes.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/HostTensor.h"
#include <cmath>

namespace weir {
#define GEN_PASS_DEF_CONVERTTOKENMAPSTOONNX
#include "weir/Conversion/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// A tensor as [outer, rows, inner]; without `outer` where that is 1.
static Value viewRows(OnnxBuilder &b, Value value, int64_t dim) {
  ArrayRef<int64_t> shape = *getStaticShape(value);
  int64_t outer = *countElements(shape.take_front(dim)), rows = shape[dim];
  int64_t inner = *countElements(shape.drop_front(dim + 1));
  if (outer == 1)
    return b.reshape(value, {rows, inner});
  return b.reshape(value, {outer, rows, inner});
}

static Value makeMatrix(OnnxBuilder &b, ArrayRef<double> entries, int64_t rows,
                        int64_t columns, Type element, StringRef name) {
  auto type = RankedTensorType::get({rows, columns}, element);
  return b.constant(HostTensor::fromFloats(type, entries).toAttr(name));
}

/// `matrix` times the rows of dimension `dim` of `value`, as a tensor of type `type`.
static Value multiplyRows(OnnxBuilder &b, ArrayRef<double> matrix, Value value,
                          int64_t dim, RankedTensorType type, StringRef name) {
  int64_t from = (*getStaticShape(value))[dim], to = type.getDimSize(dim);
  Value map = makeMatrix(b, matrix, to, from, type.getElementType(), name);
  return b.reshape(b.matMul(map, viewRows(b, value, dim)), type.getShape());
}

/// Is there nothing behind dimension `dim`?
static bool isLast(RankedTensorType type, int64_t dim) {
  return *countElements(type.getShape().drop_front(dim + 1)) == 1;
}

/// `weir.dct` ==> "dct".
static StringRef getMapName(Operation *op) {
  return op->getName().getStringRef().split('.').second;
}

namespace {
template <typename MapOp>
struct LowerToProduct : OpRewritePattern<MapOp> {
  using OpRewritePattern<MapOp>::OpRewritePattern;
  LogicalResult matchAndRewrite(MapOp op, PatternRewriter &rw) const override {
    OnnxBuilder b(rw, op.getLoc());
    rw.replaceOp(op, multiplyRows(b, makeTokenMapMatrix(op), op.getValue(), op.getDim(),
                                  op.getType(), getMapName(op)));
    return success();
  }
};

/// The two stages, where they are less and have features to work on at once.
template <typename MapOp>
struct LowerToStages : OpRewritePattern<MapOp> {
  using OpRewritePattern<MapOp>::OpRewritePattern;
  LogicalResult matchAndRewrite(MapOp op, PatternRewriter &rw) const override {
    constexpr bool isInverse = std::is_same_v<MapOp, IdctOp>;
    int64_t dim = op.getDim(), from = op.getValue().getType().getDimSize(dim);
    int64_t to = op.getType().getDimSize(dim);
    std::optional<FastDct> fast =
        FastDct::get(isInverse ? to : from, isInverse ? from : to);
    OnnxBuilder b(rw, op.getLoc());
    if (!fast || isLast(op.getType(), dim))
      return failure();
    Value rows = viewRows(b, op.getValue(), dim);
    Value made = isInverse ? fast->invert(b, rows, 1) : fast->transform(b, rows, 1);
    rw.replaceOp(op, b.reshape(made, op.getType().getShape()));
    return success();
  }
};

/// R = sqrt(m/n) D_m^T D, one after the other.
struct LowerResampleToStages : OpRewritePattern<ResampleOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ResampleOp op, PatternRewriter &rw) const override {
    int64_t dim = op.getDim(), from = op.getValue().getType().getDimSize(dim);
    int64_t to = op.getType().getDimSize(dim);
    std::optional<FastDct> there = FastDct::get(from, to), back = FastDct::get(to, to);
    double cost = there ? there->getCost() + (back ? back->getCost() : to * to) : 0;
    if (!there || cost >= from * to || isLast(op.getType(), dim))
      return failure();
    OnnxBuilder b(rw, op.getLoc());
    Value few = there->transform(b, viewRows(b, op.getValue(), dim),
                                 std::sqrt(static_cast<double>(to) / from));
    Value made = back ? back->invert(b, few, 1)
                      : b.matMul(b.transposeMatrix(makeMatrix(
                                     b, makeDctMatrix(to, to), to, to,
                                     op.getType().getElementType(), "resample")),
                                 few);
    rw.replaceOp(op, b.reshape(made, op.getType().getShape()));
    return success();
  }
};

/// Means of equal blocks, and of the larger ones before them.
struct LowerPool : OpRewritePattern<PoolOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(PoolOp op, PatternRewriter &rw) const override {
    int64_t dim = op.getDim(), to = op.getType().getDimSize(dim);
    Shape shape(op.getValue().getType().getShape());
    int64_t size = shape[dim] / to, larger = shape[dim] % to;
    OnnxBuilder b(rw, op.getLoc());
    auto average = [&](int64_t begin, int64_t blocks, int64_t blockSize) {
      Shape cut(shape);
      cut[dim] = blockSize;
      cut.insert(cut.begin() + dim, blocks);
      Value tokens = b.slice(op.getValue(), dim, begin, begin + blocks * blockSize);
      return b.make<ReduceMeanOp>(b.reshape(tokens, cut), b.ints({dim + 1}),
                                  /*keepdims=*/0);
    };
    Value rest = average(larger * (size + 1), to - larger, size);
    if (larger == 0) {
      rw.replaceOp(op, rest);
      return success();
    }
    Value first = average(0, larger, size + 1);
    rw.replaceOp(op, b.make<ConcatOp>(ValueRange{first, rest}, dim));
    return success();
  }
};

/// select_rows(idct(x)) ==> MatMul(rows of D^T, x), where no others are used.
struct LowerSelectedIdct : OpRewritePattern<SelectRowsOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SelectRowsOp op, PatternRewriter &rw) const override {
    auto idct = op.getValue().getDefiningOp<IdctOp>();
    if (!idct || idct.getDim() != op.getDim() || op.getInner() != 1 ||
        static_cast<int64_t>(op.getExtent()) !=
            idct.getType().getDimSize(idct.getDim()) ||
        !idct->hasOneUse())
      return failure();
    int64_t dim = idct.getDim(), kept = idct.getValue().getType().getDimSize(dim);
    std::vector<double> all = makeTokenMapMatrix(idct), rows;
    for (int64_t row : op.getIndices())
      rows.insert(rows.end(), all.begin() + row * kept, all.begin() + (row + 1) * kept);
    OnnxBuilder b(rw, op.getLoc());
    Value made = multiplyRows(b, rows, idct.getValue(), dim, op.getType(), "idct");
    rw.replaceOp(op, made);
    rw.eraseOp(idct);
    return success();
  }
};

struct ConvertTokenMapsToOnnx
    : weir::impl::ConvertTokenMapsToOnnxBase<ConvertTokenMapsToOnnx> {
  using ConvertTokenMapsToOnnxBase::ConvertTokenMapsToOnnxBase;
  void runOnOperation() override {
    RewritePatternSet selected(&getContext());
    selected.add<LowerSelectedIdct>(&getContext());
    walkAndApplyPatterns(getOperation(), std::move(selected));
    RewritePatternSet staged(&getContext());
    staged.add<LowerToStages<DctOp>, LowerToStages<IdctOp>, LowerResampleToStages>(
        &getContext());
    walkAndApplyPatterns(getOperation(), std::move(staged));
    RewritePatternSet patterns(&getContext());
    patterns.add<LowerToProduct<DctOp>, LowerToProduct<IdctOp>,
                 LowerToProduct<ResampleOp>, LowerPool>(&getContext());
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};
} // namespace
