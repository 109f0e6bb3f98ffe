//===- BuildRow.cpp - One query against all keys --------------------------===//
// r = max s, D = sum e^(s - r), A = sum e^(s - r) v; of the shadow the same over the keys
// that came after the first with s = r.

#include "Attention.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/IRMapping.h"
#include "weir/Dialect/Weir/Slots.h"

using namespace mlir;
using namespace weir;
using namespace weir::retroactive;

using Part = RetroactiveAttentionOp;
using IteratorType = Attention::IteratorType;

namespace {
class Row {
public:
  Row(Attention &attention, Value slot)
      : attention(attention), rank(attention.rank()),
        all(attention.leading(rank + 1, rank + 1)),
        row(attention.leading(rank + 1, rank)),
        parallel(rank + 1, IteratorType::parallel), overKeys(parallel) {
    overKeys.back() = IteratorType::reduction;
    SmallVector<int64_t> shape(attention.rowsType.getShape());
    shape.back() = 1;
    oneType = attention.rowsType.clone(shape);
    scores = runBody(slot);
  }
  SmallVector<Value> build();

private:
  using Fold = function_ref<Value(Floats &, Value, Value)>;

  Value runBody(Value slot);
  Value reduce(Value value, double init, Fold fold);
  Value largest(Value scores);
  Value sum(Value weights);
  Value weigh(Value scores, Value reference);
  Value weightedSum(Value weights);
  Value boundOf(Value normalizer);
  Value position(Floats &f, Value shift);
  Value countUntilReferenceLeaves(Value reference, Value shift);
  Value onlyLater(Value left, Value shift);

  Attention &attention;
  unsigned rank;
  AffineMap all, row; ///< of the loops (.., query, key)
  SmallVector<IteratorType> parallel, overKeys;
  RankedTensorType oneType; ///< [.., 1]
  Value scores;             ///< [.., 1, keys]
};
} // namespace

Value Row::runBody(Value slot) {
  IRMapping mapping;
  Block &body = attention.op.getBody().front();
  mapping.map(body.getArgument(0), slot);
  for (Operation &inner : body.without_terminator())
    attention.rw.clone(inner, mapping);
  return mapping.lookupOrDefault(body.getTerminator()->getOperand(0));
}

Value Row::reduce(Value value, double init, Fold fold) {
  return attention
      .generic({value}, {all}, {attention.fill(oneType, init)}, {row}, overKeys,
               [&](Floats &f, ValueRange in) -> SmallVector<Value> {
                 return {fold(f, in[0], in[1])};
               })
      .front();
}

Value Row::largest(Value scores) {
  return reduce(scores, -std::numeric_limits<double>::infinity(),
                [](Floats &f, Value x, Value y) { return f.max(x, y); });
}

Value Row::sum(Value weights) {
  return reduce(weights, 0, [](Floats &f, Value x, Value y) { return f.add(x, y); });
}

Value Row::weigh(Value scores, Value reference) {
  Value empty = attention.empty(cast<RankedTensorType>(scores.getType()));
  return attention
      .generic({scores, reference}, {all, row}, {empty}, {all}, parallel,
               [](Floats &f, ValueRange in) -> SmallVector<Value> {
                 return {f.weight(in[0], in[1])};
               })
      .front();
}

/// Loops (.., query, feature, key) over values [.., key, feature].
Value Row::weightedSum(Value weights) {
  Builder &b = attention.rw;
  SmallVector<int64_t> shape(attention.weightedType.getShape());
  shape[rank - 1] = 1;
  RankedTensorType type = attention.weightedType.clone(shape);
  AffineMap loops = attention.leading(rank + 2, rank + 2);
  SmallVector<AffineExpr> valueDims(loops.getResults());
  valueDims[rank - 1] = b.getAffineDimExpr(rank + 1);
  valueDims.pop_back();
  AffineMap toValue = AffineMap::get(rank + 2, 0, valueDims, b.getContext());
  shape[rank - 1] = attention.keys.numRows();
  Value values = attention.op.getValues();
  AffineMap valueMap = attention.broadcast(values, rank + 1, shape).compose(toValue);
  SmallVector<IteratorType> kinds(rank + 1, IteratorType::parallel);
  kinds.push_back(IteratorType::reduction);
  return attention
      .generic({weights, values}, {loops.dropResult(rank), valueMap},
               {attention.fill(type, 0)}, {loops.dropResult(rank + 1)}, kinds,
               [](Floats &f, ValueRange in) -> SmallVector<Value> {
                 return {f.add(in[2], f.mul(in[0], in[1]))};
               })
      .front();
}

Value Row::boundOf(Value normalizer) {
  AffineMap one = attention.leading(rank, rank);
  return attention
      .generic({normalizer}, {one}, {attention.empty(oneType)}, {one},
               SmallVector<IteratorType>(rank, IteratorType::parallel),
               [&](Floats &f, ValueRange in) -> SmallVector<Value> {
                 return {f.mul(f.constant(4 * attention.unit()), in[0])};
               })
      .front();
}

/// Window position of the key that a body is at.
Value Row::position(Floats &f, Value shift) {
  Value key = linalg::IndexOp::create(f.b, f.loc, rank);
  Value at = makePosition(f.b, f.loc, key, shift, attention.keys.tokens);
  return arith::IndexCastOp::create(f.b, f.loc, f.b.getI64Type(), at);
}

/// Its position and one; of equal scores the first.
Value Row::countUntilReferenceLeaves(Value reference, Value shift) {
  RankedTensorType steps = oneType.clone(attention.rw.getI64Type());
  Value all64 = attention.fill(steps, attention.keys.tokens);
  return attention
      .generic({scores, reference}, {all, row}, {all64}, {row}, overKeys,
               [&](Floats &f, ValueRange in) -> SmallVector<Value> {
                 Value next =
                     arith::AddIOp::create(f.b, f.loc, position(f, shift), f.integer(1));
                 Value least = arith::MinSIOp::create(f.b, f.loc, next, in[2]);
                 Value isReference = f.is(arith::CmpFPredicate::OEQ, in[0], in[1]);
                 return {f.select(isReference, least, in[2])};
               })
      .front();
}

/// Scores of the keys behind the reference, the others masked.
Value Row::onlyLater(Value left, Value shift) {
  Value empty = attention.empty(cast<RankedTensorType>(scores.getType()));
  return attention
      .generic({scores, left}, {all, row}, {empty}, {all}, parallel,
               [&](Floats &f, ValueRange in) -> SmallVector<Value> {
                 Value isLater = arith::CmpIOp::create(
                     f.b, f.loc, arith::CmpIPredicate::sge, position(f, shift), in[1]);
                 return {f.select(isLater, in[0], f.lowest())};
               })
      .front();
}

SmallVector<Value> Row::build() {
  Value reference = attention.has(RetroactiveForm::Published) ? attention.fill(oneType, 0)
                                                              : largest(scores);
  Value weights = weigh(scores, reference);
  Value normalizer = sum(weights);
  SmallVector<Value> built = {reference, normalizer, boundOf(normalizer),
                              weightedSum(weights), Value()};
  if (!attention.has(RetroactiveForm::Shadow))
    return built;
  Value shift = attention.shiftOf(attention.keys);
  Value left = countUntilReferenceLeaves(reference, shift);
  Value later = onlyLater(left, shift);
  Value shadowReference = largest(later);
  Value shadowWeights = weigh(later, shadowReference);
  built.append({left, shadowReference, sum(shadowWeights), weightedSum(shadowWeights)});
  return built;
}

SmallVector<Value> retroactive::buildRow(Attention &attention, Value slot) {
  return Row(attention, slot).build();
}
