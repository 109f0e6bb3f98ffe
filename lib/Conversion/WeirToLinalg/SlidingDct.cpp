//===- SlidingDct.cpp - Lower the frequencies of a window that slides -----===//
// sliding_dct  ==>  sums += phases (k, tokens) x entering - phases x leaving
// dct_read     ==>  cos (k) * real + sin (k) * imaginary
// Phases come from one table of a whole turn, 4n entries, by integer arithmetic on the
// tokens' times: exact at any age of the stream, and the same when a token leaves as when
// it came.

#include "Lowerings.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Dialect/Weir/TokenMaps.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/HostTensor.h"

using namespace mlir;
using namespace weir;
using utils::IteratorType;

namespace {
/// Indices, and the phases that they choose.
class PhaseBuilder {
public:
  PhaseBuilder(OpBuilder &b, Location loc, const TokenAxis &axis, RankedTensorType sums)
      : b(b), loc(loc), axis(axis), sums(sums), turn(4 * axis.tokens) {
    auto type = RankedTensorType::get(turn, sums.getElementType());
    HostTensor cosines = HostTensor::fromFloats(type, makeTurnOfCosines(axis.tokens));
    table = onnx::OnnxBuilder(b, loc).constant(cosines.toAttr("cosines"));
  }

  /// A quarter of a turn turns a cosine into a sine, half of one negates it.
  int64_t sine() const { return 3 * axis.tokens; }
  int64_t negated() const { return 2 * axis.tokens; }

  Value index(int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return arith::MulIOp::create(b, loc, x, y); }
  Value mod(Value x, int64_t y) { return arith::RemUIOp::create(b, loc, x, index(y)); }
  Value isEqual(Value x, int64_t y) {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x, index(y));
  }
  /// (step + 1) c + `offset`, a time modulo 2n.
  Value timeAt(Value step, int64_t offset) {
    Value now = mul(add(step, index(1)), index(axis.chunk));
    return mod(add(now, index(offset + 2 * axis.tokens)), 2 * axis.tokens);
  }
  int64_t numFrequencies() const { return sums.getDimSize(axis.dim); }

  /// [k, i]: the cosine of pi k (2 (first + i) + 1) / (2n), moved on by `offset` of a
  /// turn; zero for the first `absent` tokens where `isFirst`.
  Value makePhases(Value first, int64_t rows, int64_t offset, int64_t absent = 0,
                   Value isFirst = nullptr);
  /// [k]: scale c_k times the cosine of pi k s / n, likewise.
  Value makeReaders(Value start, int64_t offset, double scale);

private:
  Value makeTable(ArrayRef<int64_t> shape, function_ref<Value(ValueRange)> entry);
  Value lookUp(Value angle, int64_t offset) {
    Value at = mod(add(angle, index(offset)), turn);
    return tensor::ExtractOp::create(b, loc, table, at);
  }

  OpBuilder &b;
  Location loc;
  TokenAxis axis;
  RankedTensorType sums;
  int64_t turn;
  Value table;
};
} // namespace

Value PhaseBuilder::makeTable(ArrayRef<int64_t> shape,
                              function_ref<Value(ValueRange)> entry) {
  Value init = tensor::EmptyOp::create(b, loc, shape, sums.getElementType());
  AffineMap all = AffineMap::getMultiDimIdentityMap(shape.size(), b.getContext());
  auto made = linalg::GenericOp::create(
      b, loc, init.getType(), ValueRange{}, init, all,
      SmallVector<IteratorType>(shape.size(), IteratorType::parallel),
      [&](OpBuilder &body, Location at, ValueRange) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToEnd(body.getInsertionBlock());
        SmallVector<Value> indices;
        for (size_t dim = 0; dim < shape.size(); ++dim)
          indices.push_back(linalg::IndexOp::create(b, at, dim));
        linalg::YieldOp::create(b, at, entry(indices));
      });
  return made.getResult(0);
}

