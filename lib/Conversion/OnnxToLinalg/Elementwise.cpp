//===- Elementwise.cpp - onnx ops that work element by element ------------===//

#include "Emit.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/TensorTypes.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

static Type elementOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getElementType();
}

/// The op's first result from its operands, which broadcast.
static Results mapOperands(Operation *op, Emit &emit, Body body) {
  SmallVector<Tensor> operands;
  for (Value operand : op->getOperands())
    operands.push_back(emit.tensor(operand));
  Value result = op->getResult(0);
  return SmallVector<Value>{
      emit.map(shapeOf(result), elementOf(result), operands, body).value};
}

/// Lowers `OpT` by a body that needs none of its attributes.
template <typename OpT, Value (*fn)(Scalars &, ValueRange)>
static Results lowerByBody(OpT op, Emit &emit) {
  return mapOperands(op, emit, fn);
}
/// The same for one method of Scalars.
template <typename OpT, Value (Scalars::*fn)(Value)>
static Results lowerUnary(OpT op, Emit &emit) {
  return mapOperands(op, emit, [](Scalars &s, ValueRange v) { return (s.*fn)(v[0]); });
}
template <typename OpT, Value (Scalars::*fn)(Value, Value)>
static Results lowerBinary(OpT op, Emit &emit) {
  return mapOperands(op, emit,
                     [](Scalars &s, ValueRange v) { return (s.*fn)(v[0], v[1]); });
}
template <typename OpT, Value (Scalars::*fn)(Value, Value)>
static Results lowerSwapped(OpT op, Emit &emit) {
  return mapOperands(op, emit,
                     [](Scalars &s, ValueRange v) { return (s.*fn)(v[1], v[0]); });
}
template <typename OpT, Value (Scalars::*fn)(Value, Value)>
static Results lowerVariadic(OpT op, Emit &emit) {
  return mapOperands(op, emit, [](Scalars &s, ValueRange v) {
    Value result = v[0];
    for (Value next : v.drop_front())
      result = (s.*fn)(result, next);
    return result;
  });
}

static Value identity(Scalars &, ValueRange v) { return v[0]; }
static Value reciprocal(Scalars &s, ValueRange v) {
  return s.div(s.constant(v[0], 1), v[0]);
}
static Value relu(Scalars &s, ValueRange v) { return s.max(v[0], s.constant(v[0], 0)); }
static Value prelu(Scalars &s, ValueRange v) {
  return s.select(s.less(v[0], s.constant(v[0], 0)), s.mul(v[0], v[1]), v[0]);
}
static Value softsign(Scalars &s, ValueRange v) {
  return s.div(v[0], s.add(s.constant(v[0], 1), s.abs(v[0])));
}
static Value mish(Scalars &s, ValueRange v) {
  return s.mul(v[0], s.tanh(s.softplus(v[0])));
}
static Value clampToUnit(Scalars &s, Value x) {
  return s.max(s.constant(x, 0), s.min(s.constant(x, 1), x));
}
static Value hardSwish(Scalars &s, ValueRange v) {
  Value gate = s.add(s.mul(v[0], s.constant(v[0], 1.0 / 6)), s.constant(v[0], 0.5));
  return s.mul(v[0], clampToUnit(s, gate));
}
static Value signOf(Scalars &s, ValueRange v) {
  Value zero = s.constant(v[0], 0), one = s.constant(v[0], 1);
  if (s.isUnsigned)
    return s.select(s.equal(v[0], zero), zero, one);
  Value negative = s.select(s.less(v[0], zero), s.constant(v[0], -1), v[0]);
  return s.select(s.less(zero, v[0]), one, negative); // zero and NaN as they are
}
static Value isNaN(Scalars &s, ValueRange v) { return s.notEqual(v[0], v[0]); }
static Value logicalNot(Scalars &s, ValueRange v) {
  return arith::XOrIOp::create(s.b, s.loc, v[0], s.constant(v[0], 1));
}
static Value choose(Scalars &s, ValueRange v) { return s.select(v[0], v[1], v[2]); }
template <typename ArithOp>
static Value applyOp(Scalars &s, ValueRange v) {
  return ArithOp::create(s.b, s.loc, v);
}
template <typename MathOp>
static Value onFloats(Scalars &s, ValueRange v) {
  if (!isa<FloatType>(v[0].getType()))
    return v[0];
  return MathOp::create(s.b, s.loc, v[0]);
}

