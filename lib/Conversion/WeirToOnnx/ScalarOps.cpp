//===- ScalarOps.cpp - Scalars as tensors of rank 0 -----------------------===//
// Integers here count steps and tokens: they are never negative, so that signed and
// unsigned operations are the same.

#include "ScalarOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// Of a tensor, or of a number: then of rank 0, an index as i64.
static Value lowerConstant(arith::ConstantOp op, OnnxBuilder &b) {
  TypedAttr value = op.getValue();
  if (auto elements = dyn_cast<ElementsAttr>(value))
    return b.constant(elements);
  Builder attrs(op.getContext());
  if (isa<IndexType>(value.getType()))
    value = attrs.getI64IntegerAttr(cast<IntegerAttr>(value).getInt());
  auto type = RankedTensorType::get({}, value.getType());
  return b.constant(DenseElementsAttr::get(type, Attribute(value)));
}

static Value lowerComparison(arith::CmpIPredicate predicate, OnnxBuilder &b, Value x,
                             Value y) {
  switch (predicate) {
  case arith::CmpIPredicate::eq:
    return b.make<EqualOp>(x, y);
  case arith::CmpIPredicate::ne:
    return b.make<NotOp>(b.make<EqualOp>(x, y));
  case arith::CmpIPredicate::slt:
  case arith::CmpIPredicate::ult:
    return b.make<LessOp>(x, y);
  case arith::CmpIPredicate::sle:
  case arith::CmpIPredicate::ule:
    return b.make<LessOrEqualOp>(x, y);
  case arith::CmpIPredicate::sgt:
  case arith::CmpIPredicate::ugt:
    return b.make<GreaterOp>(x, y);
  case arith::CmpIPredicate::sge:
  case arith::CmpIPredicate::uge:
    return b.make<GreaterOrEqualOp>(x, y);
  }
  llvm_unreachable("all predicates are listed");
}

Value weir::lowerScalarOp(Operation *op, OnnxBuilder &b, ArrayRef<Value> operands) {
  if (isa<ShapedType>(op->getResult(0).getType()) &&
      !isa<arith::ConstantOp, tensor::FromElementsOp>(op))
    return Value(); // arithmetic on tensors, which no step has
  auto same = [&](auto) { return operands[0]; };
  auto convert = [&](auto) { return b.cast(operands[0], op->getResult(0).getType()); };
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](tensor::ExtractOp extract) {
        return extract.getIndices().empty() ? operands[0] : Value();
      })
      .Case([&](tensor::FromElementsOp made) {
        return made.getType().getRank() == 0 ? operands[0] : Value();
      })
      .Case([&](arith::ConstantOp constant) { return lowerConstant(constant, b); })
      .Case([&](arith::CmpIOp compare) {
        return lowerComparison(compare.getPredicate(), b, operands[0], operands[1]);
      })
      .Case<arith::IndexCastOp, arith::IndexCastUIOp>(same)
      .Case<arith::SIToFPOp, arith::UIToFPOp, arith::ExtUIOp>(convert)
      .Case<arith::AddIOp>([&](auto) { return b.add(operands[0], operands[1]); })
      .Case<arith::SubIOp>([&](auto) { return b.make<SubOp>(operands[0], operands[1]); })
      .Case<arith::MulIOp>([&](auto) { return b.mul(operands[0], operands[1]); })
      .Case<arith::RemUIOp, arith::RemSIOp>(
          [&](auto) { return b.make<ModOp>(operands[0], operands[1]); })
      .Case<arith::MinSIOp, arith::MinUIOp>(
          [&](auto) { return b.make<MinOp>(ValueRange(operands)); })
      .Case<arith::MaxSIOp, arith::MaxUIOp>(
          [&](auto) { return b.make<MaxOp>(ValueRange(operands)); })
      .Case<arith::SelectOp>(
          [&](auto) { return b.make<WhereOp>(operands[0], operands[1], operands[2]); })
      .Default(Value());
}
