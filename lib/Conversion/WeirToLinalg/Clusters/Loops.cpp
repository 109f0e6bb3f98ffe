//===- Loops.cpp - Loops that carry tensors -------------------------------===//

#include "Loops.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "weir/Support/TensorTypes.h"

using namespace mlir;
using namespace weir;
using namespace weir::clusters;

Value Loops::index(int64_t value) { return arith::ConstantIndexOp::create(b, value); }
Value Loops::integer(int64_t value) {
  return arith::ConstantIntOp::create(b, value, /*width=*/64);
}
Value Loops::number(Type type, double value) {
  if (isa<FloatType>(type))
    return arith::ConstantOp::create(b, b.getFloatAttr(type, value));
  return arith::ConstantOp::create(b, b.getIntegerAttr(type, value));
}
Value Loops::toIndex(Value integer) {
  return arith::IndexCastOp::create(b, b.getIndexType(), integer);
}
Value Loops::toInteger(Value index) {
  return arith::IndexCastOp::create(b, b.getI64Type(), index);
}
Value Loops::add(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
Value Loops::sub(Value x, Value y) { return arith::SubIOp::create(b, x, y); }
Value Loops::both(Value x, Value y) { return arith::AndIOp::create(b, x, y); }
Value Loops::either(Value x, Value y) { return arith::OrIOp::create(b, x, y); }
Value Loops::is(arith::CmpIPredicate predicate, Value x, Value y) {
  return arith::CmpIOp::create(b, predicate, x, y);
}
Value Loops::is(arith::CmpFPredicate predicate, Value x, Value y) {
  return arith::CmpFOp::create(b, predicate, x, y);
}
Value Loops::select(Value condition, Value x, Value y) {
  return arith::SelectOp::create(b, condition, x, y);
}

Value Loops::empty(ArrayRef<int64_t> shape, Type type) {
  return tensor::EmptyOp::create(b, shape, type);
}

Value Loops::filled(ArrayRef<int64_t> shape, Type type, double value) {
  return linalg::FillOp::create(b, number(type, value), empty(shape, type)).getResult(0);
}

Value Loops::get(Value tensor, ArrayRef<Value> at) {
  return tensor::ExtractOp::create(b, tensor, at);
}

Value Loops::set(Value tensor, ArrayRef<Value> at, Value value) {
  return tensor::InsertOp::create(b, value, tensor, at);
}

namespace {
/// One row of a tensor.
struct Slice {
  SmallVector<OpFoldResult> offsets, sizes, strides;
  RankedTensorType type;
};
} // namespace

static Slice rowAt(OpBuilder &b, Value tensor, ArrayRef<Value> at) {
  RankedTensorType type = typeOf(tensor);
  Slice slice;
  slice.offsets = getAsOpFoldResult(at);
  slice.offsets.push_back(b.getIndexAttr(0));
  slice.sizes.assign(at.size(), b.getIndexAttr(1));
  slice.sizes.push_back(b.getIndexAttr(type.getShape().back()));
  slice.strides.assign(type.getRank(), b.getIndexAttr(1));
  slice.type = RankedTensorType::get(type.getShape().take_back(1), type.getElementType());
  return slice;
}

Value Loops::row(Value tensor, ArrayRef<Value> at) {
  Slice slice = rowAt(b, tensor, at);
  return tensor::ExtractSliceOp::create(b, slice.type, tensor, slice.offsets, slice.sizes,
                                        slice.strides);
}

Value Loops::setRow(Value tensor, ArrayRef<Value> at, Value row) {
  Slice slice = rowAt(b, tensor, at);
  return tensor::InsertSliceOp::create(b, row, tensor, slice.offsets, slice.sizes,
                                       slice.strides);
}

Loops::Values Loops::repeat(Value count, ValueRange values, Body body, bool downwards) {
  auto loop = scf::ForOp::create(b, index(0), count, index(1), values);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value at = loop.getInductionVar();
  if (downwards)
    at = sub(sub(count, index(1)), at);
  Values next = body(at, loop.getRegionIterArgs());
  scf::YieldOp::create(b, next);
  return Values(loop.getResults());
}

Value Loops::nest(ArrayRef<int64_t> shape, Value value, NestBody body,
                  int64_t numParallel) {
  SmallVector<Value> at;
  auto from = [&](auto &self, Value value) -> Value {
    if (at.size() == shape.size())
      return body(at, value);
    int64_t size = shape[at.size()];
    if (size == 1) {
      at.push_back(index(0));
      value = self(self, value);
    } else {
      value = repeat(index(size), value, [&](Value i, ValueRange values) -> Values {
                at.push_back(i);
                return {self(self, values[0])};
              }).front();
      if (static_cast<int64_t>(at.size()) <= numParallel)
        markParallel(value);
    }
    at.pop_back();
    return value;
  };
  return from(from, value);
}

Loops::Values Loops::choose(Value condition, ValueRange values,
                            function_ref<Values()> then,
                            function_ref<Values()> otherwise) {
  auto branch = scf::IfOp::create(b, values.getTypes(), condition, /*withElse=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, then());
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, otherwise());
  return Values(branch.getResults());
}

void Loops::markParallel(Value value) {
  if (auto loop = value.getDefiningOp<scf::ForOp>())
    loop->setDiscardableAttr("weir.parallel", b.getUnitAttr());
}

SmallVector<Value> weir::clusters::leadingIndices(Loops &loops, Value tensor,
                                                  int64_t numInner, ArrayRef<Value> at) {
  ArrayRef<int64_t> lead = typeOf(tensor).getShape().drop_back(numInner);
  SmallVector<Value> indices;
  for (auto [size, index] : llvm::zip_equal(lead, at.take_back(lead.size())))
    indices.push_back(size == 1 ? loops.index(0) : index);
  return indices;
}
