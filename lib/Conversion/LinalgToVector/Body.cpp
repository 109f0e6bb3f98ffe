//===- Body.cpp - The arithmetic of a body on vectors ---------------------===//

#include "Kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace weir;

Value KernelEmitter::clone(Operation *op, IRMapping &mapping, int64_t width) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    Value scalar = b.clone(*op)->getResult(0);
    return width == 1 ? scalar
                      : vector::BroadcastOp::create(
                            b, loc, widen(constant.getType(), width), scalar);
  }
  if (width > 1) // constants from outside the body
    for (Value operand : op->getOperands())
      if (!mapping.contains(operand))
        mapping.map(operand, vector::BroadcastOp::create(
                                 b, loc, widen(operand.getType(), width), operand));
  Operation *copy = b.clone(*op, mapping);
  for (Value result : copy->getResults())
    result.setType(widen(result.getType(), width));
  return copy->getResult(0);
}

/// What the body yields; with a reduction, for the accumulated value `sum`.
Value KernelEmitter::evaluate(ArrayRef<Value> inputs, Value sum, int64_t width) {
  Block &body = *nest.body;
  IRMapping mapping;
  for (auto [argument, value] : llvm::zip(body.getArguments(), inputs))
    mapping.map(argument, value);
  if (sum)
    mapping.map(body.getArguments().back(), sum);
  // acc + x * y is one instruction, rounded once.
  arith::MulFOp product;
  if (nest.isContraction())
    for (Value operand : nest.combiner->getOperands())
      if (auto mul = operand.getDefiningOp<arith::MulFOp>(); mul && mul->hasOneUse())
        product = mul;
  for (Operation &op : body.without_terminator()) {
    if (product && &op == product)
      continue;
    Value result;
    if (product && &op == nest.combiner)
      result = math::FmaOp::create(b, loc, mapping.lookup(product.getLhs()),
                                   mapping.lookup(product.getRhs()), sum);
    else
      result = clone(&op, mapping, width);
    mapping.map(op.getResult(0), result);
  }
  Value yielded = body.getTerminator()->getOperand(0);
  Value result = mapping.lookupOrDefault(yielded);
  if (width > 1 && !isa<VectorType>(result.getType())) // a value from outside
    result = vector::BroadcastOp::create(b, loc, widen(result.getType(), width), result);
  return result;
}

Value KernelEmitter::combine(Value sum, Value value) {
  IRMapping mapping;
  Value acc = nest.body->getArguments().back();
  for (Value operand : nest.combiner->getOperands())
    mapping.map(operand, operand == acc ? sum : value);
  Operation *copy = b.clone(*nest.combiner, mapping);
  copy->getResult(0).setType(sum.getType());
  return copy->getResult(0);
}

static int64_t widthOf(Value value) {
  auto type = dyn_cast<VectorType>(value.getType());
  return type ? type.getNumElements() : 1;
}

/// ((0+4)+(2+6)) + ((1+5)+(3+7)): halves are added until one lane is left. The parts get
/// no wider; each is added where the sum is as wide.
Value KernelEmitter::joinLanes(ArrayRef<Value> parts) {
  Value sum = parts.consume_front();
  for (int64_t lanes = widthOf(sum);; lanes /= 2) {
    while (!parts.empty() && widthOf(parts.front()) == lanes)
      sum = combine(sum, parts.consume_front());
    if (lanes == 1)
      return sum;
    Value low = vector::ExtractStridedSliceOp::create(b, loc, sum, {0}, {lanes / 2}, {1});
    Value high =
        vector::ExtractStridedSliceOp::create(b, loc, sum, {lanes / 2}, {lanes / 2}, {1});
    sum = combine(low, high);
    if (lanes == 2)
      sum = vector::ExtractOp::create(b, loc, sum, ArrayRef<int64_t>{0});
  }
}
