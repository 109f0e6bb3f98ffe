//===- Retroactive.cpp - Lower updated attentions to linalg ---------------===//
// retroactive_attention  ==>  elementwise updates of all rows, then a loop over slots
//                             that builds the rows which need it, from all keys
// Everything is on the states' own types, so that they are updated in place.

#include "Lowerings.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "weir/Dialect/Weir/Weir.h"

using namespace mlir;
using namespace weir;

using Attention = RetroactiveAttentionOp;
using utils::IteratorType;

namespace {
/// Scalar arithmetic of one float type, for bodies.
struct Floats {
  OpBuilder &b;
  Location loc;
  Type type;

  Value constant(double value) {
    return arith::ConstantOp::create(b, loc, b.getFloatAttr(type, value));
  }
  Value lowest() { return constant(-std::numeric_limits<double>::infinity()); }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, loc, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, loc, x, y); }
  Value max(Value x, Value y) { return arith::MaximumFOp::create(b, loc, x, y); }
  Value exp(Value x) { return math::ExpOp::create(b, loc, x); }
  Value abs(Value x) { return math::AbsFOp::create(b, loc, x); }
  Value is(arith::CmpFPredicate predicate, Value x, Value y) {
    return arith::CmpFOp::create(b, loc, predicate, x, y);
  }
  Value isMasked(Value x) { return is(arith::CmpFPredicate::OEQ, x, lowest()); }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, loc, condition, x, y);
  }
  Value both(Value x, Value y) { return arith::AndIOp::create(b, loc, x, y); }
  Value either(Value x, Value y) { return arith::OrIOp::create(b, loc, x, y); }
  Value negate(Value x) {
    return arith::XOrIOp::create(b, loc, x, arith::ConstantIntOp::create(b, loc, 1, 1));
  }
  /// e^(x - y), and 0 where x is masked; y is masked only where all scores are.
  Value weight(Value x, Value y) {
    return select(either(isMasked(x), isMasked(y)), constant(0), exp(sub(x, y)));
  }
};

class Update {
public:
  Update(Attention op, RewriterBase &rw)
      : op(op), rw(rw), loc(op.getLoc()), states(op.getStates()),
        rowsType(cast<RankedTensorType>(states[Attention::Reference].getType())),
        weightedType(cast<RankedTensorType>(states[Attention::Weighted].getType())),
        queries(op.getQueries().toAxis()), keys(op.getKeys().toAxis()) {}

  SmallVector<Value> lower();

private:
  using Body = function_ref<SmallVector<Value>(Floats &, ValueRange)>;

  Value index(int64_t value) { return arith::ConstantIndexOp::create(rw, loc, value); }
  Value integer(int64_t value) {
    return arith::ConstantIntOp::create(rw, loc, value, 64);
  }
  Value empty(RankedTensorType type) {
    return tensor::EmptyOp::create(rw, loc, type.getShape(), type.getElementType());
  }
  Value fill(RankedTensorType type, double value) {
    Attribute scalar = isa<FloatType>(type.getElementType())
                           ? Attribute(rw.getFloatAttr(type.getElementType(), value))
                           : rw.getIntegerAttr(type.getElementType(), value);
    Value constant = arith::ConstantOp::create(rw, loc, cast<TypedAttr>(scalar));
    return linalg::FillOp::create(rw, loc, constant, empty(type)).getResult(0);
  }
  AffineMap leading(unsigned rank, unsigned count) {
    AffineMap all = AffineMap::getMultiDimIdentityMap(rank, rw.getContext());
    return count ? all.getMajorSubMap(count) : AffineMap::get(rank, 0, rw.getContext());
  }
  AffineMap broadcast(Value value, unsigned rank, ArrayRef<int64_t> shape);
  SmallVector<Value> generic(ArrayRef<Value> ins, ArrayRef<AffineMap> inMaps,
                             ArrayRef<Value> outs, ArrayRef<AffineMap> outMaps,
                             ArrayRef<IteratorType> kinds, Body body);
  Value slice(Value value, int64_t dim, OpFoldResult at, bool drop);
  Value insert(Value row, Value into, int64_t dim, Value at);
  bool has(RetroactiveForm form) { return op.getForm() == form; }
  double unit() { return rowsType.getElementType().isF32() ? 0x1p-24 : 0x1p-53; }

