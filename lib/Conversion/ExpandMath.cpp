//===- ExpandMath.cpp - Transcendental functions as arithmetic ------------===//
// math.exp %x : vector<8xf32>  ==>  2^n * polynomial(r), x = n ln 2 + r
// On f32 scalars and vectors; the formula is branch-free, so it runs on all lanes.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "weir/Conversion/Passes.h"

namespace weir {
#define GEN_PASS_DEF_EXPANDMATH
#include "weir/Conversion/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

namespace {
/// Arithmetic on f32 (and i32) scalars or vectors of one shape.
class Lanes {
public:
  Lanes(OpBuilder &b, Location loc, Type like) : b(b), loc(loc), like(like) {}
  Type typed(Type element) const {
    auto vector = dyn_cast<VectorType>(like);
    return vector ? Type(vector.clone(element)) : element;
  }
  Value constant(TypedAttr scalar) {
    auto vector = dyn_cast<VectorType>(like);
    if (!vector)
      return arith::ConstantOp::create(b, loc, scalar);
    return arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(vector.clone(scalar.getType()), scalar));
  }
  Value f(double value) { return constant(b.getF32FloatAttr(value)); }
  Value i(int32_t value) { return constant(b.getI32IntegerAttr(value)); }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, loc, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, loc, x, y); }
  Value fma(Value x, Value y, Value z) { return math::FmaOp::create(b, loc, x, y, z); }
  Value select(Value c, Value x, Value y) {
    return arith::SelectOp::create(b, loc, c, x, y);
  }
  Value compare(arith::CmpFPredicate p, Value x, Value y) {
    return arith::CmpFOp::create(b, loc, p, x, y);
  }
  Value abs(Value x) { return math::AbsFOp::create(b, loc, x); }
  /// c[0] + c[1] x + c[2] x^2 + ...
  Value polynomial(Value x, ArrayRef<double> c) {
    Value y = f(c.back());
    for (double next : llvm::reverse(c.drop_back()))
      y = fma(y, x, f(next));
    return y;
  }
  Value toInt(Value x) {
    return arith::FPToSIOp::create(b, loc, typed(b.getI32Type()), x);
  }
  Value bits(Value x) {
    return arith::BitcastOp::create(b, loc, typed(b.getI32Type()), x);
  }
  /// 2^n for integers -126 <= n <= 127, as a float.
  Value powerOfTwo(Value n) {
    Value biased = arith::AddIOp::create(b, loc, n, i(127));
    Value bits = arith::ShLIOp::create(b, loc, biased, i(23));
    return arith::BitcastOp::create(b, loc, typed(b.getF32Type()), bits);
  }

  OpBuilder &b;
  Location loc;
  Type like;
};
} // namespace

/// e^x. With n = round(x / ln 2), r = x - n ln 2 in two parts, |r| <= 0.35, and
/// e^r from its series; scaled twice by 2^(n/2), so that it reaches subnormals.
/// The sum with 1.5 * 2^23 is rounded to a whole number, whose low bits are those of n.
/// NaN stays NaN: comparisons let it pass, and no scale makes a number of it.
static Value expandExp(Lanes &l, Value x) {
  Value low = l.f(-104), high = l.f(89);
  Value clamped = l.select(l.compare(arith::CmpFPredicate::OLT, x, low), low, x);
  clamped = l.select(l.compare(arith::CmpFPredicate::OGT, clamped, high), high, clamped);
  Value shift = l.f(0x1.8p23);
  Value shifted = l.fma(clamped, l.f(1.44269504088896341), shift);
  Value n = l.sub(shifted, shift);
  Value r = l.fma(n, l.f(-0.693145751953125), clamped);
  r = l.fma(n, l.f(-1.42860682030941723212e-6), r);
  Value p = l.polynomial(
      r, {0.5, 0.16666666666, 0.041666645, 0.0083333406, 0.0013914091, 0.00019872571});
  Value y = l.add(l.fma(p, l.mul(r, r), r), l.f(1));
  Value whole = arith::SubIOp::create(l.b, l.loc, l.bits(shifted), l.i(0x4B400000));
  Value half = arith::ShRSIOp::create(l.b, l.loc, whole, l.i(1));
  Value rest = arith::SubIOp::create(l.b, l.loc, whole, half);
  return l.mul(l.mul(y, l.powerOfTwo(half)), l.powerOfTwo(rest));
}

