//===- Selection.cpp - The best entries of a dimension, in order ----------===//
// Entries become keys, integers in the order of the entries. The key of the K-th best is
// found bit by bit, by counting; one pass then collects the K places, and the rank of a
// place is the number of those before it. Linear memory, and of equal entries always the
// first, for any number of lanes.

#include "Emit.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// So few entries are ranked as they are.
static constexpr int64_t fewEntries = 64;

namespace {
/// Selection in every row of `keys` [rows, size]: the higher the better.
class Selector {
public:
  Selector(Emit &emit, Tensor keys, int64_t count)
      : emit(emit), b(emit.rw), loc(emit.loc), keys(keys), rows(keys.shape()[0]),
        size(keys.shape()[1]), count(count) {}

  /// The places of the `count` best, best first: [rows, count].
  Tensor select();

private:
  Value index(int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }
  Value extract(Value from, ValueRange at) {
    return tensor::ExtractOp::create(b, loc, from, at);
  }
  Value update(Value into, ArrayRef<Value> inputs, onnx::Body body);
  Tensor countFrom(Tensor threshold, bool beyond);
  Tensor findThreshold();
  Tensor collect(Tensor threshold, Tensor numBeyond);
  Tensor gatherKeys(Tensor places);
  Tensor rank(Tensor candidates);
  Tensor order(Tensor places, Tensor ranks);
  /// Runs `entry` for each row and each of `columns`; what it gives is its next state,
  /// the first of which, a tensor, outlives the row.
  using Entry = function_ref<SmallVector<Value>(Value row, Value column, ValueRange)>;
  Value overRows(Value result, int64_t columns,
                 function_ref<SmallVector<Value>(Value row)> startRow, Entry entry);

  Emit &emit;
  OpBuilder &b;
  Location loc;
  Tensor keys;
  int64_t rows, size, count;
};
} // namespace

/// How many keys of a row are at least its threshold, or beyond it.
Tensor Selector::countFrom(Tensor threshold, bool beyond) {
  MLIRContext *context = b.getContext();
  return emit.reduce(
      {rows}, keys.element, {keys, threshold},
      {keepLoops(context, 2, {0, 1}), keepLoops(context, 2, 0)}, keepLoops(context, 2, 0),
      {IteratorKind::parallel, IteratorKind::reduction}, 0,
      [&](Scalars &s, ValueRange v) {
        Value counts = beyond ? s.less(v[1], v[0]) : s.lessOrEqual(v[1], v[0]);
        Value one = arith::ExtUIOp::create(s.b, s.loc, keys.element, counts);
        return s.add(v[2], one);
      });
}

/// `into`, each element replaced by what `body` makes of it, the last of its values, and
/// of those of `inputs`: in place.
Value Selector::update(Value into, ArrayRef<Value> inputs, onnx::Body body) {
  SmallVector<AffineMap> maps(inputs.size() + 1, b.getMultiDimIdentityMap(1));
  auto build = [&](OpBuilder &inner, Location at, ValueRange values) {
    Scalars s(inner, at);
    linalg::YieldOp::create(inner, at, body(s, values));
  };
  return linalg::GenericOp::create(b, loc, TypeRange{into.getType()}, inputs,
                                   ValueRange{into}, maps,
                                   ArrayRef{IteratorKind::parallel}, build)
      .getResult(0);
}

/// The largest threshold that at least `count` keys reach: its bits from the highest on,
/// each set where enough keys remain.
Tensor Selector::findThreshold() {
  unsigned bits = keys.element.getIntOrFloatBitWidth();
  double lowest = -std::ldexp(1.0, bits - 1); // no bit but the highest
  Value start = emit.fill({rows}, keys.element, lowest).value;
  Value bit = emit.fill({rows}, keys.element, lowest).value;
  auto loop =
      scf::ForOp::create(b, loc, index(0), index(bits), index(1), ValueRange{start, bit});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Tensor known = {loop.getRegionIterArg(0), keys.element};
  bit = loop.getRegionIterArg(1);
  Tensor tried = emit.map({rows}, keys.element, {known, {bit, keys.element}},
                          [](Scalars &s, ValueRange v) -> Value {
                            return arith::XOrIOp::create(s.b, s.loc, v[0], v[1]);
                          });
  Tensor reached = countFrom(tried, /*beyond=*/false);
  Value next = update(known.value, {reached.value, tried.value},
                      [&](Scalars &s, ValueRange v) -> Value {
                        Value enough = s.lessOrEqual(s.constant(v[0], count), v[0]);
                        return s.select(enough, v[1], v[2]);
                      });
  Value lower = update(bit, {}, [](Scalars &s, ValueRange v) -> Value {
    return arith::ShRUIOp::create(s.b, s.loc, v[0], s.constant(v[0], 1));
  });
  scf::YieldOp::create(b, loc, ValueRange{next, lower});
  return {loop.getResult(0), keys.element};
}