  Value shiftOf(const TokenAxis &axis);
  Value isNew(OpBuilder &b, Value slot, Value shift);
  void updateColumn(int64_t column);
  Value findBadRows(Value oldNormalizer);
  void count(Value badInRow);
  void buildRows(Value bad);
  SmallVector<Value> buildRow(Value slot);

  Attention op;
  RewriterBase &rw;
  Location loc;
  SmallVector<Value> states;
  RankedTensorType rowsType, weightedType;
  TokenAxis queries, keys;
};
} // namespace

/// Reads `value`, which broadcasts from the right to the first dimensions of the loops.
AffineMap Update::broadcast(Value value, unsigned rank, ArrayRef<int64_t> shape) {
  ArrayRef<int64_t> from = cast<RankedTensorType>(value.getType()).getShape();
  unsigned shift = shape.size() - from.size();
  SmallVector<AffineExpr> results;
  for (auto [dim, size] : llvm::enumerate(from))
    results.push_back(size == 1 && shape[dim + shift] != 1
                          ? rw.getAffineConstantExpr(0)
                          : rw.getAffineDimExpr(dim + shift));
  return AffineMap::get(rank, 0, results, rw.getContext());
}

SmallVector<Value> Update::generic(ArrayRef<Value> ins, ArrayRef<AffineMap> inMaps,
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

/// One entry of dimension `dim`, with or without that dimension.
Value Update::slice(Value value, int64_t dim, OpFoldResult at, bool drop) {
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

Value Update::insert(Value row, Value into, int64_t dim, Value at) {
  auto type = cast<RankedTensorType>(row.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), rw.getIndexAttr(0)), sizes,
      ones(type.getRank(), rw.getIndexAttr(1));
  for (int64_t size : type.getShape())
    sizes.push_back(rw.getIndexAttr(size));
  offsets[dim] = at;
  return tensor::InsertSliceOp::create(rw, loc, row, into, offsets, sizes, ones);
}

/// Slots that the tokens of an axis have moved on by.
Value Update::shiftOf(const TokenAxis &axis) {
  Value next = arith::AddIOp::create(rw, loc, op.getStep(), index(1));
  Value moved = arith::MulIOp::create(rw, loc, next, index(axis.chunk));
  return arith::RemUIOp::create(rw, loc, moved, index(axis.tokens));
}

/// Window position of the token in `slot`, both counted without lead rows.
static Value positionOf(OpBuilder &b, Location loc, Value slot, Value shift,
                        int64_t tokens) {
  Value size = arith::ConstantIndexOp::create(b, loc, tokens);
  Value ahead = arith::SubIOp::create(b, loc, size, shift);
  Value sum = arith::AddIOp::create(b, loc, slot, ahead);
  return arith::RemUIOp::create(b, loc, sum, size);
}

/// Is the query in `slot` new in this step, or no token?
Value Update::isNew(OpBuilder &b, Value slot, Value shift) {
  auto constant = [&](int64_t value) {
    return arith::ConstantIndexOp::create(b, loc, value);
  };
  auto atLeast = [&](Value x, int64_t least) -> Value {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, x, constant(least));
  };
  if (op.getLeaving().empty())
    return arith::ConstantIntOp::create(b, loc, 1, 1);
  Value token = arith::SubIOp::create(b, loc, slot, constant(queries.lead));
  Value position = positionOf(b, loc, token, shift, queries.tokens);
  Value fresh = atLeast(position, queries.tokens - queries.chunk);
  if (queries.lead == 0 && queries.tail == 0)
    return fresh;
  Value isToken = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, token,
                                        constant(queries.tokens));
  return arith::SelectOp::create(b, loc, isToken, fresh,
                                 arith::ConstantIntOp::create(b, loc, 1, 1));
}

