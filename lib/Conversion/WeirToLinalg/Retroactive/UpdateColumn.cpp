//===- UpdateColumn.cpp - One key leaves and one enters -------------------===//
// The formulas of weir.retroactive_attention: first on the numbers of each row, then on
// its weighted sums, both elementwise and in place.

#include "Attention.h"

using namespace mlir;
using namespace weir;
using namespace weir::retroactive;

using Part = RetroactiveAttentionOp;

namespace {
/// How the weighted sums change, a number a row each: A' = A scale - lost v_o + won v_n,
/// and of the shadow A2' = A2 scale2 + won2 v_n, which takes over where `taken` is 1.
struct RowFactors {
  Value scale, lost, won;
  Value shadowScale, shadowWon, taken;
};

class ColumnUpdate {
public:
  ColumnUpdate(Attention &attention, int64_t column)
      : attention(attention), column(column), rank(attention.rank()),
        hasShadow(attention.has(RetroactiveForm::Shadow)) {}
  void run() { updateSums(updateNumbers()); }

private:
  Value at(Value columns, int64_t dim) {
    return attention.slice(columns, dim, attention.rw.getIndexAttr(column),
                           /*drop=*/true);
  }
  Value valueAt(Value values) {
    return at(values, cast<RankedTensorType>(values.getType()).getRank() - 2);
  }
  SmallVector<Value> updateRow(Floats &f, ValueRange in);
  SmallVector<Value> updateShadow(Floats &f, ValueRange in, SmallVector<Value> row);
  RowFactors updateNumbers();
  void updateSums(const RowFactors &factors);

  Attention &attention;
  int64_t column;
  unsigned rank;
  bool hasShadow;
};
} // namespace

/// so, sn, r, D, b, .. ==> r', D', b', scale, lost, won
SmallVector<Value> ColumnUpdate::updateRow(Floats &f, ValueRange in) {
  bool isPublished = attention.has(RetroactiveForm::Published);
  Value so = in[0], sn = in[1], r = in[2], d = in[3], bound = in[4];
  Value next = isPublished ? r : f.max(r, sn);
  Value scale = isPublished ? f.constant(1) : f.weight(r, next);
  Value lost = f.mul(f.weight(so, r), scale), won = f.weight(sn, next);
  d = f.add(f.sub(f.mul(d, scale), lost), won);
  auto rounding = [&](Value score, Value weight) {
    Value size = f.mul(f.add(f.constant(4), f.abs(score)), weight);
    return f.select(f.isMasked(score), f.constant(0), size);
  };
  Value error = f.add(f.add(d, rounding(so, lost)), rounding(sn, won));
  bound = f.add(f.mul(bound, scale), f.mul(f.constant(attention.unit()), error));
  return {next, d, bound, scale, lost, won};
}

/// .., left, r2, D2 ==> .., left', r2', D2', scale2, won2, taken. A key that becomes the
/// reference empties the shadow; one that leaves as the reference hands over to it.
SmallVector<Value> ColumnUpdate::updateShadow(Floats &f, ValueRange in,
                                              SmallVector<Value> row) {
  Value sn = in[1], r = in[2], left = in[8], r2 = in[9], d2 = in[10];
  Value isReference = f.is(arith::CmpFPredicate::OGE, sn, r);
  Value isLast =
      arith::CmpIOp::create(f.b, f.loc, arith::CmpIPredicate::eq, left, f.integer(1));
  Value takesOver = f.both(isLast, f.negate(isReference));
  Value fewer = arith::SubIOp::create(f.b, f.loc, left, f.integer(1));
  fewer = arith::MaxSIOp::create(f.b, f.loc, fewer, f.integer(0));
  left = f.select(isReference, f.integer(attention.keys.tokens), fewer);
  Value next2 = f.max(r2, sn);
  Value scale2 = f.select(isReference, f.constant(0), f.weight(r2, next2));
  Value won2 = f.select(isReference, f.constant(0), f.weight(sn, next2));
  d2 = f.add(f.mul(d2, scale2), won2);
  next2 = f.select(isReference, f.lowest(), next2);
  row[Part::Reference] = f.select(takesOver, next2, row[Part::Reference]);
  row[Part::Normalizer] = f.select(takesOver, d2, row[Part::Normalizer]);
  Value bound = f.mul(f.constant(4 * attention.unit()), d2);
  row[Part::Bound] = f.select(takesOver, bound, row[Part::Bound]);
  Value taken = f.select(takesOver, f.constant(1), f.constant(0));
  row.append({left, next2, d2, scale2, won2, taken});
  return row;
}

