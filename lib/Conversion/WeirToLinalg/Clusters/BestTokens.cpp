//===- BestTokens.cpp - The best of many tokens, in little memory ---------===//

#include "BestTokens.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include <limits>

using namespace mlir;
using namespace weir::clusters;

using IPredicate = arith::CmpIPredicate;
using FPredicate = arith::CmpFPredicate;

BestTokens::BestTokens(Loops &loops, int64_t places, Type number)
    : loops(loops),
      numbers(loops.filled(places, number, -std::numeric_limits<double>::infinity())),
      tokens(loops.filled(places, loops.b.getI64Type(), -1)) {}

Value BestTokens::isBetter(Value x, Value xToken, Value y, Value yToken) {
  Value comesFirst = loops.is(IPredicate::slt, xToken, yToken);
  return loops.either(loops.is(FPredicate::OGT, x, y),
                      loops.both(loops.is(FPredicate::OEQ, x, y), comesFirst));
}

void BestTokens::offer(Value number, Value token, Value limit) {
  Value first = loops.index(0);
  Value isWanted =
      isBetter(number, token, loops.get(numbers, first), loops.get(tokens, first));
  Value isRoom = loops.is(IPredicate::sgt, limit, first);
  auto kept = loops.onlyIf(loops.both(isWanted, isRoom), carried(), [&]() {
    BestTokens inside(loops, carried());
    inside.replaceWorst(number, token, limit);
    return inside.carried();
  });
  numbers = kept[0];
  tokens = kept[1];
}

/// The hole at the first place sinks below all that are worse than the new token.
void BestTokens::replaceWorst(Value number, Value token, Value size) {
  ImplicitLocOpBuilder &b = loops.b;
  Value one = loops.index(1);
  SmallVector<Type> types = {b.getIndexType(), numbers.getType(), tokens.getType()};
  SmallVector<Location> locs(3, b.getLoc());
  SmallVector<Type> resultTypes = types;
  resultTypes.push_back(b.getIndexType());
  auto sink =
      scf::WhileOp::create(b, resultTypes, ValueRange{loops.index(0), numbers, tokens});
  OpBuilder::InsertionGuard guard(b);
  Block *before = b.createBlock(&sink.getBefore(), {}, types, locs);
  Value hole = before->getArgument(0);
  Value heapNumbers = before->getArgument(1), heapTokens = before->getArgument(2);
  Value left = loops.add(loops.add(hole, hole), one);
  // Where there is no child, the hole stands for it and the loop ends.
  Value isLeft = loops.is(IPredicate::slt, left, size);
  Value isRight = loops.is(IPredicate::slt, left, loops.sub(size, one));
  left = loops.select(isLeft, left, hole);
  Value right = loops.select(isRight, loops.add(left, one), left);
  auto at = [&](Value place) {
    return std::pair(loops.get(heapNumbers, place), loops.get(heapTokens, place));
  };
  auto [leftNumber, leftToken] = at(left);
  auto [rightNumber, rightToken] = at(right);
  Value isRightWorse = isBetter(leftNumber, leftToken, rightNumber, rightToken);
  Value child = loops.select(isRightWorse, right, left);
  Value isChildWorse =
      isBetter(number, token, loops.select(isRightWorse, rightNumber, leftNumber),
               loops.select(isRightWorse, rightToken, leftToken));
  scf::ConditionOp::create(b, loops.both(isLeft, isChildWorse),
                           ValueRange{hole, heapNumbers, heapTokens, child});
  locs.push_back(b.getLoc());
  Block *after = b.createBlock(&sink.getAfter(), {}, resultTypes, locs);
  hole = after->getArgument(0);
  heapNumbers = after->getArgument(1);
  heapTokens = after->getArgument(2);
  child = after->getArgument(3);
  Value up = loops.get(heapNumbers, child), upToken = loops.get(heapTokens, child);
  scf::YieldOp::create(b, ValueRange{child, loops.set(heapNumbers, hole, up),
                                     loops.set(heapTokens, hole, upToken)});
  b.setInsertionPointAfter(sink);
  numbers = loops.set(sink.getResult(1), sink.getResult(0), number);
  tokens = loops.set(sink.getResult(2), sink.getResult(0), token);
}

void BestTokens::sort(Value limit) {
  auto sorted = loops.repeat(
      limit, carried(),
      [&](Value last, ValueRange values) {
        // The worst goes behind the others; what stood there sinks in among them.
        Value number = loops.get(values[0], last), token = loops.get(values[1], last);
        Value first = loops.index(0);
        Value worst = loops.get(values[0], first);
        Value worstToken = loops.get(values[1], first);
        BestTokens rest(loops, values);
        rest.replaceWorst(number, token, last);
        rest.numbers = loops.set(rest.numbers, last, worst);
        rest.tokens = loops.set(rest.tokens, last, worstToken);
        return rest.carried();
      },
      /*downwards=*/true);
  numbers = sorted[0];
  tokens = sorted[1];
}
