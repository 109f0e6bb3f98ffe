//===- WeirToLinalg.cpp - Lower rings and rolls to slices -----------------===//
// ring_push %x, %r, %t  ==>  insert_slice %x into %r[slot]
// A push touches only the rows it writes, on the ring's own type: reshaping a state
// first would copy it both ways in bufferization. Many rows are a loop, few are not.

#include "Lowerings.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "weir/Conversion/Passes.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Weir/Weir.h"

namespace weir {
#define GEN_PASS_DEF_CONVERTWEIRTOLINALG
#include "weir/Conversion/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

/// Rows up to this number are copied without a loop.
static constexpr int64_t unrolledRows = 4;

namespace {
/// Dimension `dim` reads (outer, row, inner).
struct RowLayout {
  int64_t dim, inner, numRows;
  int64_t numOuter(Value tensor) const {
    return cast<RankedTensorType>(tensor.getType()).getDimSize(dim) / (numRows * inner);
  }
};

/// Neighbouring rows that are copied alike: rows [first, first + count) of a list hold
/// the window positions [position, position + count).
struct Run {
  int64_t first, position, count;
};

class RowCopier {
public:
  RowCopier(OpBuilder &b, Location loc) : b(b), loc(loc) {}
  using RowOf = function_ref<Value(Value)>;

  Value constant(int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }
  Value add(Value x, Value y) { return b.createOrFold<arith::AddIOp>(loc, x, y); }
  Value mul(Value x, int64_t y) {
    return b.createOrFold<arith::MulIOp>(loc, x, constant(y));
  }

  /// The slot of the token at window position `position` (a row of `axis`).
  Value slotOf(Value position, Value step, const TokenAxis &axis) {
    Value shift = mul(add(step, constant(1)), axis.chunk);
    Value token = add(position, constant(-axis.lead));
    Value slot = arith::RemUIOp::create(b, loc, add(token, shift), constant(axis.tokens));
    return add(slot, constant(axis.lead));
  }

  /// Copies row fromRow(i) of `from` to row toRow(i) of `to`, for i < count, in every
  /// outer repetition.
  Value copyRows(Value from, const RowLayout &fromLayout, Value to,
                 const RowLayout &toLayout, int64_t count, RowOf fromRow, RowOf toRow) {
    int64_t numOuter = fromLayout.numOuter(from);
    return repeat(numOuter, to, [&](Value outer, Value to) {
      return repeat(count, to, [&](Value i, Value to) {
        auto [source, sizes] = rowAt(from, fromLayout, outer, fromRow(i));
        auto [target, sameSizes] = rowAt(to, toLayout, outer, toRow(i));
        SmallVector<OpFoldResult> ones(sizes.size(), b.getIndexAttr(1));
        Value row = tensor::ExtractSliceOp::create(b, loc, from, source, sizes, ones);
        return tensor::InsertSliceOp::create(b, loc, row, to, target, sizes, ones)
            .getResult();
      });
    });
  }

private:
  /// Runs `body` `count` times on a value that it replaces.
  Value repeat(int64_t count, Value value, function_ref<Value(Value, Value)> body) {
    if (count <= unrolledRows) {
      for (int64_t i = 0; i < count; ++i)
        value = body(constant(i), value);
      return value;
    }
    auto loop =
        scf::ForOp::create(b, loc, constant(0), constant(count), constant(1), value);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value next = body(loop.getInductionVar(), loop.getRegionIterArg(0));
    scf::YieldOp::create(b, loc, next);
    return loop.getResult(0);
  }

  std::pair<SmallVector<OpFoldResult>, SmallVector<OpFoldResult>>
  rowAt(Value tensor, const RowLayout &layout, Value outer, Value row) {
    auto type = cast<RankedTensorType>(tensor.getType());
    SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0)), sizes;
    for (int64_t size : type.getShape())
      sizes.push_back(b.getIndexAttr(size));
    sizes[layout.dim] = b.getIndexAttr(layout.inner);
    Value flat = mul(add(mul(outer, layout.numRows), row), layout.inner);
    offsets[layout.dim] = getAsOpFoldResult(flat);
    return {offsets, sizes};
  }

  OpBuilder &b;
  Location loc;
};
} // namespace

/// Splits a list of rows where positions jump, or where fixed rows meet tokens.
static SmallVector<Run> splitRuns(ArrayRef<int64_t> positions, const TokenAxis &axis) {
  SmallVector<Run> runs;
  for (auto [i, position] : llvm::enumerate(positions)) {
    bool continues = !runs.empty() &&
                     runs.back().position + runs.back().count == position &&
                     axis.isToken(runs.back().position) == axis.isToken(position);
    if (continues)
      ++runs.back().count;
    else
      runs.push_back({static_cast<int64_t>(i), position, 1});
  }
  return runs;
}

