//===- Absent.cpp - Lower what knows of tokens that have not come ---------===//
// mask_absent       ==>  a generic that selects by the window position of the row
// scale_to_present  ==>  a generic that multiplies by rows / rows that are there

#include "Lowerings.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "weir/Dialect/Weir/Slots.h"
#include "weir/Dialect/Weir/Weir.h"

using namespace mlir;
using namespace weir;

static Value indexConstant(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

/// Tokens that have come by step t and still stand in the window.
static Value countPresent(OpBuilder &b, Location loc, Value step, const TokenAxis &axis) {
  Value next = arith::AddIOp::create(b, loc, step, indexConstant(b, loc, 1));
  Value come = arith::MulIOp::create(b, loc, next, indexConstant(b, loc, axis.chunk));
  come = arith::SubIOp::create(b, loc, come, indexConstant(b, loc, axis.skippedTokens()));
  // None before the first step.
  come = arith::MaxSIOp::create(b, loc, come, indexConstant(b, loc, 0));
  return arith::MinSIOp::create(b, loc, come, indexConstant(b, loc, axis.tokens));
}

Value weir::findFirstPresent(OpBuilder &b, Location loc, Value step,
                             const TokenAxis &axis) {
  return arith::SubIOp::create(b, loc, indexConstant(b, loc, axis.tokens),
                               countPresent(b, loc, step, axis));
}

namespace {
struct LowerMaskAbsent : OpRewritePattern<MaskAbsentOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MaskAbsentOp op, PatternRewriter &rw) const override;
};
} // namespace

/// The window position of row `row`, counted without fixed rows; `tokens` for those.
static Value positionOf(OpBuilder &b, Location loc, Value row, Value step,
                        const TokenAxis &axis) {
  Value size = indexConstant(b, loc, axis.tokens);
  Value token = arith::SubIOp::create(b, loc, row, indexConstant(b, loc, axis.lead));
  Value position =
      makePosition(b, loc, token, makeShift(b, loc, step, axis), axis.tokens);
  Value isToken = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, token, size);
  return arith::SelectOp::create(b, loc, isToken, position, size);
}

LogicalResult LowerMaskAbsent::matchAndRewrite(MaskAbsentOp op,
                                               PatternRewriter &rw) const {
  Location loc = op.getLoc();
  TokenAxis axis = op.getAxis().toAxis();
  RankedTensorType type = op.getValue().getType();
  unsigned rank = type.getRank();
  Value firstPresent = findFirstPresent(rw, loc, op.getStep(), axis);
  AffineMap identity = AffineMap::getMultiDimIdentityMap(rank, rw.getContext());
  SmallVector<Value> ins = {op.getValue()};
  SmallVector<AffineMap> maps = {identity};
  int64_t numRows = axis.numRows();
  if (op.getPositions()) {
    // One position for each entry of the dimension.
    SmallVector<int64_t> entries;
    numRows = op.getPositions()->size();
    for (int64_t i = 0; i < type.getDimSize(axis.dim); ++i) {
      int64_t row = (*op.getPositions())[i / axis.inner % numRows];
      entries.push_back(axis.isToken(row) ? row - axis.lead : axis.tokens);
    }
    auto positions = DenseElementsAttr::get(
        RankedTensorType::get(entries.size(), rw.getI64Type()), ArrayRef(entries));
    ins.push_back(arith::ConstantOp::create(rw, loc, positions));
    maps.push_back(AffineMap::get(rank, 0, rw.getAffineDimExpr(axis.dim)));
  }
  maps.push_back(identity);
  Value fill =
      arith::ConstantOp::create(rw, loc, getFill(op.getFill(), type.getElementType()));
  Value init = tensor::EmptyOp::create(rw, loc, type.getShape(), type.getElementType());
  auto masked = linalg::GenericOp::create(
      rw, loc, type, ins, init, maps,
      SmallVector<utils::IteratorType>(rank, utils::IteratorType::parallel),
      [&](OpBuilder &b, Location at, ValueRange in) {
        Value position;
        if (op.getPositions()) {
          position = arith::IndexCastOp::create(b, at, b.getIndexType(), in[1]);
        } else {
          Value entry = linalg::IndexOp::create(b, at, axis.dim);
          Value row =
              arith::DivUIOp::create(b, at, entry, indexConstant(b, at, axis.inner));
          row = arith::RemUIOp::create(b, at, row, indexConstant(b, at, numRows));
          position = positionOf(b, at, row, op.getStep(), axis);
        }
        Value isThere = arith::CmpIOp::create(b, at, arith::CmpIPredicate::sge, position,
                                              firstPresent);
        Value chosen = arith::SelectOp::create(b, at, isThere, in[0], fill);
        linalg::YieldOp::create(b, at, chosen);
      });
  rw.replaceOp(op, masked);
  return success();
}

namespace {
struct LowerScaleToPresent : OpRewritePattern<ScaleToPresentOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ScaleToPresentOp op, PatternRewriter &rw) const override {
    Location loc = op.getLoc();
    TokenAxis axis = op.getAxis().toAxis();
    RankedTensorType type = op.getValue().getType();
    Type element = type.getElementType();
    Value count =
        arith::AddIOp::create(rw, loc, countPresent(rw, loc, op.getStep(), axis),
                              indexConstant(rw, loc, axis.numRows() - axis.tokens));
    count = arith::MaxSIOp::create(rw, loc, count, indexConstant(rw, loc, 1));
    Value whole = arith::IndexCastOp::create(rw, loc, rw.getI64Type(), count);
    Value present = arith::SIToFPOp::create(rw, loc, element, whole);
    Value all =
        arith::ConstantOp::create(rw, loc, rw.getFloatAttr(element, axis.numRows()));
    Value scale = arith::DivFOp::create(rw, loc, all, present);
    AffineMap identity =
        AffineMap::getMultiDimIdentityMap(type.getRank(), rw.getContext());
    Value init = tensor::EmptyOp::create(rw, loc, type.getShape(), element);
    auto scaled = linalg::GenericOp::create(
        rw, loc, type, op.getValue(), init, ArrayRef{identity, identity},
        SmallVector<utils::IteratorType>(type.getRank(), utils::IteratorType::parallel),
        [&](OpBuilder &b, Location at, ValueRange in) {
          Value product = arith::MulFOp::create(b, at, in[0], scale);
          linalg::YieldOp::create(b, at, product);
        });
    rw.replaceOp(op, scaled);
    return success();
  }
};
} // namespace

void weir::populateAbsentLowerings(RewritePatternSet &patterns) {
  patterns.add<LowerMaskAbsent, LowerScaleToPresent>(patterns.getContext());
}