static Results lowerMod(ModOp op, Emit &emit) {
  return mapOperands(op, emit, [&](Scalars &s, ValueRange v) {
    Value remainder = s.rem(v[0], v[1]);
    if (op.getFmod() || s.isUnsigned)
      return remainder;
    // Of the other sign than the divisor, and not zero: one divisor further.
    Value zero = s.constant(v[1], 0);
    Value differs =
        arith::XOrIOp::create(s.b, s.loc, s.less(remainder, zero), s.less(v[1], zero));
    Value moves = arith::AndIOp::create(s.b, s.loc, differs, s.notEqual(remainder, zero));
    return s.select(moves, s.add(remainder, v[1]), remainder);
  });
}

/// The exponent if all elements have the same constant one.
static std::optional<double> getConstantExponent(PowOp op) {
  ElementsAttr attr = getConstantElements(op.getB());
  if (!attr || (!attr.isSplat() && attr.getNumElements() != 1))
    return std::nullopt;
  FailureOr<HostTensor> tensor = HostTensor::get(attr);
  if (failed(tensor))
    return std::nullopt;
  return tensor->getFloat(0);
}

static Results lowerPow(PowOp op, Emit &emit) {
  std::optional<double> exponent = getConstantExponent(op);
  return mapOperands(op, emit, [&](Scalars &s, ValueRange v) {
    Value x = v[0];
    if (exponent == 1)
      return x;
    if (exponent == 2)
      return s.mul(x, x);
    if (exponent == 3)
      return s.mul(x, s.mul(x, x));
    if (exponent == 0.5 && isa<FloatType>(x.getType()))
      return s.sqrt(x);
    Type wide = x.getType().isF32() ? x.getType() : s.b.getF64Type();
    Value power = s.pow(s.convert(x, wide, false), s.convert(v[1], wide, false));
    return s.convert(power, x.getType(), s.isUnsigned);
  });
}

static Results lowerCast(CastOp op, Emit &emit) {
  Tensor x = emit.tensor(op.getInput());
  return SmallVector<Value>{emit.cast(x, elementOf(op.getOutput())).value};
}

static Results lowerClip(ClipOp op, Emit &emit) {
  SmallVector<Tensor> operands = {emit.tensor(op.getInput())};
  bool hasMin = !isa<NoneType>(op.getMin().getType());
  bool hasMax = !isa<NoneType>(op.getMax().getType());
  if (hasMin)
    operands.push_back(emit.tensor(op.getMin()));
  if (hasMax)
    operands.push_back(emit.tensor(op.getMax()));
  Tensor y = emit.map(shapeOf(op.getOutput()), elementOf(op.getOutput()), operands,
                      [&](Scalars &s, ValueRange v) {
                        Value y = hasMin ? s.max(v[0], v[1]) : v[0];
                        return hasMax ? s.min(y, v.back()) : y;
                      });
  return SmallVector<Value>{y.value};
}

static Results lowerGelu(GeluOp op, Emit &emit) {
  bool isTanh = op.getApproximate() == "tanh";
  return mapOperands(op, emit, [&](Scalars &s, ValueRange v) {
    Value x = v[0], one = s.constant(x, 1);
    Value half = s.mul(s.constant(x, 0.5), x);
    if (!isTanh)
      return s.mul(half, s.add(one, s.erf(s.mul(x, s.constant(x, std::sqrt(0.5))))));
    Value cube = s.mul(s.mul(x, x), x);
    Value inner = s.add(x, s.mul(s.constant(x, 0.044715), cube));
    inner = s.mul(s.constant(x, std::sqrt(2 / M_PI)), inner);
    return s.mul(half, s.add(one, s.tanh(inner)));
  });
}

