//===- UpdateColumn.cpp - One key leaves and one enters -------------------===//
// The formulas of weir.retroactive_attention: first on the numbers of each row, then on
// its weighted sums, all elementwise and in place. An op gives one result, so that it
// becomes loops over vectors; what several of them need is an op of its own. Old numbers
// are read before they are overwritten, in the order of the text.

#include "Attention.h"

using namespace mlir;
using namespace weir;
using namespace weir::retroactive;

using Part = RetroactiveAttentionOp;
using IteratorType = Attention::IteratorType;

namespace {
class ColumnUpdate {
public:
  ColumnUpdate(Attention &attention, int64_t column)
      : attention(attention), states(attention.states), column(column),
        rank(attention.rank()), hasShadow(attention.has(RetroactiveForm::Shadow)),
        leavingScore(at(attention.op.getLeaving()[0], rank)),
        enteringScore(at(attention.op.getEntering()[0], rank)),
        leavingValue(valueAt(attention.op.getLeaving()[1])),
        enteringValue(valueAt(attention.op.getEntering()[1])) {}
  void run();

private:
  using Formula = function_ref<Value(Floats &, ValueRange)>;

  Value at(Value columns, int64_t dim) {
    return attention.slice(columns, dim, attention.rw.getIndexAttr(column),
                           /*drop=*/true);
  }
  Value valueAt(Value values) {
    return at(values, cast<RankedTensorType>(values.getType()).getRank() - 2);
  }
  /// A number a row: of `ins`, and of what `out` holds, where that is read.
  Value number(ArrayRef<Value> ins, Value out, Formula formula);
  Value number(ArrayRef<Value> ins, Formula formula) {
    return number(ins, attention.empty(attention.rowsType), formula);
  }
  /// The sums of `state`: of numbers a row, and of values in the columns.
  void updateSums(Part::State state, ArrayRef<Value> values, ArrayRef<Value> numbers,
                  Formula formula);

  void findFactors();
  void findShadowFactors();
  void updateShadow();
  void updateNumbers();

  Attention &attention;
  SmallVector<Value> &states;
  int64_t column;
  unsigned rank;
  bool hasShadow;
  Value leavingScore, enteringScore, leavingValue, enteringValue;
  // How the sums change, a number a row each: A' = A scale - lost v_o + won v_n,
  Value next, scale, lost, won;
  // and of the shadow A2' = A2 scale2 + won2 v_n, which takes over where `taken` is 1.
  Value nextShadow, shadowScale, shadowWon, taken;
};
} // namespace

Value ColumnUpdate::number(ArrayRef<Value> ins, Value out, Formula formula) {
  AffineMap rows = attention.leading(rank, rank);
  return attention
      .generic(ins, SmallVector<AffineMap>(ins.size(), rows), {out}, {rows},
               SmallVector<IteratorType>(rank, IteratorType::parallel),
               [&](Floats &f, ValueRange in) -> SmallVector<Value> {
                 return {formula(f, in)};
               })
      .front();
}

/// r' = max(r, s_n), f = e^(r - r'), e^(s_o - r) f, e^(s_n - r')
void ColumnUpdate::findFactors() {
  Value reference = states[Part::Reference];
  bool isPublished = attention.has(RetroactiveForm::Published);
  next = isPublished ? reference
                     : number({reference, enteringScore}, [](Floats &f, ValueRange in) {
                         return f.max(in[0], in[1]);
                       });
  scale = isPublished ? attention.fill(attention.rowsType, 1)
                      : number({reference, next}, [](Floats &f, ValueRange in) {
                          return f.weight(in[0], in[1]);
                        });
  lost = number({leavingScore, reference, scale}, [](Floats &f, ValueRange in) {
    return f.mul(f.weight(in[0], in[1]), in[2]);
  });
  won = number({enteringScore, next},
               [](Floats &f, ValueRange in) { return f.weight(in[0], in[1]); });
}

/// A key that becomes the reference empties the shadow; one that leaves as the reference
/// hands over to it.
void ColumnUpdate::findShadowFactors() {
  Value reference = states[Part::Reference], shadow = states[Part::ShadowReference];
  auto isReference = [](Floats &f, Value entering, Value reference) {
    return f.is(arith::CmpFPredicate::OGE, entering, reference);
  };
  taken = number({enteringScore, reference, states[Part::Left]}, [&](Floats &f,
                                                                     ValueRange in) {
    Value isLast =
        arith::CmpIOp::create(f.b, f.loc, arith::CmpIPredicate::eq, in[2], f.integer(1));
    Value takes = f.both(isLast, f.negate(isReference(f, in[0], in[1])));
    return f.select(takes, f.constant(1), f.constant(0));
  });
  Value seen = number({shadow, enteringScore},
                      [](Floats &f, ValueRange in) { return f.max(in[0], in[1]); });
  shadowScale = number({enteringScore, reference, shadow, seen}, [&](Floats &f,
                                                                     ValueRange in) {
    return f.select(isReference(f, in[0], in[1]), f.constant(0), f.weight(in[2], in[3]));
  });
  shadowWon = number({enteringScore, reference, seen}, [&](Floats &f, ValueRange in) {
    return f.select(isReference(f, in[0], in[1]), f.constant(0), f.weight(in[0], in[2]));
  });
  nextShadow = number({enteringScore, reference, seen}, [&](Floats &f, ValueRange in) {
    return f.select(isReference(f, in[0], in[1]), f.lowest(), in[2]);
  });
  Value &left = states[Part::Left];
  left = number({enteringScore, reference}, left, [&](Floats &f, ValueRange in) {
    Value fewer = arith::SubIOp::create(f.b, f.loc, in[2], f.integer(1));
    fewer = arith::MaxSIOp::create(f.b, f.loc, fewer, f.integer(0));
    return f.select(isReference(f, in[0], in[1]), f.integer(attention.keys.tokens),
                    fewer);
  });
}