/// One key leaves and one enters.
void Update::updateColumn(int64_t column) {
  bool isPublished = has(RetroactiveForm::Published),
       hasShadow = has(RetroactiveForm::Shadow);
  unsigned rank = rowsType.getRank();
  AffineMap rows = leading(rank, rank), features = leading(rank + 1, rank + 1);
  auto at = [&](Value columns, int64_t dim) {
    return slice(columns, dim, rw.getIndexAttr(column), /*drop=*/true);
  };
  auto rankOf = [](Value value) {
    return cast<RankedTensorType>(value.getType()).getRank();
  };
  Value leaving = at(op.getLeaving()[0], rank), entering = at(op.getEntering()[0], rank);
  // r, D, b | f, e^(so - r) f, e^(sn - r') | left, r2, D2 | f2, e^(sn - r2'), taken over
  SmallVector<Value> outs = {states[Attention::Reference],
                             states[Attention::Normalizer],
                             states[Attention::Bound],
                             empty(rowsType),
                             empty(rowsType),
                             empty(rowsType)};
  if (hasShadow)
    outs.append({states[Attention::Left], states[Attention::ShadowReference],
                 states[Attention::ShadowNormalizer], empty(rowsType), empty(rowsType),
                 empty(rowsType)});
  SmallVector<Value> made = generic(
      {leaving, entering}, {rows, rows}, outs, SmallVector<AffineMap>(outs.size(), rows),
      SmallVector<IteratorType>(rank, IteratorType::parallel),
      [&](Floats &f, ValueRange in) -> SmallVector<Value> {
        Value so = in[0], sn = in[1], r = in[2], d = in[3], bound = in[4];
        Value next = isPublished ? r : f.max(r, sn);
        Value scale = isPublished ? f.constant(1) : f.weight(r, next);
        Value lost = f.mul(f.weight(so, r), scale), won = f.weight(sn, next);
        Value normalizer = f.add(f.sub(f.mul(d, scale), lost), won);
        auto rounding = [&](Value score, Value weight) {
          Value size = f.mul(f.add(f.constant(4), f.abs(score)), weight);
          return f.select(f.isMasked(score), f.constant(0), size);
        };
        Value error = f.add(f.add(normalizer, rounding(so, lost)), rounding(sn, won));
        bound = f.add(f.mul(bound, scale), f.mul(f.constant(unit()), error));
        if (!hasShadow)
          return {next, normalizer, bound, scale, lost, won};
        auto integer = [&](int64_t value) -> Value {
          return arith::ConstantIntOp::create(f.b, f.loc, value, 64);
        };
        Value left = in[8], r2 = in[9], d2 = in[10];
        Value isReference = f.is(arith::CmpFPredicate::OGE, sn, r);
        Value isLast =
            arith::CmpIOp::create(f.b, f.loc, arith::CmpIPredicate::eq, left, integer(1));
        Value takesOver = f.both(isLast, f.negate(isReference));
        Value fewer = arith::MaxSIOp::create(
            f.b, f.loc, arith::SubIOp::create(f.b, f.loc, left, integer(1)), integer(0));
        left = f.select(isReference, integer(keys.tokens), fewer);
        Value next2 = f.max(r2, sn);
        Value scale2 = f.select(isReference, f.constant(0), f.weight(r2, next2));
        Value won2 = f.select(isReference, f.constant(0), f.weight(sn, next2));
        d2 = f.add(f.mul(d2, scale2), won2);
        next2 = f.select(isReference, f.lowest(), next2);
        next = f.select(takesOver, next2, next);
        normalizer = f.select(takesOver, d2, normalizer);
        bound = f.select(takesOver, f.mul(f.constant(4 * unit()), d2), bound);
        Value taken = f.select(takesOver, f.constant(1), f.constant(0));
        return {next, normalizer, bound, scale,  lost, won,
                left, next2,      d2,    scale2, won2, taken};
      });
  for (Attention::State state :
       {Attention::Reference, Attention::Normalizer, Attention::Bound})
    states[state] = made[state];
  Value oldValue = at(op.getLeaving()[1], rankOf(op.getLeaving()[1]) - 2);
  Value newValue = at(op.getEntering()[1], rankOf(op.getEntering()[1]) - 2);
  // Values have no queries: [.., features] against [.., queries, features].
  SmallVector<int64_t> shape(weightedType.getShape());
  shape.erase(shape.end() - 2);
  AffineMap withoutQueries = features.dropResult(rank - 1);
  auto valueMap = [&](Value value) {
    return broadcast(value, shape.size(), shape).compose(withoutQueries);
  };
  AffineMap perRow = leading(rank + 1, rank);
  SmallVector<Value> ins = {made[3], made[4], made[5], oldValue, newValue};
  SmallVector<AffineMap> maps = {perRow, perRow, perRow, valueMap(oldValue),
                                 valueMap(newValue)};
  SmallVector<Value> sums = {states[Attention::Weighted]};
  if (hasShadow) {
    states[Attention::Left] = made[6];
    states[Attention::ShadowReference] = made[7];
    states[Attention::ShadowNormalizer] = made[8];
    ins.append({made[9], made[10], made[11]});
    maps.append(3, perRow);
    sums.push_back(states[Attention::ShadowWeighted]);
  }
  SmallVector<Value> weighted = generic(
      ins, maps, sums, SmallVector<AffineMap>(sums.size(), features),
      SmallVector<IteratorType>(rank + 1, IteratorType::parallel),
      [&](Floats &f, ValueRange in) -> SmallVector<Value> {
        Value sum = in[ins.size()];
        sum = f.add(f.sub(f.mul(sum, in[0]), f.mul(in[1], in[3])), f.mul(in[2], in[4]));
        if (!hasShadow)
          return {sum};
        Value shadow = f.add(f.mul(in[ins.size() + 1], in[5]), f.mul(in[6], in[4]));
        Value taken = f.is(arith::CmpFPredicate::OEQ, in[7], f.constant(1));
        return {f.select(taken, shadow, sum), shadow};
      });
  states[Attention::Weighted] = weighted[0];
  if (hasShadow)
    states[Attention::ShadowWeighted] = weighted[1];
}