/// Copies between a ring and a list of rows, in either direction.
static Value copyRing(OpBuilder &b, Location loc, Value from, Value to, bool intoRing,
                      Value step, const TokenAxis &axis, ArrayRef<int64_t> positions) {
  RowCopier copier(b, loc);
  RowLayout ring = {axis.dim, axis.inner, axis.numRows()};
  RowLayout list = {axis.dim, axis.inner, static_cast<int64_t>(positions.size())};
  for (const Run &run : splitRuns(positions, axis)) {
    auto listRow = [&](Value i) { return copier.add(i, copier.constant(run.first)); };
    auto ringRow = [&](Value i) {
      Value position = copier.add(i, copier.constant(run.position));
      return axis.isToken(run.position) ? copier.slotOf(position, step, axis) : position;
    };
    to = intoRing ? copier.copyRows(from, list, to, ring, run.count, listRow, ringRow)
                  : copier.copyRows(from, ring, to, list, run.count, ringRow, listRow);
  }
  return to;
}

static Value emptyLike(OpBuilder &b, Location loc, Value like) {
  auto type = cast<RankedTensorType>(like.getType());
  return tensor::EmptyOp::create(b, loc, type.getShape(), type.getElementType());
}

namespace {
struct LowerRingPush : OpRewritePattern<RingPushOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RingPushOp op, PatternRewriter &rw) const override {
    rw.replaceOp(op, copyRing(rw, op.getLoc(), op.getRows(), op.getRing(),
                              /*intoRing=*/true, op.getStep(), op.getAxis().toAxis(),
                              op.getPositions()));
    return success();
  }
};

/// Into new memory: what moves would be overwritten before it is read.
struct LowerShiftPush : OpRewritePattern<ShiftPushOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ShiftPushOp op, PatternRewriter &rw) const override {
    TokenAxis axis = op.getAxis().toAxis();
    RowCopier copier(rw, op.getLoc());
    RowLayout window = {axis.dim, axis.inner, axis.numRows()};
    RowLayout list = {axis.dim, axis.inner,
                      static_cast<int64_t>(op.getPositions().size())};
    Value result = emptyLike(rw, op.getLoc(), op.getResult());
    int64_t next = 0;
    for (const ShiftPushOp::Piece &piece : op.getPieces()) {
      result = copier.copyRows(
          piece.isNew ? op.getRows() : op.getWindow(), piece.isNew ? list : window,
          result, window, piece.count,
          [&](Value i) { return copier.add(i, copier.constant(piece.first)); },
          [&](Value i) { return copier.add(i, copier.constant(next)); });
      next += piece.count;
    }
    rw.replaceOp(op, result);
    return success();
  }
};

struct LowerRingRead : OpRewritePattern<RingReadOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RingReadOp op, PatternRewriter &rw) const override {
    Value rows = emptyLike(rw, op.getLoc(), op.getRows());
    rw.replaceOp(op, copyRing(rw, op.getLoc(), op.getRing(), rows, /*intoRing=*/false,
                              op.getStep(), op.getAxis().toAxis(), op.getPositions()));
    return success();
  }
};

/// A window is the list of all its rows.
struct LowerRoll : OpRewritePattern<RollOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RollOp op, PatternRewriter &rw) const override {
    TokenAxis axis = op.getAxis().toAxis();
    auto positions = llvm::to_vector(llvm::seq<int64_t>(0, axis.numRows()));
    Value slots = emptyLike(rw, op.getLoc(), op.getResult());
    rw.replaceOp(op, copyRing(rw, op.getLoc(), op.getWindow(), slots, /*intoRing=*/true,
                              op.getStep(), axis, positions));
    return success();
  }
};

struct LowerSelectRows : OpRewritePattern<SelectRowsOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SelectRowsOp op, PatternRewriter &rw) const override {
    int64_t dim = op.getDim(), inner = op.getInner(), extent = op.getExtent();
    ArrayRef<int64_t> indices = op.getIndices();
    RowCopier copier(rw, op.getLoc());
    RowLayout from = {dim, inner, extent};
    RowLayout to = {dim, inner, static_cast<int64_t>(indices.size())};
    TokenAxis fixed; // no token among them: positions are taken as they stand
    fixed.lead = extent;
    Value rows = emptyLike(rw, op.getLoc(), op.getRows());
    for (const Run &run : splitRuns(indices, fixed))
      rows = copier.copyRows(
          op.getValue(), from, rows, to, run.count,
          [&](Value i) { return copier.add(i, copier.constant(run.position)); },
          [&](Value i) { return copier.add(i, copier.constant(run.first)); });
    rw.replaceOp(op, rows);
    return success();
  }
};

struct ConvertWeirToLinalg : weir::impl::ConvertWeirToLinalgBase<ConvertWeirToLinalg> {
  using ConvertWeirToLinalgBase::ConvertWeirToLinalgBase;
  void runOnOperation() override {
    readRingsInPlace(getOperation());
    lowerAttentions(getOperation());
    RewritePatternSet patterns(&getContext());
    patterns
        .add<LowerRingPush, LowerRingRead, LowerRoll, LowerSelectRows, LowerShiftPush>(
            &getContext());
    populateAbsentLowerings(patterns);
    populateClusterChoiceLowerings(patterns);
    populateClusterMoveLowerings(patterns);
    populateSlidingDctLowerings(patterns);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
    lowerClusterGathers(getOperation());
    // Their bodies hold ops of the dialect, lowered by now.
    RewritePatternSet attentions(&getContext());
    populateRetroactiveLowerings(attentions);
    walkAndApplyPatterns(getOperation(), std::move(attentions));
  }
};
} // namespace
