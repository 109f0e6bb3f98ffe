//===- Scalars.cpp - Arithmetic on the scalars of a body ------------------===//

#include "Emit.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace weir::onnx;

static bool isFloat(Value value) { return isa<FloatType>(value.getType()); }

Value Scalars::constant(Type type, double value) {
  if (auto floatType = dyn_cast<FloatType>(type))
    return arith::ConstantOp::create(b, loc, b.getFloatAttr(floatType, value));
  return arith::ConstantOp::create(b, loc,
                                   b.getIntegerAttr(type, static_cast<int64_t>(value)));
}

Value Scalars::add(Value x, Value y) {
  return isFloat(x) ? arith::AddFOp::create(b, loc, x, y).getResult()
                    : arith::AddIOp::create(b, loc, x, y).getResult();
}
Value Scalars::sub(Value x, Value y) {
  return isFloat(x) ? arith::SubFOp::create(b, loc, x, y).getResult()
                    : arith::SubIOp::create(b, loc, x, y).getResult();
}
Value Scalars::mul(Value x, Value y) {
  return isFloat(x) ? arith::MulFOp::create(b, loc, x, y).getResult()
                    : arith::MulIOp::create(b, loc, x, y).getResult();
}

/// Integer division traps on a zero divisor, and on the smallest value by -1; both are
/// computed by another divisor and replaced.
Value Scalars::guardDivisor(Value x, Value y, bool remainder) {
  Value zero = constant(y, 0), one = constant(y, 1);
  Value isZero = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, y, zero);
  Value safe = select(isZero, one, y);
  if (isUnsigned) {
    Value result = remainder ? arith::RemUIOp::create(b, loc, x, safe).getResult()
                             : arith::DivUIOp::create(b, loc, x, safe).getResult();
    return select(isZero, zero, result);
  }
  Value isMinusOne =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, y, constant(y, -1));
  safe = select(isMinusOne, one, safe);
  Value result = remainder ? arith::RemSIOp::create(b, loc, x, safe).getResult()
                           : arith::DivSIOp::create(b, loc, x, safe).getResult();
  result = select(isMinusOne, remainder ? zero : sub(zero, x), result);
  return select(isZero, zero, result);
}

Value Scalars::div(Value x, Value y) {
  if (isFloat(x))
    return arith::DivFOp::create(b, loc, x, y);
  return guardDivisor(x, y, /*remainder=*/false);
}
Value Scalars::rem(Value x, Value y) {
  if (isFloat(x))
    return arith::RemFOp::create(b, loc, x, y);
  return guardDivisor(x, y, /*remainder=*/true);
}
Value Scalars::pow(Value x, Value y) { return math::PowFOp::create(b, loc, x, y); }

Value Scalars::max(Value x, Value y) {
  if (isFloat(x))
    return arith::MaximumFOp::create(b, loc, x, y);
  return isUnsigned ? arith::MaxUIOp::create(b, loc, x, y).getResult()
                    : arith::MaxSIOp::create(b, loc, x, y).getResult();
}
Value Scalars::min(Value x, Value y) {
  if (isFloat(x))
    return arith::MinimumFOp::create(b, loc, x, y);
  return isUnsigned ? arith::MinUIOp::create(b, loc, x, y).getResult()
                    : arith::MinSIOp::create(b, loc, x, y).getResult();
}
Value Scalars::neg(Value x) {
  return isFloat(x) ? arith::NegFOp::create(b, loc, x).getResult()
                    : sub(constant(x, 0), x);
}
Value Scalars::abs(Value x) {
  if (isFloat(x))
    return math::AbsFOp::create(b, loc, x);
  return isUnsigned ? x : math::AbsIOp::create(b, loc, x).getResult();
}
Value Scalars::exp(Value x) { return math::ExpOp::create(b, loc, x); }
Value Scalars::log(Value x) { return math::LogOp::create(b, loc, x); }
Value Scalars::sqrt(Value x) { return math::SqrtOp::create(b, loc, x); }
Value Scalars::tanh(Value x) { return math::TanhOp::create(b, loc, x); }
Value Scalars::erf(Value x) { return math::ErfOp::create(b, loc, x); }

Value Scalars::sigmoid(Value x) {
  Value one = constant(x, 1);
  return div(one, add(one, exp(neg(x))));
}

// ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|), which does not overflow.
Value Scalars::softplus(Value x) {
  Value small = log(add(constant(x, 1), exp(neg(abs(x)))));
  return add(max(x, constant(x, 0)), small);
}

Value Scalars::select(Value condition, Value x, Value y) {
  return arith::SelectOp::create(b, loc, condition, x, y);
}

static Value compare(Scalars &s, Value x, Value y, arith::CmpFPredicate onFloats,
                     arith::CmpIPredicate onSigned, arith::CmpIPredicate onUnsigned) {
  if (isFloat(x))
    return arith::CmpFOp::create(s.b, s.loc, onFloats, x, y);
  bool isUnsigned = s.isUnsigned || x.getType().isInteger(1);
  return arith::CmpIOp::create(s.b, s.loc, isUnsigned ? onUnsigned : onSigned, x, y);
}
Value Scalars::less(Value x, Value y) {
  return compare(*this, x, y, arith::CmpFPredicate::OLT, arith::CmpIPredicate::slt,
                 arith::CmpIPredicate::ult);
}
Value Scalars::lessOrEqual(Value x, Value y) {
  return compare(*this, x, y, arith::CmpFPredicate::OLE, arith::CmpIPredicate::sle,
                 arith::CmpIPredicate::ule);
}
Value Scalars::equal(Value x, Value y) {
  return compare(*this, x, y, arith::CmpFPredicate::OEQ, arith::CmpIPredicate::eq,
                 arith::CmpIPredicate::eq);
}
Value Scalars::notEqual(Value x, Value y) {
  return compare(*this, x, y, arith::CmpFPredicate::UNE, arith::CmpIPredicate::ne,
                 arith::CmpIPredicate::ne);
}

Value Scalars::index(int64_t dim) { return linalg::IndexOp::create(b, loc, dim); }

Value Scalars::convert(Value x, Type to, bool toUnsigned) {
  Type from = x.getType();
  if (from == to)
    return x;
  if (to.isInteger(1))
    return notEqual(x, constant(x, 0));
  bool signless = isUnsigned || from.isInteger(1);
  if (auto toFloat = dyn_cast<FloatType>(to)) {
    auto fromFloat = dyn_cast<FloatType>(from);
    if (fromFloat && from.isF64() &&
        toFloat.getWidth() < 32) // no hardware does it at once
      return convert(convert(x, b.getF32Type(), false), to, false);
    if (fromFloat)
      return fromFloat.getWidth() < toFloat.getWidth()
                 ? arith::ExtFOp::create(b, loc, to, x).getResult()
                 : arith::TruncFOp::create(b, loc, to, x).getResult();
    return signless ? arith::UIToFPOp::create(b, loc, to, x).getResult()
                    : arith::SIToFPOp::create(b, loc, to, x).getResult();
  }
  if (isa<FloatType>(from))
    return toUnsigned ? arith::FPToUIOp::create(b, loc, to, x).getResult()
                      : arith::FPToSIOp::create(b, loc, to, x).getResult();
  if (from.getIntOrFloatBitWidth() > to.getIntOrFloatBitWidth())
    return arith::TruncIOp::create(b, loc, to, x);
  return signless ? arith::ExtUIOp::create(b, loc, to, x).getResult()
                  : arith::ExtSIOp::create(b, loc, to, x).getResult();
}