/// 1 for each row that has lost its precision, [.., queries].
Value Update::findBadRows(Value oldNormalizer) {
  unsigned rank = rowsType.getRank();
  AffineMap rows = leading(rank, rank);
  Value shift = shiftOf(queries);
  auto flags = rowsType.clone(rw.getI64Type());
  SmallVector<Value> ins = {states[Attention::Reference], states[Attention::Normalizer],
                            states[Attention::Bound], oldNormalizer};
  double tolerance = op.getTolerance().convertToDouble();
  return generic(ins, SmallVector<AffineMap>(ins.size(), rows), {empty(flags)}, {rows},
                 SmallVector<IteratorType>(rank, IteratorType::parallel),
                 [&](Floats &f, ValueRange in) -> SmallVector<Value> {
                   using Predicate = arith::CmpFPredicate;
                   Value isBad;
                   if (has(RetroactiveForm::Published)) { // zeros: no step came before
                     isBad = f.is(Predicate::OEQ, in[3], f.constant(0));
                   } else {
                     Value isPrecise =
                         f.both(f.is(Predicate::OGE, in[1], f.constant(0.5)),
                                f.is(Predicate::OLE, in[2],
                                     f.mul(f.constant(tolerance), in[1])));
                     isBad = f.both(f.negate(isPrecise), f.negate(f.isMasked(in[0])));
                   }
                   Value slot = linalg::IndexOp::create(f.b, f.loc, rank - 1);
                   isBad = f.both(isBad, f.negate(isNew(f.b, slot, shift)));
                   return {arith::ExtUIOp::create(f.b, f.loc, rw.getI64Type(), isBad)};
                 })
      .front();
}

