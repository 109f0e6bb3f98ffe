//===- FixedPointRows.cpp - Rows as digits of whole numbers ---------------===//
// s = max |x| / 32639, q = round(x / s), d1 = (q + 128) >> 8, d0 = q - 256 d1
// 32639 = 127 * 256 + 127 is the largest number both of whose digits are below 128.

#include "FixedPointRows.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace weir;

static constexpr int64_t wide = 16, narrow = 4; // elements at a time; depths are whole
static constexpr float most = 32639;
/// Adding it to a number below 2^22 leaves the rounded number in the last bits, for any
/// bits that come: conversions of what is no number have no value.
static constexpr float magic = 0x1.8p23f;

FixedPointRows::FixedPointRows(OpBuilder &b, Location loc, int64_t count, int64_t depth)
    : b(b), loc(loc), depth(depth) {
  auto take = [&](int64_t size, Type type) -> Value {
    return memref::AllocaOp::create(b, loc, MemRefType::get({size}, type),
                                    b.getI64IntegerAttr(64));
  };
  digits = take(count * numDigits * depth, b.getI8Type());
  sums = take(count * numDigits, b.getI32Type());
  scales = take(count, b.getF32Type());
  auto type = MemRefType::get({count * numDigits * depth / narrow}, b.getI32Type());
  groups = memref::ViewOp::create(b, loc, type, digits, index(0), ValueRange());
}

Value FixedPointRows::index(int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

Value FixedPointRows::add(Value x, Value y) {
  return arith::AddIOp::create(b, loc, x, y);
}

Value FixedPointRows::scaled(Value value, int64_t by) {
  return by == 1 ? value : arith::MulIOp::create(b, loc, value, index(by)).getResult();
}

Value FixedPointRows::splat(TypedAttr number, int64_t width) {
  auto type = VectorType::get({width}, number.getType());
  return arith::ConstantOp::create(
      b, loc, DenseElementsAttr::get(type, ArrayRef<Attribute>(number)));
}

Value FixedPointRows::splat(int32_t number, int64_t width) {
  return splat(b.getI32IntegerAttr(number), width);
}

Value FixedPointRows::splat(Value number, int64_t width) {
  auto type = VectorType::get({width}, number.getType());
  return vector::BroadcastOp::create(b, loc, type, number);
}

Value FixedPointRows::loadElements(Value from, Value start, int64_t stride, Value at,
                                   int64_t width) {
  auto type = VectorType::get({width}, b.getF32Type());
  Value first = add(start, scaled(at, stride));
  if (stride == 1)
    return vector::LoadOp::create(b, loc, type, from, first);
  SmallVector<Value> elements;
  for (int64_t i = 0; i < width; ++i)
    elements.push_back(
        memref::LoadOp::create(b, loc, from, add(first, index(i * stride))));
  return vector::FromElementsOp::create(b, loc, type, elements);
}

SmallVector<Value> FixedPointRows::foldRow(unsigned numSums, Fold fold, Join join,
                                           bool isMaximum) {
  SmallVector<Value> joined;
  int64_t numWide = depth / wide, done = numWide * wide;
  auto reduce = [&](ValueRange vectors) {
    auto kind = isMaximum ? vector::CombiningKind::MAXSI : vector::CombiningKind::ADD;
    for (auto [i, sum] : llvm::enumerate(vectors)) {
      Value one = vector::ReductionOp::create(b, loc, kind, sum);
      if (i == joined.size())
        joined.push_back(one);
      else
        joined[i] = join(joined[i], one);
    }
  };
  if (numWide > 0) {
    SmallVector<Value> zeros(numSums, splat(0, wide));
    auto each = scf::ForOp::create(b, loc, index(0), index(done), index(wide), zeros);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(each.getBody());
      scf::YieldOp::create(b, loc,
                           fold(each.getInductionVar(), wide, each.getRegionIterArgs()));
    }
    reduce(each.getResults());
  }
  for (; done < depth; done += narrow) {
    SmallVector<Value> zeros(numSums, splat(0, narrow));
    reduce(fold(index(done), narrow, zeros));
  }
  return joined;
}

