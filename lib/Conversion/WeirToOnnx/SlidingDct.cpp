//===- SlidingDct.cpp - Frequencies of a window by standard operators -----===//
// sliding_dct  ==>  Add(sums, MatMul(Gather(cosines, times), entering)), and so on
// dct_read     ==>  Add(Mul(cos, real), Mul(sin, imaginary))

#include "SlidingDct.h"
#include "weir/Dialect/Weir/TokenMaps.h"
#include "weir/Support/HostTensor.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

namespace {
class Phases {
public:
  Phases(OnnxBuilder &b, Value step, const TokenAxis &axis, RankedTensorType sums)
      : b(b), step(step), axis(axis), count(sums.getDimSize(axis.dim)),
        element(sums.getElementType()) {
    auto type = RankedTensorType::get(4 * axis.tokens, element);
    table = b.constant(
        HostTensor::fromFloats(type, makeTurnOfCosines(axis.tokens)).toAttr("cosines"));
  }

  int64_t sine() const { return 3 * axis.tokens; }
  int64_t negated() const { return 2 * axis.tokens; }
  Value mod(Value x, int64_t y) { return b.make<ModOp>(x, b.ints({y})); }
  /// (step + 1) c + `offset`, modulo 2n.
  Value timeAt(int64_t offset) {
    Value now = b.mul(step, b.ints({axis.chunk}));
    return mod(b.add(now, b.ints({axis.chunk + offset + 2 * axis.tokens})),
               2 * axis.tokens);
  }
  /// [k, i] of the tokens first + i.
  Value makePhases(Value first, int64_t rows, int64_t offset) {
    Value times = b.add(first, range(rows));
    Value odd = b.add(b.mul(times, b.ints({2})), b.ints({1}));
    return lookUp(b.mul(b.reshape(range(count), {count, 1}), odd), offset);
  }
  /// scale c_k cos(pi k start / n), shaped to meet the sums, of which it has `rank` - dim
  /// dimensions.
  Value makeReaders(Value start, int64_t offset, double scale, int64_t rank) {
    Value cosines = lookUp(b.mul(range(count), b.mul(start, b.ints({2}))), offset);
    std::vector<double> factors(count, scale * std::sqrt(2.0 / axis.tokens));
    factors.front() = scale * std::sqrt(1.0 / axis.tokens);
    auto type = RankedTensorType::get(count, element);
    Value weights = b.constant(HostTensor::fromFloats(type, factors).toAttr("norms"));
    Shape shape(rank - axis.dim, 1);
    shape.front() = count;
    return b.reshape(b.mul(cosines, weights), shape);
  }
  Value zero() { return b.scalar(0, element); }

private:
  Value range(int64_t size) {
    return b.ints(llvm::to_vector(llvm::seq<int64_t>(0, size)));
  }
  Value lookUp(Value angle, int64_t offset) {
    Value at = mod(b.add(angle, b.ints({offset})), 4 * axis.tokens);
    return b.make<GatherOp>(table, at, /*axis=*/0);
  }

  OnnxBuilder &b;
  Value step;
  TokenAxis axis;
  int64_t count;
  Type element;
  Value table;
};
} // namespace

/// sums + phases x rows, along dimension `dim`.
static Value gain(OnnxBuilder &b, Value sums, Value phases, Value rows, int64_t dim) {
  Shape shape(*getStaticShape(rows)),
      view = {*countElements(ArrayRef(shape).take_front(dim)), shape[dim],
              *countElements(ArrayRef(shape).drop_front(dim + 1))};
  Value gained = b.matMul(phases, b.reshape(rows, view));
  return b.add(sums, b.reshape(gained, *getStaticShape(sums)));
}

SmallVector<Value> weir::lowerSlidingDct(SlidingDctOp op, Value step, OnnxBuilder &b) {
  TokenAxis axis = op.getAxis().toAxis();
  Phases phases(b, step, axis, op.getReal().getType());
  Value entering = op.getEntering();
  int64_t rows = op.getEntering().getType().getDimSize(axis.dim);
  Value first = phases.timeAt(-rows);
  if (!op.getLeaving()) {
    Value none = b.mul(op.getReal(), phases.zero());
    Value cosines = phases.makePhases(first, rows, 0);
    Value sines = phases.makePhases(first, rows, phases.sine());
    return {gain(b, none, cosines, entering, axis.dim),
            gain(b, none, sines, entering, axis.dim), op.getShadowReal(),
            op.getShadowImaginary()};
  }
  int64_t period = llvm::divideCeil(axis.tokens, axis.chunk);
  Value phase = phases.mod(step, period);
  Value isFirst = b.make<EqualOp>(phase, b.ints({0}));
  Value isLast = b.make<EqualOp>(phase, b.ints({period - 1}));
  Value oldest = phases.timeAt(-rows - axis.tokens);
  auto update = [&](Value sums, Value shadow, int64_t offset) {
    Value in = phases.makePhases(first, rows, offset), some = in;
    Value out = phases.makePhases(oldest, rows, offset + phases.negated());
    if (int64_t skipped = axis.skippedTokens()) {
      Value tokens = b.ints(llvm::to_vector(llvm::seq<int64_t>(0, rows)));
      Value isEarly = b.make<LessOp>(tokens, b.ints({skipped}));
      some = b.make<WhereOp>(b.make<AndOp>(isFirst, isEarly), phases.zero(), in);
    }
    shadow = b.make<WhereOp>(isFirst, phases.zero(), shadow);
    shadow = gain(b, shadow, some, entering, axis.dim);
    sums = gain(b, gain(b, sums, out, op.getLeaving(), axis.dim), in, entering, axis.dim);
    return std::pair(b.make<WhereOp>(isLast, shadow, sums), shadow);
  };
  auto [real, shadowReal] = update(op.getReal(), op.getShadowReal(), 0);
  auto [imaginary, shadowImaginary] =
      update(op.getImaginary(), op.getShadowImaginary(), phases.sine());
  return {real, imaginary, shadowReal, shadowImaginary};
}

Value weir::lowerDctRead(DctReadOp op, Value step, OnnxBuilder &b) {
  TokenAxis axis = op.getAxis().toAxis();
  Phases phases(b, step, axis, op.getType());
  Value start = phases.timeAt(-axis.tokens);
  double scale = op.getScale().convertToDouble();
  int64_t rank = op.getType().getRank();
  Value cosines = phases.makeReaders(start, 0, scale, rank);
  Value sines = phases.makeReaders(start, phases.sine(), scale, rank);
  return b.add(b.mul(cosines, op.getReal()), b.mul(sines, op.getImaginary()));
}