/// Adds the rows of this step to the counts, once the window is full.
void Update::count(Value badInRow) {
  auto scalar = RankedTensorType::get({}, rw.getI64Type());
  Value sum = generic({badInRow}, {leading(1, 1)}, {fill(scalar, 0)}, {leading(1, 0)},
                      {IteratorType::reduction},
                      [](Floats &f, ValueRange in) -> SmallVector<Value> {
                        return {arith::AddIOp::create(f.b, f.loc, in[0], in[1])};
                      })
                  .front();
  Value number = tensor::ExtractOp::create(rw, loc, sum, ValueRange());
  Value before = arith::MulIOp::create(rw, loc, op.getStep(), index(keys.chunk));
  Value isFull = arith::CmpIOp::create(rw, loc, arith::CmpIPredicate::uge, before,
                                       index(keys.tokens));
  number = arith::SelectOp::create(rw, loc, isFull, number, integer(0));
  Value &rebuilt = states[Attention::Rebuilt];
  Value total = tensor::ExtractOp::create(rw, loc, rebuilt, index(0));
  Value worst = tensor::ExtractOp::create(rw, loc, rebuilt, index(1));
  total = arith::AddIOp::create(rw, loc, total, number);
  worst = arith::MaxSIOp::create(rw, loc, worst, number);
  rebuilt = tensor::InsertOp::create(rw, loc, total, rebuilt, index(0));
  rebuilt = tensor::InsertOp::create(rw, loc, worst, rebuilt, index(1));
}