void ColumnUpdate::updateShadow() {
  Value &normalizer = states[Part::ShadowNormalizer];
  normalizer = number({shadowScale, shadowWon}, normalizer, [](Floats &f, ValueRange in) {
    return f.add(f.mul(in[2], in[0]), in[1]);
  });
  Value &reference = states[Part::ShadowReference];
  reference =
      number({nextShadow}, reference, [](Floats &, ValueRange in) { return in[0]; });
  updateSums(Part::ShadowWeighted, {enteringValue}, {shadowScale, shadowWon},
             [](Floats &f, ValueRange in) {
               return f.add(f.mul(in[3], in[1]), f.mul(in[2], in[0]));
             });
}

/// D' = D f - lost + won, b' = b f + u (D' + rounding of both), and r'; where the shadow
/// takes over, its own.
void ColumnUpdate::updateNumbers() {
  auto isTaken = [](Floats &f, Value taken) {
    return f.is(arith::CmpFPredicate::OEQ, taken, f.constant(1));
  };
  Value &normalizer = states[Part::Normalizer], &bound = states[Part::Bound],
        &reference = states[Part::Reference];
  SmallVector<Value> ins = {scale, lost, won};
  if (hasShadow)
    ins.append({taken, states[Part::ShadowNormalizer]});
  normalizer = number(ins, normalizer, [&](Floats &f, ValueRange in) {
    Value sum = f.add(f.sub(f.mul(in.back(), in[0]), in[1]), in[2]);
    return hasShadow ? f.select(isTaken(f, in[3]), in[4], sum) : sum;
  });
  ins = {scale, lost, won, leavingScore, enteringScore, normalizer};
  if (hasShadow)
    ins.push_back(taken);
  bound = number(ins, bound, [&](Floats &f, ValueRange in) {
    auto rounding = [&](Value score, Value weight) {
      Value size = f.mul(f.add(f.constant(4), f.abs(score)), weight);
      return f.select(f.isMasked(score), f.constant(0), size);
    };
    Value error = f.add(f.add(in[5], rounding(in[3], in[1])), rounding(in[4], in[2]));
    Value grown =
        f.add(f.mul(in.back(), in[0]), f.mul(f.constant(attention.unit()), error));
    if (!hasShadow)
      return grown;
    Value fresh = f.mul(f.constant(4 * attention.unit()), in[5]);
    return f.select(isTaken(f, in[6]), fresh, grown);
  });
  if (attention.has(RetroactiveForm::Published))
    return;
  // The same as `next`, which would be copied.
  ins = {enteringScore};
  if (hasShadow)
    ins.append({taken, nextShadow});
  reference = number(ins, reference, [&](Floats &f, ValueRange in) {
    Value seen = f.max(in.back(), in[0]);
    return hasShadow ? f.select(isTaken(f, in[1]), in[2], seen) : seen;
  });
}

void ColumnUpdate::updateSums(Part::State state, ArrayRef<Value> values,
                              ArrayRef<Value> numbers, Formula formula) {
  AffineMap all = attention.leading(rank + 1, rank + 1);
  AffineMap perRow = attention.leading(rank + 1, rank);
  // Values have no queries: [.., features] against [.., queries, features].
  SmallVector<int64_t> shape(attention.weightedType.getShape());
  shape.erase(shape.end() - 2);
  SmallVector<Value> ins(values);
  SmallVector<AffineMap> maps;
  for (Value value : values)
    maps.push_back(attention.broadcast(value, shape.size(), shape)
                       .compose(all.dropResult(rank - 1)));
  for (Value number : numbers) {
    ins.push_back(number);
    bool hasFeatures = cast<RankedTensorType>(number.getType()).getRank() > rank;
    maps.push_back(hasFeatures ? all : perRow);
  }
  states[state] =
      attention
          .generic(ins, maps, {states[state]}, {all},
                   SmallVector<IteratorType>(rank + 1, IteratorType::parallel),
                   [&](Floats &f, ValueRange in) -> SmallVector<Value> {
                     return {formula(f, in)};
                   })
          .front();
}

void ColumnUpdate::run() {
  findFactors();
  SmallVector<Value> numbers = {scale, lost, won};
  if (hasShadow) {
    findShadowFactors();
    updateShadow();
    numbers.append({taken, states[Part::ShadowWeighted]});
  }
  updateNumbers();
  updateSums(Part::Weighted, {leavingValue, enteringValue}, numbers,
             [&](Floats &f, ValueRange in) {
               Value sum = f.mul(in.back(), in[2]);
               sum = f.add(f.sub(sum, f.mul(in[3], in[0])), f.mul(in[4], in[1]));
               if (!hasShadow)
                 return sum;
               Value isTaken = f.is(arith::CmpFPredicate::OEQ, in[5], f.constant(1));
               return f.select(isTaken, in[6], sum);
             });
}

void retroactive::updateColumn(Attention &attention, int64_t column) {
  ColumnUpdate(attention, column).run();
}