static Results lowerLeakyRelu(LeakyReluOp op, Emit &emit) {
  double alpha = op.getAlpha().convertToFloat();
  return mapOperands(op, emit, [&](Scalars &s, ValueRange v) {
    Value isNegative = s.less(v[0], s.constant(v[0], 0));
    return s.select(isNegative, s.mul(s.constant(v[0], alpha), v[0]), v[0]);
  });
}

/// `x < 0 ? alpha (e^x - 1) : x`, all of it times gamma.
static Value elu(Scalars &s, Value x, double alpha, double gamma) {
  Value zero = s.constant(x, 0);
  Value negative = math::ExpM1Op::create(s.b, s.loc, s.min(x, zero));
  Value y = s.select(s.less(x, zero), s.mul(s.constant(x, alpha), negative), x);
  return gamma == 1 ? y : s.mul(s.constant(x, gamma), y);
}
static Results lowerElu(EluOp op, Emit &emit) {
  double alpha = op.getAlpha().convertToFloat();
  return mapOperands(op, emit,
                     [&](Scalars &s, ValueRange v) { return elu(s, v[0], alpha, 1); });
}
static Results lowerSelu(SeluOp op, Emit &emit) {
  double alpha = op.getAlpha().convertToFloat(), gamma = op.getGamma().convertToFloat();
  return mapOperands(
      op, emit, [&](Scalars &s, ValueRange v) { return elu(s, v[0], alpha, gamma); });
}
static Results lowerHardSigmoid(HardSigmoidOp op, Emit &emit) {
  double alpha = op.getAlpha().convertToFloat(), beta = op.getBeta().convertToFloat();
  return mapOperands(op, emit, [&](Scalars &s, ValueRange v) {
    Value x = s.mul(s.constant(v[0], alpha), v[0]);
    return clampToUnit(s, s.add(x, s.constant(x, beta)));
  });
}
static Results lowerSwish(SwishOp op, Emit &emit) {
  double alpha = op.getAlpha().convertToFloat();
  return mapOperands(op, emit, [&](Scalars &s, ValueRange v) {
    Value inner = alpha == 1 ? v[0] : s.mul(s.constant(v[0], alpha), v[0]);
    return s.mul(v[0], s.sigmoid(inner));
  });
}

static Results lowerIsInf(IsInfOp op, Emit &emit) {
  return mapOperands(op, emit, [&](Scalars &s, ValueRange v) {
    double infinity = std::numeric_limits<double>::infinity();
    Value result = arith::ConstantIntOp::create(s.b, s.loc, 0, 1);
    if (op.getDetectPositive())
      result = s.equal(v[0], s.constant(v[0], infinity));
    if (op.getDetectNegative())
      result = arith::OrIOp::create(s.b, s.loc, result,
                                    s.equal(v[0], s.constant(v[0], -infinity)));
    return result;
  });
}

static Results lowerDropout(DropoutOp op, Emit &emit) {
  SmallVector<Value> results = {emit.tensor(op.getData()).value};
  if (isa<NoneType>(op.getMask().getType()))
    results.push_back(NoValueOp::create(emit.rw, emit.loc));
  else
    results.push_back(emit.fill(shapeOf(op.getMask()), emit.rw.getI1Type(), 1).value);
  return results;
}