RowFactors ColumnUpdate::updateNumbers() {
  RetroactiveAttentionOp op = attention.op;
  SmallVector<Value> &states = attention.states;
  AffineMap rows = attention.leading(rank, rank);
  auto empty = [&] { return attention.empty(attention.rowsType); };
  SmallVector<Value> outs = {states[Part::Reference],
                             states[Part::Normalizer],
                             states[Part::Bound],
                             empty(),
                             empty(),
                             empty()};
  if (hasShadow)
    outs.append({states[Part::Left], states[Part::ShadowReference],
                 states[Part::ShadowNormalizer], empty(), empty(), empty()});
  SmallVector<Value> made = attention.generic(
      {at(op.getLeaving()[0], rank), at(op.getEntering()[0], rank)}, {rows, rows}, outs,
      SmallVector<AffineMap>(outs.size(), rows),
      SmallVector<Attention::IteratorType>(rank, Attention::IteratorType::parallel),
      [&](Floats &f, ValueRange in) {
        SmallVector<Value> row = updateRow(f, in);
        return hasShadow ? updateShadow(f, in, row) : row;
      });
  states[Part::Reference] = made[0];
  states[Part::Normalizer] = made[1];
  states[Part::Bound] = made[2];
  if (!hasShadow)
    return {made[3], made[4], made[5], {}, {}, {}};
  states[Part::Left] = made[6];
  states[Part::ShadowReference] = made[7];
  states[Part::ShadowNormalizer] = made[8];
  return {made[3], made[4], made[5], made[9], made[10], made[11]};
}

void ColumnUpdate::updateSums(const RowFactors &factors) {
  RetroactiveAttentionOp op = attention.op;
  SmallVector<Value> &states = attention.states;
  AffineMap all = attention.leading(rank + 1, rank + 1);
  AffineMap perRow = attention.leading(rank + 1, rank);
  // Values have no queries: [.., features] against [.., queries, features].
  SmallVector<int64_t> shape(attention.weightedType.getShape());
  shape.erase(shape.end() - 2);
  auto valueMap = [&](Value value) {
    return attention.broadcast(value, shape.size(), shape)
        .compose(all.dropResult(rank - 1));
  };
  Value leaving = valueAt(op.getLeaving()[1]), entering = valueAt(op.getEntering()[1]);
  SmallVector<Value> ins = {leaving, entering, factors.scale, factors.lost, factors.won};
  SmallVector<AffineMap> maps = {valueMap(leaving), valueMap(entering), perRow, perRow,
                                 perRow};
  SmallVector<Value> sums = {states[Part::Weighted]};
  if (hasShadow) {
    ins.append({factors.shadowScale, factors.shadowWon, factors.taken});
    maps.append(3, perRow);
    sums.push_back(states[Part::ShadowWeighted]);
  }
  SmallVector<Value> made = attention.generic(
      ins, maps, sums, SmallVector<AffineMap>(sums.size(), all),
      SmallVector<Attention::IteratorType>(rank + 1, Attention::IteratorType::parallel),
      [&](Floats &f, ValueRange in) -> SmallVector<Value> {
        Value sum = f.mul(in[ins.size()], in[2]);
        sum = f.add(f.sub(sum, f.mul(in[3], in[0])), f.mul(in[4], in[1]));
        if (!hasShadow)
          return {sum};
        Value shadow = f.add(f.mul(in[ins.size() + 1], in[5]), f.mul(in[6], in[1]));
        Value isTaken = f.is(arith::CmpFPredicate::OEQ, in[7], f.constant(1));
        return {f.select(isTaken, shadow, sum), shadow};
      });
  states[Part::Weighted] = made[0];
  if (hasShadow)
    states[Part::ShadowWeighted] = made[1];
}

void retroactive::updateColumn(Attention &attention, int64_t column) {
  ColumnUpdate(attention, column).run();
}