/// The states of the query in `slot`, from all keys; without the count.
SmallVector<Value> Update::buildRow(Value slot) {
  IRMapping mapping;
  Block &body = op.getBody().front();
  mapping.map(body.getArgument(0), slot);
  for (Operation &inner : body.without_terminator())
    rw.clone(inner, mapping);
  Value scores = mapping.lookupOrDefault(body.getTerminator()->getOperand(0));
  unsigned rank = rowsType.getRank();
  SmallVector<int64_t> shape(rowsType.getShape());
  shape.back() = 1;
  RankedTensorType one = rowsType.clone(shape);
  auto scoresType = cast<RankedTensorType>(scores.getType());
  AffineMap all = leading(rank + 1, rank + 1), kept = leading(rank + 1, rank);
  SmallVector<IteratorType> parallel(rank + 1, IteratorType::parallel),
      reduced = parallel;
  reduced.back() = IteratorType::reduction;
  auto reduce = [&](Value value, double init, auto fold) {
    return generic({value}, {all}, {fill(one, init)}, {kept}, reduced,
                   [&](Floats &f, ValueRange in) -> SmallVector<Value> {
                     return {fold(f, in[0], in[1])};
                   })
        .front();
  };
  auto largest = [](Floats &f, Value x, Value y) { return f.max(x, y); };
  auto sum = [](Floats &f, Value x, Value y) { return f.add(x, y); };
  constexpr double lowest = -std::numeric_limits<double>::infinity();
  auto weigh = [&](Value scores, Value reference) {
    return generic({scores, reference}, {all, kept}, {empty(scoresType)}, {all}, parallel,
                   [](Floats &f, ValueRange in) -> SmallVector<Value> {
                     return {f.weight(in[0], in[1])};
                   })
        .front();
  };
  auto weightedSum = [&](Value weights) {
    SmallVector<int64_t> shape(weightedType.getShape());
    shape[rank - 1] = 1;
    RankedTensorType type = weightedType.clone(shape);
    // Loops (.., 1, features, keys).
    AffineMap identity = leading(rank + 2, rank + 2);
    SmallVector<int64_t> full(weightedType.getShape());
    full[rank - 1] = keys.numRows();
    AffineMap values = broadcast(op.getValues(), rank + 1, full);
    SmallVector<AffineExpr> loops(identity.getResults());
    std::swap(loops[rank - 1], loops[rank + 1]); // keys in place of the query
    AffineMap toLoops = AffineMap::get(rank + 2, 0, ArrayRef(loops).take_front(rank + 1),
                                       rw.getContext());
    SmallVector<IteratorType> kinds(rank + 1, IteratorType::parallel);
    kinds.push_back(IteratorType::reduction);
    return generic({weights, op.getValues()},
                   {identity.dropResult(rank), values.compose(toLoops)}, {fill(type, 0)},
                   {identity.dropResult(rank + 1)}, kinds,
                   [](Floats &f, ValueRange in) -> SmallVector<Value> {
                     return {f.add(in[2], f.mul(in[0], in[1]))};
                   })
        .front();
  };
  Value reference =
      has(RetroactiveForm::Published) ? fill(one, 0) : reduce(scores, lowest, largest);
  Value weights = weigh(scores, reference);
  Value normalizer = reduce(weights, 0, sum);
  Value bound =
      generic({normalizer}, {leading(rank, rank)}, {empty(one)}, {leading(rank, rank)},
              SmallVector<IteratorType>(rank, IteratorType::parallel),
              [&](Floats &f, ValueRange in) -> SmallVector<Value> {
                return {f.mul(f.constant(4 * unit()), in[0])};
              })
          .front();
  SmallVector<Value> row = {reference, normalizer, bound, weightedSum(weights), Value()};
  if (!has(RetroactiveForm::Shadow))
    return row;
  Value shift = shiftOf(keys);
  auto position = [&](Floats &f) -> Value {
    Value key = linalg::IndexOp::create(f.b, f.loc, rank);
    Value at = positionOf(f.b, f.loc, key, shift, keys.tokens);
    return arith::IndexCastOp::create(f.b, f.loc, f.b.getI64Type(), at);
  };
  // Steps until the reference leaves: its position and one, the first of equal ones.
  RankedTensorType steps = one.clone(rw.getI64Type());
  Value left = generic({scores, reference}, {all, kept}, {fill(steps, keys.tokens)},
                       {kept}, reduced,
                       [&](Floats &f, ValueRange in) -> SmallVector<Value> {
                         Value next = arith::AddIOp::create(
                             f.b, f.loc, position(f),
                             arith::ConstantIntOp::create(f.b, f.loc, 1, 64));
                         Value least = arith::MinSIOp::create(f.b, f.loc, next, in[2]);
                         return {f.select(f.is(arith::CmpFPredicate::OEQ, in[0], in[1]),
                                          least, in[2])};
                       })
                   .front();
  Value later = generic({scores, left}, {all, kept}, {empty(scoresType)}, {all}, parallel,
                        [&](Floats &f, ValueRange in) -> SmallVector<Value> {
                          Value after = arith::CmpIOp::create(
                              f.b, f.loc, arith::CmpIPredicate::sge, position(f), in[1]);
                          return {f.select(after, in[0], f.lowest())};
                        })
                    .front();
  Value shadowReference = reduce(later, lowest, largest);
  Value shadowWeights = weigh(later, shadowReference);
  row.append(
      {left, shadowReference, reduce(shadowWeights, 0, sum), weightedSum(shadowWeights)});
  return row;
}

