//===- Slots.cpp - Arithmetic of slots and of tokens that are absent ------===//

#include "weir/Dialect/Weir/Slots.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace weir;

static Value constant(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

Value weir::makeShift(OpBuilder &b, Location loc, Value step, const TokenAxis &axis) {
  Value next = arith::AddIOp::create(b, loc, step, constant(b, loc, 1));
  Value moved = arith::MulIOp::create(b, loc, next, constant(b, loc, axis.chunk));
  return arith::RemUIOp::create(b, loc, moved, constant(b, loc, axis.tokens));
}

Value weir::makePosition(OpBuilder &b, Location loc, Value slot, Value shift,
                         int64_t tokens) {
  Value size = constant(b, loc, tokens);
  Value ahead = arith::SubIOp::create(b, loc, size, shift);
  Value sum = arith::AddIOp::create(b, loc, slot, ahead);
  return arith::RemUIOp::create(b, loc, sum, size);
}

TypedAttr weir::getFill(AbsentToken fill, Type element) {
  Builder b(element.getContext());
  bool isLowest = fill == AbsentToken::Lowest;
  if (fill == AbsentToken::Zero || fill == AbsentToken::One) {
    double value = fill == AbsentToken::One;
    if (isa<FloatType>(element))
      return b.getFloatAttr(element, value);
    return b.getIntegerAttr(element, static_cast<int64_t>(value));
  }
  if (auto type = dyn_cast<FloatType>(element))
    return b.getFloatAttr(type,
                          llvm::APFloat::getInf(type.getFloatSemantics(), isLowest));
  unsigned width = element.getIntOrFloatBitWidth();
  bool isUnsigned = element.isUnsignedInteger() || width == 1;
  llvm::APInt value = isLowest ? (isUnsigned ? llvm::APInt::getMinValue(width)
                                             : llvm::APInt::getSignedMinValue(width))
                               : (isUnsigned ? llvm::APInt::getMaxValue(width)
                                             : llvm::APInt::getSignedMaxValue(width));
  return b.getIntegerAttr(element, value);
}