Value PhaseBuilder::makePhases(Value first, int64_t rows, int64_t offset, int64_t absent,
                               Value isFirst) {
  return makeTable({numFrequencies(), rows}, [&](ValueRange at) {
    Value time = add(first, at[1]);
    Value odd = add(add(time, time), index(1));
    Value phase = lookUp(mul(at[0], odd), offset);
    if (absent == 0)
      return phase;
    Value isEarly =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, at[1], index(absent));
    Value isAbsent = arith::AndIOp::create(b, loc, isFirst, isEarly);
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(phase.getType()));
    return arith::SelectOp::create(b, loc, isAbsent, zero, phase).getResult();
  });
}

Value PhaseBuilder::makeReaders(Value start, int64_t offset, double scale) {
  return makeTable(numFrequencies(), [&](ValueRange at) {
    auto factor = [&](double part) -> Value {
      FloatAttr value =
          b.getFloatAttr(sums.getElementType(), scale * std::sqrt(part / axis.tokens));
      return arith::ConstantOp::create(b, loc, value);
    };
    Value cosine = lookUp(mul(at[0], add(start, start)), offset);
    Value weight =
        arith::SelectOp::create(b, loc, isEqual(at[0], 0), factor(1), factor(2));
    return arith::MulFOp::create(b, loc, cosine, weight).getResult();
  });
}

/// sums[.., k, ..] + sum over i of phases[k, i] rows[.., i, ..]
static Value accumulate(OpBuilder &b, Location loc, Value sums, Value phases, Value rows,
                        int64_t dim) {
  auto type = cast<RankedTensorType>(sums.getType());
  unsigned rank = type.getRank();
  MLIRContext *context = b.getContext();
  AffineMap all = AffineMap::getMultiDimIdentityMap(rank + 1, context);
  AffineExpr token = b.getAffineDimExpr(rank);
  SmallVector<AffineExpr> read(all.getResults().drop_back());
  read[dim] = token;
  SmallVector<AffineMap> maps = {
      AffineMap::get(rank + 1, 0, {b.getAffineDimExpr(dim), token}, context),
      AffineMap::get(rank + 1, 0, read, context), all.getMajorSubMap(rank)};
  SmallVector<IteratorType> kinds(rank, IteratorType::parallel);
  kinds.push_back(IteratorType::reduction);
  auto sum = linalg::GenericOp::create(
      b, loc, type, ValueRange{phases, rows}, sums, maps, kinds,
      [](OpBuilder &b, Location at, ValueRange in) {
        Value product = arith::MulFOp::create(b, at, in[0], in[1]);
        linalg::YieldOp::create(b, at,
                                arith::AddFOp::create(b, at, in[2], product).getResult());
      });
  return sum.getResult(0);
}

/// `chosen` where `condition`, written over `other`.
static Value chooseInPlace(OpBuilder &b, Location loc, Value condition, Value other,
                           function_ref<Value()> chosen) {
  auto branch = scf::IfOp::create(b, loc, other.getType(), condition,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, loc, chosen());
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, loc, other);
  return branch.getResult(0);
}

static Value fillWithZeros(OpBuilder &b, Location loc, Value sums) {
  Type element = cast<RankedTensorType>(sums.getType()).getElementType();
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(element));
  return linalg::FillOp::create(b, loc, zero, sums).getResult(0);
}

namespace {
struct LowerSlidingDct : OpRewritePattern<SlidingDctOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SlidingDctOp op, PatternRewriter &rw) const override;
};

struct LowerDctRead : OpRewritePattern<DctReadOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DctReadOp op, PatternRewriter &rw) const override;
};
} // namespace

