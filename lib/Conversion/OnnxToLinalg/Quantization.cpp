//===- Quantization.cpp - Rounding to a grid, and back --------------------===//

#include "weir/Dialect/Onnx/Quantization.h"
#include "Emit.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// Grids of whole bytes have a place in memory.
static LogicalResult checkGrid(Emit &emit, Type element) {
  if (element.isInteger() && element.getIntOrFloatBitWidth() % 8 == 0)
    return success();
  std::string name;
  llvm::raw_string_ostream(name) << element;
  return emit.refuse("values of type " + llvm::Twine(name) +
                     " are read in constants, not computed");
}

/// The map that reads the scale of each element of a tensor of `rank`.
static AffineMap scaleMap(MLIRContext *context, int64_t rank, int64_t scaleRank,
                          ScaleSpread spread) {
  SmallVector<AffineExpr> exprs;
  if (spread.kind == ScaleSpread::Tensor)
    exprs.assign(scaleRank, getAffineConstantExpr(0, context));
  else if (spread.kind == ScaleSpread::Axis)
    exprs.push_back(getAffineDimExpr(spread.axis, context));
  else
    for (int64_t dim = 0; dim < rank; ++dim) {
      AffineExpr expr = getAffineDimExpr(dim, context);
      exprs.push_back(dim == spread.axis ? expr.floorDiv(spread.block) : expr);
    }
  return AffineMap::get(rank, 0, exprs, context);
}

/// Maps the tensor, its scale and, where there is one, its zero point to `element`.
static Results mapScaled(Operation *op, Emit &emit, Type element, Body body) {
  SmallVector<Tensor> operands;
  SmallVector<AffineMap> maps;
  for (Value operand : op->getOperands())
    if (!isa<NoneType>(operand.getType()))
      operands.push_back(emit.tensor(operand));
  int64_t rank = operands[0].rank();
  ScaleSpread spread = getScaleSpread(op);
  for (auto [index, operand] : llvm::enumerate(operands))
    maps.push_back(index == 0 ? emit.rw.getMultiDimIdentityMap(rank)
                              : scaleMap(op->getContext(), rank, operand.rank(), spread));
  return SmallVector<Value>{
      emit.map(operands[0].shape(), element, operands, maps, body).value};
}

static Value toF32(Scalars &s, Value x) { return s.convert(x, s.b.getF32Type(), false); }

static Results lowerQuantize(QuantizeLinearOp op, Emit &emit) {
  Type element = getElementTypeOrSelf(op.getY());
  if (failed(checkGrid(emit, element)))
    return failure();
  bool isUnsigned = element.isUnsignedInteger();
  int64_t bits = element.getIntOrFloatBitWidth();
  double high = std::ldexp(1.0, isUnsigned ? bits : bits - 1) - 1;
  double low = isUnsigned ? 0 : -high - 1;
  return mapScaled(op, emit, element, [&](Scalars &s, ValueRange v) {
    Value y = s.div(toF32(s, v[0]), toF32(s, v[1]));
    y = math::RoundEvenOp::create(s.b, s.loc, y);
    if (v.size() > 2)
      y = s.add(y, toF32(s, v[2]));
    y = s.min(s.max(y, s.constant(y, low)), s.constant(y, high));
    return s.convert(y, storedType(element), isUnsigned);
  });
}

static Results lowerDequantize(DequantizeLinearOp op, Emit &emit) {
  if (failed(checkGrid(emit, getElementTypeOrSelf(op.getX()))))
    return failure();
  Type i32 = emit.rw.getI32Type(), f32 = emit.rw.getF32Type();
  Type element = getElementTypeOrSelf(op.getY());
  return mapScaled(op, emit, element, [&](Scalars &s, ValueRange v) {
    Value x = s.convert(v[0], i32, false);
    if (v.size() > 2)
      x = s.sub(x, s.convert(v[2], i32, false));
    Value real = arith::SIToFPOp::create(s.b, s.loc, f32, x);
    Value y = s.mul(real, toF32(s, v[1]));
    return s.convert(y, computedType(element), false);
  });
}

void weir::onnx::addQuantizationLowerings(Lowerings &lowerings) {
  lowerings.add<QuantizeLinearOp>(lowerQuantize);
  lowerings.add<DequantizeLinearOp>(lowerDequantize);
}