static void addArithmetic(Lowerings &to) {
  to.add<AddOp>(lowerBinary<AddOp, &Scalars::add>);
  to.add<SubOp>(lowerBinary<SubOp, &Scalars::sub>);
  to.add<MulOp>(lowerBinary<MulOp, &Scalars::mul>);
  to.add<DivOp>(lowerBinary<DivOp, &Scalars::div>);
  to.add<PowOp>(lowerPow);
  to.add<ModOp>(lowerMod);
  to.add<MaxOp>(lowerVariadic<MaxOp, &Scalars::max>);
  to.add<MinOp>(lowerVariadic<MinOp, &Scalars::min>);
  to.add<SumOp>(lowerVariadic<SumOp, &Scalars::add>);
  to.add<AbsOp>(lowerUnary<AbsOp, &Scalars::abs>);
  to.add<NegOp>(lowerUnary<NegOp, &Scalars::neg>);
  to.add<ReciprocalOp>(lowerByBody<ReciprocalOp, reciprocal>);
  to.add<SignOp>(lowerByBody<SignOp, signOf>);
  to.add<FloorOp>(lowerByBody<FloorOp, onFloats<math::FloorOp>>);
  to.add<CeilOp>(lowerByBody<CeilOp, onFloats<math::CeilOp>>);
  to.add<RoundOp>(lowerByBody<RoundOp, onFloats<math::RoundEvenOp>>);
  to.add<ClipOp>(lowerClip);
  to.add<CastOp>(lowerCast);
  to.add<IdentityOp>(lowerByBody<IdentityOp, identity>);
  to.add<DropoutOp>(lowerDropout);
}

static void addLogic(Lowerings &to) {
  to.add<AndOp>(lowerByBody<AndOp, applyOp<arith::AndIOp>>);
  to.add<OrOp>(lowerByBody<OrOp, applyOp<arith::OrIOp>>);
  to.add<XorOp>(lowerByBody<XorOp, applyOp<arith::XOrIOp>>);
  to.add<NotOp>(lowerByBody<NotOp, logicalNot>);
  to.add<EqualOp>(lowerBinary<EqualOp, &Scalars::equal>);
  to.add<LessOp>(lowerBinary<LessOp, &Scalars::less>);
  to.add<LessOrEqualOp>(lowerBinary<LessOrEqualOp, &Scalars::lessOrEqual>);
  to.add<GreaterOp>(lowerSwapped<GreaterOp, &Scalars::less>);
  to.add<GreaterOrEqualOp>(lowerSwapped<GreaterOrEqualOp, &Scalars::lessOrEqual>);
  to.add<IsNaNOp>(lowerByBody<IsNaNOp, isNaN>);
  to.add<IsInfOp>(lowerIsInf);
  to.add<WhereOp>(lowerByBody<WhereOp, choose>);
}

static void addFunctions(Lowerings &to) {
  to.add<SqrtOp>(lowerUnary<SqrtOp, &Scalars::sqrt>);
  to.add<ExpOp>(lowerUnary<ExpOp, &Scalars::exp>);
  to.add<LogOp>(lowerUnary<LogOp, &Scalars::log>);
  to.add<ErfOp>(lowerUnary<ErfOp, &Scalars::erf>);
  to.add<TanhOp>(lowerUnary<TanhOp, &Scalars::tanh>);
  to.add<CosOp>(lowerByBody<CosOp, onFloats<math::CosOp>>);
  to.add<SinOp>(lowerByBody<SinOp, onFloats<math::SinOp>>);
  to.add<SigmoidOp>(lowerUnary<SigmoidOp, &Scalars::sigmoid>);
  to.add<SoftplusOp>(lowerUnary<SoftplusOp, &Scalars::softplus>);
  to.add<SoftsignOp>(lowerByBody<SoftsignOp, softsign>);
  to.add<MishOp>(lowerByBody<MishOp, mish>);
  to.add<ReluOp>(lowerByBody<ReluOp, relu>);
  to.add<PReluOp>(lowerByBody<PReluOp, prelu>);
  to.add<LeakyReluOp>(lowerLeakyRelu);
  to.add<EluOp>(lowerElu);
  to.add<SeluOp>(lowerSelu);
  to.add<HardSigmoidOp>(lowerHardSigmoid);
  to.add<HardSwishOp>(lowerByBody<HardSwishOp, hardSwish>);
  to.add<SwishOp>(lowerSwish);
  to.add<GeluOp>(lowerGelu);
}

void weir::onnx::addElementwiseLowerings(Lowerings &lowerings) {
  addArithmetic(lowerings);
  addLogic(lowerings);
  addFunctions(lowerings);
}