Value Selector::overRows(Value result, int64_t columns,
                         function_ref<SmallVector<Value>(Value row)> startRow,
                         Entry entry) {
  auto outer = scf::ForOp::create(b, loc, index(0), index(rows), index(1), result);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(outer.getBody());
  Value row = outer.getInductionVar();
  SmallVector<Value> start = {outer.getRegionIterArg(0)};
  llvm::append_range(start, startRow(row));
  auto inner = scf::ForOp::create(b, loc, index(0), index(columns), index(1), start);
  {
    OpBuilder::InsertionGuard innerGuard(b);
    b.setInsertionPointToStart(inner.getBody());
    scf::YieldOp::create(b, loc,
                         entry(row, inner.getInductionVar(), inner.getRegionIterArgs()));
  }
  scf::YieldOp::create(b, loc, inner.getResult(0));
  return outer.getResult(0);
}

/// The places of all keys beyond the threshold and of the first that equal it, `count` in
/// all, in their order. Each key is written where the next place goes: one column more.
Tensor Selector::collect(Tensor threshold, Tensor numBeyond) {
  Type i64 = b.getI64Type();
  Value places = emit.fill({rows, count + 1}, i64, 0).value;
  Value one = index(1), zero = index(0);
  auto startRow = [&](Value row) {
    Value beyond = arith::IndexCastOp::create(b, loc, b.getIndexType(),
                                              extract(numBeyond.value, row));
    Value equal = arith::SubIOp::create(b, loc, index(count), beyond);
    return SmallVector<Value>{zero, equal, extract(threshold.value, row)};
  };
  Value result =
      overRows(places, size, startRow, [&](Value row, Value column, ValueRange state) {
        Scalars s(b, loc);
        Value key = extract(keys.value, {row, column}), limit = state[3];
        Value isEqual =
            arith::AndIOp::create(b, loc, s.equal(key, limit), s.less(zero, state[2]));
        Value isTaken = arith::OrIOp::create(b, loc, s.less(limit, key), isEqual);
        Value place = arith::IndexCastOp::create(b, loc, i64, column);
        Value next =
            tensor::InsertOp::create(b, loc, place, state[0], ValueRange{row, state[1]});
        return SmallVector<Value>{next, s.add(state[1], s.select(isTaken, one, zero)),
                                  s.sub(state[2], s.select(isEqual, one, zero)), limit};
      });
  return emit.slice({result, i64}, {0, 0}, {rows, count}, {1, 1});
}

Tensor Selector::gatherKeys(Tensor places) {
  return emit.map(
      places.shape(), keys.element, {places}, [&](Scalars &s, ValueRange v) -> Value {
        Value at = arith::IndexCastOp::create(s.b, s.loc, s.b.getIndexType(), v[0]);
        return tensor::ExtractOp::create(s.b, s.loc, keys.value,
                                         ValueRange{s.index(0), at});
      });
}

/// For each candidate the number of those before it: better ones, and equal ones to its
/// left.
Tensor Selector::rank(Tensor candidates) {
  int64_t width = candidates.shape()[1];
  MLIRContext *context = b.getContext();
  auto type = RankedTensorType::get({width}, keys.element);
  SmallVector<Attribute> values;
  for (int64_t i = 0; i < width; ++i)
    values.push_back(b.getIntegerAttr(keys.element, i));
  Tensor positions = emit.constant(DenseElementsAttr::get(type, values));
  // Loops: row, candidate, other.
  return emit.reduce(
      {rows, width}, keys.element, {candidates, candidates, positions, positions},
      {keepLoops(context, 3, {0, 1}), keepLoops(context, 3, {0, 2}),
       keepLoops(context, 3, 1), keepLoops(context, 3, 2)},
      keepLoops(context, 3, {0, 1}),
      {IteratorKind::parallel, IteratorKind::parallel, IteratorKind::reduction}, 0,
      [&](Scalars &s, ValueRange v) {
        Value isLeft =
            arith::AndIOp::create(s.b, s.loc, s.equal(v[0], v[1]), s.less(v[3], v[2]));
        Value isBefore = arith::OrIOp::create(s.b, s.loc, s.less(v[0], v[1]), isLeft);
        return s.add(v[4], arith::ExtUIOp::create(s.b, s.loc, keys.element, isBefore));
      });
}

/// Each place where its rank says; ranks from `count` on go to a column more.
Tensor Selector::order(Tensor places, Tensor ranks) {
  Value ordered = emit.fill({rows, count + 1}, places.element, 0).value;
  auto nothing = [](Value) { return SmallVector<Value>(); };
  Value result = overRows(
      ordered, places.shape()[1], nothing,
      [&](Value row, Value column, ValueRange state) {
        Scalars s(b, loc);
        Value rank = arith::IndexCastOp::create(b, loc, b.getIndexType(),
                                                extract(ranks.value, {row, column}));
        Value at = s.min(rank, index(count));
        Value place = extract(places.value, {row, column});
        return SmallVector<Value>{
            tensor::InsertOp::create(b, loc, place, state[0], ValueRange{row, at})};
      });
  return emit.slice({result, places.element}, {0, 0}, {rows, count}, {1, 1});
}