/// Replaces the bad and the new rows, slot by slot.
void Update::buildRows(Value bad) {
  unsigned rank = rowsType.getRank();
  auto perRow = RankedTensorType::get(rowsType.getShape().back(), rw.getI64Type());
  SmallVector<IteratorType> kinds(rank, IteratorType::reduction);
  kinds.back() = IteratorType::parallel;
  AffineMap rows = leading(rank, rank);
  Value badInRow =
      generic({bad}, {rows}, {fill(perRow, 0)}, {rows.getMinorSubMap(1)}, kinds,
              [](Floats &f, ValueRange in) -> SmallVector<Value> {
                return {arith::AddIOp::create(f.b, f.loc, in[0], in[1])};
              })
          .front();
  count(badInRow);
  Value shift = shiftOf(queries);
  auto loop =
      scf::ForOp::create(rw, loc, index(0), index(queries.numRows()), index(1), states);
  OpBuilder::InsertionGuard guard(rw);
  rw.setInsertionPointToStart(loop.getBody());
  Value slot = loop.getInductionVar();
  SmallVector<Value> old(loop.getRegionIterArgs());
  Value fresh = isNew(rw, slot, shift);
  Value number = tensor::ExtractOp::create(rw, loc, badInRow, slot);
  Value isBad =
      arith::CmpIOp::create(rw, loc, arith::CmpIPredicate::ne, number, integer(0));
  auto branch = scf::IfOp::create(rw, loc, TypeRange(ValueRange(old)),
                                  arith::OrIOp::create(rw, loc, fresh, isBad),
                                  /*withElseRegion=*/true);
  scf::YieldOp::create(rw, loc, branch.getResults());
  rw.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(rw, loc, old);
  rw.setInsertionPointToStart(branch.thenBlock());
  SmallVector<Value> row = buildRow(slot);
  Value badHere = slice(bad, rank - 1, slot, /*drop=*/false);
  for (auto [state, built] : llvm::zip_equal(old, row)) {
    if (!built)
      continue;
    Value before = slice(state, rank - 1, slot, /*drop=*/false);
    unsigned loops = cast<RankedTensorType>(built.getType()).getRank();
    Value chosen =
        generic({built, badHere}, {leading(loops, loops), leading(loops, rank)}, {before},
                {leading(loops, loops)},
                SmallVector<IteratorType>(loops, IteratorType::parallel),
                [&](Floats &f, ValueRange in) -> SmallVector<Value> {
                  Value zero = arith::ConstantIntOp::create(f.b, f.loc, 0, 64);
                  Value isBad = arith::CmpIOp::create(
                      f.b, f.loc, arith::CmpIPredicate::ne, in[1], zero);
                  return {f.select(f.either(isBad, fresh), in[0], in[2])};
                })
            .front();
    state = insert(chosen, state, rank - 1, slot);
  }
  scf::YieldOp::create(rw, loc, old);
  states.assign(loop.getResults().begin(), loop.getResults().end());
}

SmallVector<Value> Update::lower() {
  Value oldNormalizer = states[Attention::Normalizer];
  if (op.getLeaving().empty()) {
    buildRows(fill(rowsType.clone(rw.getI64Type()), 0));
    return states;
  }
  for (int64_t column = 0; column < keys.chunk; ++column)
    updateColumn(column);
  buildRows(findBadRows(oldNormalizer));
  return states;
}

namespace {
struct LowerRetroactive : OpRewritePattern<Attention> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(Attention op, PatternRewriter &rw) const override {
    rw.replaceOp(op, Update(op, rw).lower());
    return success();
  }
};

struct LowerWeightedMean : OpRewritePattern<WeightedMeanOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(WeightedMeanOp op, PatternRewriter &rw) const override {
    RankedTensorType type = op.getMean().getType();
    AffineMap all = AffineMap::getMultiDimIdentityMap(type.getRank(), rw.getContext());
    Value init =
        tensor::EmptyOp::create(rw, op.getLoc(), type.getShape(), type.getElementType());
    auto mean = linalg::GenericOp::create(
        rw, op.getLoc(), type, ValueRange{op.getWeighted(), op.getNormalizer()}, init,
        ArrayRef{all, all.getMajorSubMap(type.getRank() - 1), all},
        SmallVector<IteratorType>(type.getRank(), IteratorType::parallel),
        [](OpBuilder &b, Location loc, ValueRange in) {
          Value ratio = arith::DivFOp::create(b, loc, in[0], in[1]);
          linalg::YieldOp::create(b, loc, ratio);
        });
    rw.replaceOp(op, mean);
    return success();
  }
};
} // namespace

void weir::populateRetroactiveLowerings(RewritePatternSet &patterns) {
  patterns.add<LowerRetroactive, LowerWeightedMean>(patterns.getContext());
}
