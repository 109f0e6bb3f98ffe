//===- Retroactive.cpp - Lower updated attentions to linalg ---------------===//
// retroactive_attention  ==>  elementwise updates of all rows, then a loop over slots
//                             that builds the rows which need it, from all keys
// Everything is on the states' own types, so that they are updated in place.

#include "../Lowerings.h"
#include "Attention.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace weir;
using namespace weir::retroactive;

using Part = RetroactiveAttentionOp;
using IteratorType = Attention::IteratorType;

static Value isNotZero(OpBuilder &b, Location loc, Value number) {
  Value zero = arith::ConstantIntOp::create(b, loc, 0, 64);
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, number, zero);
}

/// 1 for each slot whose query is no new one, [queries].
static Value findOldRows(Attention &attention) {
  AffineMap slots = attention.leading(1, 1);
  Value shift = attention.shiftOf(attention.queries);
  auto type =
      RankedTensorType::get({attention.queries.numRows()}, attention.rw.getI64Type());
  return attention
      .generic({}, {}, {attention.empty(type)}, {slots}, {IteratorType::parallel},
               [&](Floats &f, ValueRange) -> SmallVector<Value> {
                 Value slot = linalg::IndexOp::create(f.b, f.loc, 0);
                 Value isOld = f.negate(attention.isNew(f.b, slot, shift));
                 return {arith::ExtUIOp::create(f.b, f.loc, f.b.getI64Type(), isOld)};
               })
      .front();
}

/// 1 for each row that has lost its precision, [.., queries].
static Value findBadRows(Attention &attention, Value oldNormalizer) {
  using Predicate = arith::CmpFPredicate;
  unsigned rank = attention.rank();
  AffineMap rows = attention.leading(rank, rank);
  auto flags = attention.rowsType.clone(attention.rw.getI64Type());
  bool isPublished = attention.has(RetroactiveForm::Published);
  auto isBad = [&](Floats &f, ValueRange in) {
    if (isPublished) // zeros: no step came before
      return f.is(Predicate::OEQ, in[1], f.constant(0));
    Value tolerance = f.constant(attention.op.getTolerance().convertToDouble());
    Value isPrecise = f.both(f.is(Predicate::OGE, in[1], f.constant(0.5)),
                             f.is(Predicate::OLE, in[2], f.mul(tolerance, in[1])));
    return f.both(f.negate(isPrecise), f.negate(f.isMasked(in[3])));
  };
  SmallVector<Value> ins = {findOldRows(attention)};
  if (isPublished)
    ins.push_back(oldNormalizer);
  else
    ins.append({attention.states[Part::Normalizer], attention.states[Part::Bound],
                attention.states[Part::Reference]});
  SmallVector<AffineMap> maps(ins.size(), rows);
  maps.front() = rows.getMinorSubMap(1);
  return attention
      .generic(ins, maps, {attention.empty(flags)}, {rows},
               SmallVector<IteratorType>(rank, IteratorType::parallel),
               [&](Floats &f, ValueRange in) -> SmallVector<Value> {
                 return {f.select(isBad(f, in), in[0], f.integer(0))};
               })
      .front();
}

/// Sums integers over all dimensions but the last, or over all.
static Value sumFlags(Attention &attention, Value flags, bool keepLast) {
  auto type = cast<RankedTensorType>(flags.getType());
  unsigned rank = type.getRank();
  AffineMap all = attention.leading(rank, rank);
  SmallVector<IteratorType> kinds(rank, IteratorType::reduction);
  if (keepLast)
    kinds.back() = IteratorType::parallel;
  auto sums = type.clone(type.getShape().take_back(keepLast));
  AffineMap kept = keepLast ? all.getMinorSubMap(1) : attention.leading(rank, 0);
  return attention
      .generic({flags}, {all}, {attention.fill(sums, 0)}, {kept}, kinds,
               [](Floats &f, ValueRange in) -> SmallVector<Value> {
                 return {arith::AddIOp::create(f.b, f.loc, in[0], in[1])};
               })
      .front();
}

/// Adds the bad rows of this step to the counts, once the window is full.
static void countRows(Attention &attention, Value badInRow) {
  OpBuilder &b = attention.rw;
  Location loc = attention.loc;
  Value sum = sumFlags(attention, badInRow, /*keepLast=*/false);
  Value number = tensor::ExtractOp::create(b, loc, sum, ValueRange());
  Value before = arith::MulIOp::create(b, loc, attention.op.getStep(),
                                       attention.index(attention.keys.chunk));
  Value isFull = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::uge, before,
                                       attention.index(attention.keys.tokens));
  number = arith::SelectOp::create(b, loc, isFull, number, attention.integer(0));
  Value &rebuilt = attention.states[Part::Rebuilt];
  Value first = attention.index(0), second = attention.index(1);
  Value total = tensor::ExtractOp::create(b, loc, rebuilt, first);
  Value worst = tensor::ExtractOp::create(b, loc, rebuilt, second);
  total = arith::AddIOp::create(b, loc, total, number);
  worst = arith::MaxSIOp::create(b, loc, worst, number);
  rebuilt = tensor::InsertOp::create(b, loc, total, rebuilt, first);
  rebuilt = tensor::InsertOp::create(b, loc, worst, rebuilt, second);
}