LogicalResult LowerSlidingDct::matchAndRewrite(SlidingDctOp op,
                                               PatternRewriter &rw) const {
  Location loc = op.getLoc();
  TokenAxis axis = op.getAxis().toAxis();
  PhaseBuilder phases(rw, loc, axis, op.getReal().getType());
  auto gain = [&](Value sums, Value of, Value rows) {
    return accumulate(rw, loc, sums, of, rows, axis.dim);
  };
  Value entering = op.getEntering(), step = op.getStep();
  int64_t rows = op.getEntering().getType().getDimSize(axis.dim);
  Value first = phases.timeAt(step, -rows);
  Value cosines = phases.makePhases(first, rows, 0);
  Value sines = phases.makePhases(first, rows, phases.sine());
  if (!op.getLeaving()) {
    rw.replaceOp(op, {gain(fillWithZeros(rw, loc, op.getReal()), cosines, entering),
                      gain(fillWithZeros(rw, loc, op.getImaginary()), sines, entering),
                      op.getShadowReal(), op.getShadowImaginary()});
    return success();
  }
  int64_t period = llvm::divideCeil(axis.tokens, axis.chunk);
  Value phase = phases.mod(step, period);
  Value isFirst = phases.isEqual(phase, 0), isLast = phases.isEqual(phase, period - 1);
  Value oldest = phases.timeAt(step, -rows - axis.tokens);
  auto update = [&](Value sums, Value shadow, Value in, int64_t offset) {
    Value out = phases.makePhases(oldest, rows, offset + phases.negated());
    Value some = in;
    if (int64_t skipped = axis.skippedTokens())
      some = phases.makePhases(first, rows, offset, skipped, isFirst);
    shadow = chooseInPlace(rw, loc, isFirst, shadow,
                           [&] { return fillWithZeros(rw, loc, shadow); });
    shadow = gain(shadow, some, entering);
    sums = gain(gain(sums, out, op.getLeaving()), in, entering);
    sums = chooseInPlace(rw, loc, isLast, sums, [&] {
      return linalg::CopyOp::create(rw, loc, shadow, sums).getResult(0);
    });
    return std::pair(sums, shadow);
  };
  auto [real, shadowReal] = update(op.getReal(), op.getShadowReal(), cosines, 0);
  auto [imaginary, shadowImaginary] =
      update(op.getImaginary(), op.getShadowImaginary(), sines, phases.sine());
  rw.replaceOp(op, {real, imaginary, shadowReal, shadowImaginary});
  return success();
}

LogicalResult LowerDctRead::matchAndRewrite(DctReadOp op, PatternRewriter &rw) const {
  Location loc = op.getLoc();
  TokenAxis axis = op.getAxis().toAxis();
  RankedTensorType type = op.getType();
  PhaseBuilder phases(rw, loc, axis, type);
  Value start = phases.timeAt(op.getStep(), -axis.tokens);
  double scale = op.getScale().convertToDouble();
  Value cosines = phases.makeReaders(start, 0, scale);
  Value sines = phases.makeReaders(start, phases.sine(), scale);
  AffineMap all = AffineMap::getMultiDimIdentityMap(type.getRank(), rw.getContext());
  AffineMap frequency = all.getSubMap(static_cast<unsigned>(axis.dim));
  Value init = tensor::EmptyOp::create(rw, loc, type.getShape(), type.getElementType());
  rw.replaceOpWithNewOp<linalg::GenericOp>(
      op, type, ValueRange{cosines, sines, op.getReal(), op.getImaginary()}, init,
      ArrayRef{frequency, frequency, all, all, all},
      SmallVector<IteratorType>(type.getRank(), IteratorType::parallel),
      [](OpBuilder &b, Location at, ValueRange in) {
        Value real = arith::MulFOp::create(b, at, in[0], in[2]);
        Value imaginary = arith::MulFOp::create(b, at, in[1], in[3]);
        linalg::YieldOp::create(
            b, at, arith::AddFOp::create(b, at, real, imaginary).getResult());
      });
  return success();
}

void weir::populateSlidingDctLowerings(RewritePatternSet &patterns) {
  patterns.add<LowerSlidingDct, LowerDctRead>(patterns.getContext());
}
