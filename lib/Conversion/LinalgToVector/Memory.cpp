//===- Memory.cpp - Loads and stores of vectors ---------------------------===//

#include "Kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace weir;

Value KernelEmitter::index(int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

Value KernelEmitter::load(unsigned operand, const Indices &at, int64_t offset,
                          int64_t width) {
  Value buffer = buffers[operand];
  if (!isa<MemRefType>(buffer.getType())) {
    return width == 1 ? buffer
                      : vector::BroadcastOp::create(
                            b, loc, widen(buffer.getType(), width), buffer);
  }
  Type element = cast<MemRefType>(buffer.getType()).getElementType();
  auto position = [&](int64_t shift) {
    int64_t by = offset + shift;
    return by == 0 ? at[operand]
                   : arith::AddIOp::create(b, loc, at[operand], index(by)).getResult();
  };
  if (width == 1)
    return memref::LoadOp::create(b, loc, buffer, position(0));
  Type type = widen(element, width);
  if (stride(operand) == 0) {
    Value scalar = memref::LoadOp::create(b, loc, buffer, position(0));
    return vector::BroadcastOp::create(b, loc, type, scalar);
  }
  if (stride(operand) == 1)
    return vector::LoadOp::create(b, loc, cast<VectorType>(type), buffer, position(0));
  SmallVector<Value> elements;
  for (int64_t i = 0; i < width; ++i)
    elements.push_back(
        memref::LoadOp::create(b, loc, buffer, position(i * stride(operand))));
  return vector::FromElementsOp::create(b, loc, cast<VectorType>(type), elements);
}

Value KernelEmitter::loadStart(const Indices &at, int64_t offset, int64_t width) {
  if (!beginsAtFill)
    return load(nest.output(), at, offset, width);
  linalg::FillOp fill = nest.start;
  Value start = fill.value();
  return width == 1
             ? start
             : vector::BroadcastOp::create(b, loc, widen(start.getType(), width), start);
}

void KernelEmitter::store(Value value, const Indices &at, int64_t offset, int64_t width) {
  Value position = at.back();
  if (offset != 0)
    position = arith::AddIOp::create(b, loc, position, index(offset));
  if (width == 1)
    memref::StoreOp::create(b, loc, value, buffers.back(), position);
  else
    vector::StoreOp::create(b, loc, value, buffers.back(), position);
}