/// Puts a built row into the states, for the heads that asked or, if it is new, for all.
static SmallVector<Value> replaceRow(Attention &attention, ValueRange states, Value bad,
                                     Value isNew, Value slot) {
  unsigned rank = attention.rank();
  SmallVector<Value> row = buildRow(attention, slot), next(states);
  Value badHere = attention.slice(bad, rank - 1, slot, /*drop=*/false);
  for (auto [state, built] : llvm::zip_equal(next, row)) {
    if (!built)
      continue;
    Value before = attention.slice(state, rank - 1, slot, /*drop=*/false);
    unsigned loops = cast<RankedTensorType>(built.getType()).getRank();
    AffineMap all = attention.leading(loops, loops);
    Value chosen =
        attention
            .generic({built, badHere}, {all, attention.leading(loops, rank)}, {before},
                     {all}, SmallVector<IteratorType>(loops, IteratorType::parallel),
                     [&](Floats &f, ValueRange in) -> SmallVector<Value> {
                       Value takes = f.either(isNotZero(f.b, f.loc, in[1]), isNew);
                       return {f.select(takes, in[0], in[2])};
                     })
            .front();
    state = attention.insert(chosen, state, rank - 1, slot);
  }
  return next;
}

/// Builds the bad and the new rows, slot by slot.
static void buildRows(Attention &attention, Value bad) {
  OpBuilder &b = attention.rw;
  Location loc = attention.loc;
  Value badInRow = sumFlags(attention, bad, /*keepLast=*/true);
  countRows(attention, badInRow);
  Value shift = attention.shiftOf(attention.queries);
  auto loop = scf::ForOp::create(b, loc, attention.index(0),
                                 attention.index(attention.queries.numRows()),
                                 attention.index(1), attention.states);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value slot = loop.getInductionVar();
  Value isNew = attention.isNew(b, slot, shift);
  Value isBad = isNotZero(b, loc, tensor::ExtractOp::create(b, loc, badInRow, slot));
  auto branch = scf::IfOp::create(b, loc, TypeRange(loop.getRegionIterArgs()),
                                  arith::OrIOp::create(b, loc, isNew, isBad),
                                  /*withElseRegion=*/true);
  scf::YieldOp::create(b, loc, branch.getResults());
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, loc, loop.getRegionIterArgs());
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, loc,
                       replaceRow(attention, loop.getRegionIterArgs(), bad, isNew, slot));
  attention.states.assign(loop.getResults().begin(), loop.getResults().end());
}

namespace {
struct LowerRetroactive : OpRewritePattern<RetroactiveAttentionOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RetroactiveAttentionOp op,
                                PatternRewriter &rw) const override {
    Attention attention(op, rw);
    Value oldNormalizer = attention.states[Part::Normalizer];
    Value bad;
    if (op.getLeaving().empty()) {
      bad = attention.fill(attention.rowsType.clone(rw.getI64Type()), 0);
    } else {
      for (int64_t column = 0; column < op.numColumns(); ++column)
        updateColumn(attention, column);
      bad = findBadRows(attention, oldNormalizer);
    }
    buildRows(attention, bad);
    rw.replaceOp(op, attention.states);
    return success();
  }
};

struct LowerWeightedMean : OpRewritePattern<WeightedMeanOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(WeightedMeanOp op, PatternRewriter &rw) const override {
    RankedTensorType type = op.getMean().getType();
    AffineMap all = AffineMap::getMultiDimIdentityMap(type.getRank(), rw.getContext());
    Value init =
        tensor::EmptyOp::create(rw, op.getLoc(), type.getShape(), type.getElementType());
    auto mean = linalg::GenericOp::create(
        rw, op.getLoc(), type, ValueRange{op.getWeighted(), op.getNormalizer()}, init,
        ArrayRef{all, all.getMajorSubMap(type.getRank() - 1), all},
        SmallVector<IteratorType>(type.getRank(), IteratorType::parallel),
        [](OpBuilder &b, Location loc, ValueRange in) {
          Value ratio = arith::DivFOp::create(b, loc, in[0], in[1]);
          linalg::YieldOp::create(b, loc, ratio);
        });
    rw.replaceOp(op, mean);
    return success();
  }
};
} // namespace

void weir::populateRetroactiveLowerings(RewritePatternSet &patterns) {
  patterns.add<LowerRetroactive, LowerWeightedMean>(patterns.getContext());
}
