//===- Attention.cpp - What lowering an updated attention works with ------===//

#include "Attention.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "weir/Dialect/Weir/Slots.h"

using namespace mlir;
using namespace weir;
using namespace weir::retroactive;

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

Value Floats::constant(double value) {
  return arith::ConstantOp::create(b, loc, b.getFloatAttr(type, value));
}
Value Floats::integer(int64_t value) {
  return arith::ConstantIntOp::create(b, loc, value, 64);
}
Value Floats::lowest() { return constant(-std::numeric_limits<double>::infinity()); }
Value Floats::add(Value x, Value y) { return arith::AddFOp::create(b, loc, x, y); }
Value Floats::sub(Value x, Value y) { return arith::SubFOp::create(b, loc, x, y); }
Value Floats::mul(Value x, Value y) { return arith::MulFOp::create(b, loc, x, y); }
Value Floats::max(Value x, Value y) { return arith::MaximumFOp::create(b, loc, x, y); }
Value Floats::abs(Value x) { return math::AbsFOp::create(b, loc, x); }
Value Floats::is(arith::CmpFPredicate predicate, Value x, Value y) {
  return arith::CmpFOp::create(b, loc, predicate, x, y);
}
Value Floats::isMasked(Value x) { return is(arith::CmpFPredicate::OEQ, x, lowest()); }
Value Floats::select(Value condition, Value x, Value y) {
  return arith::SelectOp::create(b, loc, condition, x, y);
}
Value Floats::both(Value x, Value y) { return arith::AndIOp::create(b, loc, x, y); }
Value Floats::either(Value x, Value y) { return arith::OrIOp::create(b, loc, x, y); }
Value Floats::negate(Value x) {
  return arith::XOrIOp::create(b, loc, x, arith::ConstantIntOp::create(b, loc, 1, 1));
}
Value Floats::weight(Value x, Value y) {
  Value exp = math::ExpOp::create(b, loc, sub(x, y));
  return select(either(isMasked(x), isMasked(y)), constant(0), exp);
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

Value Attention::index(int64_t value) {
  return arith::ConstantIndexOp::create(rw, loc, value);
}

Value Attention::integer(int64_t value) {
  return arith::ConstantIntOp::create(rw, loc, value, 64);
}

Value Attention::empty(RankedTensorType type) {
  return tensor::EmptyOp::create(rw, loc, type.getShape(), type.getElementType());
}

Value Attention::fill(RankedTensorType type, double value) {
  Attribute scalar = isa<FloatType>(type.getElementType())
                         ? Attribute(rw.getFloatAttr(type.getElementType(), value))
                         : rw.getIntegerAttr(type.getElementType(), value);
  Value constant = arith::ConstantOp::create(rw, loc, cast<TypedAttr>(scalar));
  return linalg::FillOp::create(rw, loc, constant, empty(type)).getResult(0);
}

AffineMap Attention::leading(unsigned loops, unsigned count) {
  AffineMap all = AffineMap::getMultiDimIdentityMap(loops, rw.getContext());
  return count ? all.getMajorSubMap(count) : AffineMap::get(loops, 0, rw.getContext());
}

AffineMap Attention::broadcast(Value value, unsigned loops, ArrayRef<int64_t> shape) {
  ArrayRef<int64_t> from = cast<RankedTensorType>(value.getType()).getShape();
  unsigned shift = shape.size() - from.size();
  SmallVector<AffineExpr> results;
  for (auto [dim, size] : llvm::enumerate(from))
    results.push_back(size == 1 && shape[dim + shift] != 1
                          ? rw.getAffineConstantExpr(0)
                          : rw.getAffineDimExpr(dim + shift));
  return AffineMap::get(loops, 0, results, rw.getContext());
}

SmallVector<Value> Attention::generic(ArrayRef<Value> ins, ArrayRef<AffineMap> inMaps,
                                      ArrayRef<Value> outs, ArrayRef<AffineMap> outMaps,
                                      ArrayRef<IteratorType> kinds, Body body) {
  SmallVector<AffineMap> maps(inMaps);
  llvm::append_range(maps, outMaps);
  auto made = linalg::GenericOp::create(
      rw, loc, TypeRange(ValueRange(outs)), ins, outs, maps, kinds,
      [&](OpBuilder &b, Location at, ValueRange arguments) {
        Floats floats{b, at, rowsType.getElementType()};
        linalg::YieldOp::create(b, at, body(floats, arguments));
      });
  return SmallVector<Value>(made.getResults());
}

Value Attention::slice(Value value, int64_t dim, OpFoldResult at, bool drop) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), rw.getIndexAttr(0)), sizes,
      ones(type.getRank(), rw.getIndexAttr(1));
  SmallVector<int64_t> shape(type.getShape());
  shape[dim] = 1;
  for (int64_t size : shape)
    sizes.push_back(rw.getIndexAttr(size));
  offsets[dim] = at;
  if (drop)
    shape.erase(shape.begin() + dim);
  return tensor::ExtractSliceOp::create(rw, loc, type.clone(shape), value, offsets, sizes,
                                        ones);
}

Value Attention::insert(Value row, Value into, int64_t dim, Value at) {
  auto type = cast<RankedTensorType>(row.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), rw.getIndexAttr(0)), sizes,
      ones(type.getRank(), rw.getIndexAttr(1));
  for (int64_t size : type.getShape())
    sizes.push_back(rw.getIndexAttr(size));
  offsets[dim] = at;
  return tensor::InsertSliceOp::create(rw, loc, row, into, offsets, sizes, ones);
}

//===----------------------------------------------------------------------===//
// Slots
//===----------------------------------------------------------------------===//

Value Attention::shiftOf(const TokenAxis &axis) {
  return makeShift(rw, loc, op.getStep(), axis);
}

Value Attention::isNew(OpBuilder &b, Value slot, Value shift) {
  auto constant = [&](int64_t value) {
    return arith::ConstantIndexOp::create(b, loc, value);
  };
  auto atLeast = [&](Value x, int64_t least) -> Value {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, x, constant(least));
  };
  if (op.getLeaving().empty())
    return arith::ConstantIntOp::create(b, loc, 1, 1);
  Value token = arith::SubIOp::create(b, loc, slot, constant(queries.lead));
  Value position = makePosition(b, loc, token, shift, queries.tokens);
  Margins built = op.getNewQueries();
  Value fresh = atLeast(position, queries.tokens - built.right);
  if (built.left > 0)
    fresh = arith::OrIOp::create(b, loc, fresh,
                                 arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                                                       position, constant(built.left)));
  if (queries.lead == 0 && queries.tail == 0)
    return fresh;
  Value isToken = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, token,
                                        constant(queries.tokens));
  return arith::SelectOp::create(b, loc, isToken, fresh,
                                 arith::ConstantIntOp::create(b, loc, 1, 1));
}