Tensor Selector::select() {
  Type i64 = b.getI64Type();
  if (size <= fewEntries) {
    SmallVector<int64_t> all = llvm::to_vector(llvm::seq<int64_t>(0, size));
    Tensor row = emit.constant(
        DenseElementsAttr::get(RankedTensorType::get({size}, i64), ArrayRef(all)));
    return order(emit.broadcast(row, {rows, size}), rank(keys));
  }
  Tensor threshold = findThreshold();
  Tensor places = collect(threshold, countFrom(threshold, /*beyond=*/true));
  return order(places, rank(gatherKeys(places)));
}

/// Signed integers in the order of the entries, the best highest. Floats are their bits,
/// those of negative ones turned around; zeros are equal, NaN is the largest.
static Tensor makeKeys(Emit &emit, Tensor x, bool largest) {
  Type wide = computedType(x.element);
  unsigned bits = std::max(32u, wide.getIntOrFloatBitWidth());
  Type key = emit.rw.getIntegerType(bits);
  return emit.map(x.shape(), key, {x}, [&](Scalars &s, ValueRange v) -> Value {
    Value entry = v[0];
    if (isa<FloatType>(wide)) {
      Value number = s.add(entry, s.constant(entry, 0)); // -0 + 0 is 0
      Value isNan = s.notEqual(number, number);
      entry = arith::BitcastOp::create(s.b, s.loc, key, number);
      Value sign = arith::ShRSIOp::create(s.b, s.loc, entry, s.constant(entry, bits - 1));
      Value rest = arith::ShRUIOp::create(s.b, s.loc, sign, s.constant(entry, 1));
      entry = arith::XOrIOp::create(s.b, s.loc, entry, rest);
      Value highest = arith::ConstantOp::create(
          s.b, s.loc, s.b.getIntegerAttr(key, APInt::getSignedMaxValue(bits)));
      entry = s.select(isNan, highest, entry);
    } else {
      entry = s.convert(entry, key, false);
      if (x.element.isUnsignedInteger())
        entry = arith::XOrIOp::create(
            s.b, s.loc, entry,
            arith::ConstantOp::create(
                s.b, s.loc, s.b.getIntegerAttr(key, APInt::getSignedMinValue(bits))));
    }
    return largest ? entry
                   : arith::XOrIOp::create(s.b, s.loc, entry, s.constant(entry, -1));
  });
}

static Results lowerTopK(TopKOp op, Emit &emit) {
  Tensor x = emit.tensor(op.getX());
  int64_t axis = op.getAxis() < 0 ? op.getAxis() + x.rank() : op.getAxis();
  auto shape = cast<RankedTensorType>(op.getValues().getType()).getShape();
  int64_t size = x.shape()[axis], count = shape[axis];
  Type i64 = emit.rw.getI64Type();
  auto elements = cast<RankedTensorType>(op.getValues().getType()).getNumElements();
  if (elements == 0)
    return SmallVector<Value>{emit.empty(shape, x.element), emit.empty(shape, i64)};
  // [rows, size], the axis at the end.
  SmallVector<int64_t> perm = llvm::to_vector(llvm::seq<int64_t>(0, x.rank()));
  perm.erase(perm.begin() + axis);
  perm.push_back(axis);
  SmallVector<int64_t> moved, back(x.rank());
  for (auto [to, from] : llvm::enumerate(perm)) {
    moved.push_back(shape[from]);
    back[from] = to;
  }
  Tensor entries = emit.reshape(emit.transpose(x, perm), {elements / count, size});
  Tensor keys = makeKeys(emit, entries, op.getLargest() != 0);
  Tensor places = Selector(emit, keys, count).select();
  Tensor raw = {entries.value,
                cast<RankedTensorType>(entries.value.getType()).getElementType()};
  Tensor values = emit.map(
      places.shape(), raw.element, {places}, [&](Scalars &s, ValueRange v) -> Value {
        Value at = arith::IndexCastOp::create(s.b, s.loc, s.b.getIndexType(), v[0]);
        return tensor::ExtractOp::create(s.b, s.loc, raw.value,
                                         ValueRange{s.index(0), at});
      });
  SmallVector<Value> results;
  for (Tensor result : {values, places})
    results.push_back(emit.transpose(emit.reshape(result, moved), back).value);
  return results;
}

void weir::onnx::addSelectionLowerings(Lowerings &lowerings) {
  lowerings.add<TopKOp>(lowerTopK);
}