/// sin(x + shift * pi/2). The angle is brought to |r| <= pi/4 in f64, which is exact
/// enough up to a million turns; quadrants alternate the series of sine and cosine.
static Value expandSine(Lanes &l, Value x, int32_t shift) {
  OpBuilder &b = l.b;
  Type wideType = l.typed(b.getF64Type());
  auto wide = [&](double value) { return l.constant(b.getF64FloatAttr(value)); };
  Value exact = arith::ExtFOp::create(b, l.loc, wideType, x);
  Value turns =
      math::RoundEvenOp::create(b, l.loc, l.mul(exact, wide(0.63661977236758134308)));
  Value rest = l.fma(turns, wide(-1.57079632679489661923), exact);
  Value r = arith::TruncFOp::create(b, l.loc, l.typed(b.getF32Type()), rest);
  Value quadrant = l.toInt(arith::TruncFOp::create(
      b, l.loc, l.typed(b.getF32Type()),
      arith::SubFOp::create(
          b, l.loc, turns,
          l.mul(wide(4), math::FloorOp::create(b, l.loc, l.mul(turns, wide(0.25)))))));
  quadrant = arith::AddIOp::create(b, l.loc, quadrant, l.i(shift));
  Value r2 = l.mul(r, r);
  Value sine =
      l.fma(l.mul(r2, r),
            l.polynomial(r2, {-1.6666654611e-1, 8.3321608736e-3, -1.9515295891e-4}), r);
  Value cosine = l.fma(l.mul(r2, r2),
                       l.polynomial(r2, {4.166664568298827e-2, -1.388731625493765e-3,
                                         2.443315711809948e-5}),
                       l.fma(r2, l.f(-0.5), l.f(1)));
  auto hasBit = [&](int32_t bit) {
    Value masked = arith::AndIOp::create(b, l.loc, quadrant, l.i(bit));
    return arith::CmpIOp::create(b, l.loc, arith::CmpIPredicate::ne, masked, l.i(0));
  };
  Value y = l.select(hasBit(1), cosine, sine);
  return l.select(hasBit(2), arith::NegFOp::create(b, l.loc, y), y);
}
static Value expandSin(Lanes &l, Value x) { return expandSine(l, x, 0); }
static Value expandCos(Lanes &l, Value x) { return expandSine(l, x, 1); }

static bool isF32(Type type) { return getElementTypeOrSelf(type).isF32(); }

namespace {
template <typename OpT>
struct Expand : OpRewritePattern<OpT> {
  using Formula = Value (*)(Lanes &, Value);
  Expand(MLIRContext *context, Formula formula)
      : OpRewritePattern<OpT>(context, /*benefit=*/2), formula(formula) {}
  LogicalResult matchAndRewrite(OpT op, PatternRewriter &rw) const override {
    if (!isF32(op.getType()))
      return failure();
    Lanes lanes(rw, op.getLoc(), op.getType());
    rw.replaceOp(op, formula(lanes, op.getOperand()));
    return success();
  }
  Formula formula;
};

/// Integers reach bf16 through f32; at once they would take a call of a library.
template <typename OpT>
struct IntToBFloat : OpRewritePattern<OpT> {
  using OpRewritePattern<OpT>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpT op, PatternRewriter &rw) const override {
    if (!getElementTypeOrSelf(op.getType()).isBF16())
      return failure();
    Type wide = Lanes(rw, op.getLoc(), op.getType()).typed(rw.getF32Type());
    Value value = OpT::create(rw, op.getLoc(), wide, op.getIn());
    rw.replaceOpWithNewOp<arith::TruncFOp>(op, op.getType(), value);
    return success();
  }
};

struct ExpandMath : weir::impl::ExpandMathBase<ExpandMath> {
  using ExpandMathBase::ExpandMathBase;
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateExpandMathPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

void weir::populateExpandMathPatterns(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<Expand<math::ExpOp>>(context, expandExp);
  patterns.add<Expand<math::SinOp>>(context, expandSin);
  patterns.add<Expand<math::CosOp>>(context, expandCos);
  patterns.add<IntToBFloat<arith::SIToFPOp>, IntToBFloat<arith::UIToFPOp>>(context);
  populateMathPolynomialApproximationPatterns(patterns);
  arith::populateExpandBFloat16Patterns(patterns);
}