/// As bits, magnitudes are ordered like whole numbers, and what is no number is largest.
Value FixedPointRows::largestMagnitude(Value from, Value start, int64_t stride) {
  auto fold = [&](Value at, int64_t width, ValueRange sums) -> SmallVector<Value> {
    Value x = loadElements(from, start, stride, at, width);
    auto type = VectorType::get({width}, b.getI32Type());
    Value bits = arith::BitcastOp::create(b, loc, type, x);
    bits = arith::AndIOp::create(b, loc, bits, splat(0x7fffffff, width));
    return {arith::MaxSIOp::create(b, loc, sums[0], bits)};
  };
  auto join = [&](Value x, Value y) -> Value {
    return arith::MaxSIOp::create(b, loc, x, y);
  };
  Value bits = foldRow(1, fold, join, /*isMaximum=*/true).front();
  // Rows of next to nothing: 1 / s has to be a number.
  constexpr float least = 1e-30f;
  bits = join(bits, arith::ConstantOp::create(
                        b, loc, b.getI32IntegerAttr(llvm::bit_cast<int32_t>(least))));
  return arith::BitcastOp::create(b, loc, b.getF32Type(), bits);
}

void FixedPointRows::fill(Value row, Value from, Value start, int64_t stride) {
  Value largest = largestMagnitude(from, start, stride);
  auto number = [&](float value) {
    return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(value));
  };
  memref::StoreOp::create(
      b, loc, arith::MulFOp::create(b, loc, largest, number(1 / most)), scales, row);
  Value inverse = arith::DivFOp::create(b, loc, number(most), largest);
  Value place = scaled(row, numDigits * depth);
  auto fold = [&](Value at, int64_t width, ValueRange sums) -> SmallVector<Value> {
    auto ints = VectorType::get({width}, b.getI32Type());
    auto bytes = VectorType::get({width}, b.getI8Type());
    Value x = loadElements(from, start, stride, at, width);
    x = arith::MulFOp::create(b, loc, x, splat(inverse, width));
    x = arith::AddFOp::create(b, loc, x, splat(b.getF32FloatAttr(magic), width));
    Value q = arith::BitcastOp::create(b, loc, ints, x);
    q = arith::SubIOp::create(b, loc, q, splat(llvm::bit_cast<int32_t>(magic), width));
    Value large =
        arith::ShRSIOp::create(b, loc, add(q, splat(128, width)), splat(8, width));
    Value most = arith::ShLIOp::create(b, loc, large, splat(8, width));
    Value small = arith::SubIOp::create(b, loc, q, most);
    SmallVector<Value> next;
    for (auto [i, digit] : llvm::enumerate(ValueRange{small, large})) {
      Value stored = arith::TruncIOp::create(b, loc, bytes, digit);
      Value position = add(add(place, index(i * depth)), at);
      vector::StoreOp::create(b, loc, stored, digits, position);
      next.push_back(add(sums[i], digit));
    }
    return next;
  };
  auto join = [&](Value x, Value y) { return add(x, y); };
  SmallVector<Value> totals = foldRow(numDigits, fold, join, /*isMaximum=*/false);
  for (auto [i, total] : llvm::enumerate(totals))
    memref::StoreOp::create(b, loc, total, sums, add(scaled(row, numDigits), index(i)));
}

Value FixedPointRows::loadDigits(Value row, int64_t digit, Value group) {
  Value place = scaled(row, numDigits * depth / narrow);
  place = add(place, index(digit * depth / narrow));
  return memref::LoadOp::create(b, loc, groups, add(place, group));
}

Value FixedPointRows::loadSum(Value row, int64_t digit) {
  return memref::LoadOp::create(b, loc, sums, add(scaled(row, numDigits), index(digit)));
}

Value FixedPointRows::loadScale(Value row) {
  return memref::LoadOp::create(b, loc, scales, row);
}
