//===- ChooseClusters.cpp - Lower the choice of clusters ------------------===//
// choose_clusters topk       ==>  for each cluster the best of all tokens
// choose_clusters sa_greedy  ==>  all tokens by their best affinity, each to the best
//                                 cluster that has room
// choose_clusters sa_rounds  ==>  for each round what the tokens ask, and for each
//                                 cluster the best that ask
// Takes the memory of a few numbers for each token or place, whatever their product.

#include "../Lowerings.h"
#include "BestTokens.h"
#include "weir/Dialect/Weir/Weir.h"
#include <limits>

using namespace mlir;
using namespace weir;
using namespace weir::clusters;

using IPredicate = arith::CmpIPredicate;
using FPredicate = arith::CmpFPredicate;
using Values = Loops::Values;

namespace {
/// The choice for one entry of the leading dimensions, `lead`.
class Choice {
public:
  Choice(ChooseClustersOp op, Loops &loops, ArrayRef<Value> lead)
      : op(op), loops(loops), lead(lead) {
    RankedTensorType type = op.getAffinity().getType();
    number = type.getElementType();
    numTokens = type.getShape().end()[-2];
    numClusters = type.getShape().back();
    size = op.getSize();
  }
  /// Both take and give all of the indices.
  Value takeBest(Value indices);
  Value takeSurest(Value indices);
  Value takeByRounds(Value indices);

private:
  struct Wish {
    Value affinity, cluster; ///< -inf and -1 for none
  };
  using Filter = function_ref<Value(Value affinity, Value cluster)>;

  Value affinityOf(Value token, Value cluster);
  SmallVector<Value> at(ArrayRef<Value> inner);
  Wish findBest(Value token, Filter filter);
  Values ask(Value asked, Value given);
  Values answer(Value cluster, Value asked, ValueRange indicesAndCounts);
  Value lowest() {
    return loops.number(number, -std::numeric_limits<double>::infinity());
  }

  ChooseClustersOp op;
  Loops &loops;
  ArrayRef<Value> lead;
  Type number;
  int64_t numTokens, numClusters, size;
};
} // namespace

SmallVector<Value> Choice::at(ArrayRef<Value> inner) {
  SmallVector<Value> indices(lead);
  llvm::append_range(indices, inner);
  return indices;
}

Value Choice::affinityOf(Value token, Value cluster) {
  return loops.get(op.getAffinity(), at({token, cluster}));
}

/// The best cluster of those that pass, the lowest one among equals.
Choice::Wish Choice::findBest(Value token, Filter filter) {
  Values best = loops.repeat(loops.index(numClusters), {lowest(), loops.integer(-1)},
                             [&](Value cluster, ValueRange best) -> Values {
                               Value affinity = affinityOf(token, cluster);
                               Value number = loops.toInteger(cluster);
                               Value isBest = loops.both(
                                   loops.is(FPredicate::OGT, affinity, best[0]),
                                   filter(affinity, number));
                               return {loops.select(isBest, affinity, best[0]),
                                       loops.select(isBest, number, best[1])};
                             });
  return {best[0], best[1]};
}

Value Choice::takeBest(Value indices) {
  Value chosen =
      loops
          .repeat(loops.index(numClusters), indices,
                  [&](Value cluster, ValueRange indices) -> Values {
                    Value limit = loops.index(size);
                    BestTokens best(loops, size, number);
                    Values taken =
                        loops.repeat(loops.index(numTokens), best.carried(),
                                     [&](Value token, ValueRange carried) {
                                       BestTokens best(loops, carried);
                                       best.offer(affinityOf(token, cluster),
                                                  loops.toInteger(token), limit);
                                       return best.carried();
                                     });
                    BestTokens all(loops, taken);
                    all.sort(limit);
                    return {loops.setRow(indices[0], at({cluster}), all.getTokens())};
                  })
          .front();
  loops.markParallel(chosen);
  return chosen;
}

Value Choice::takeSurest(Value indices) {
  Value limit = loops.index(numTokens);
  auto anyCluster = [&](Value, Value) { return loops.number(loops.b.getI1Type(), 1); };
  BestTokens order(loops, numTokens, number);
  Values ordered =
      loops.repeat(limit, order.carried(), [&](Value token, ValueRange carried) {
        BestTokens order(loops, carried);
        order.offer(findBest(token, anyCluster).affinity, loops.toInteger(token), limit);
        return order.carried();
      });
  BestTokens all(loops, ordered);
  all.sort(limit);
  Value none = loops.integer(-1);
  Value counts = loops.filled(numClusters, loops.b.getI64Type(), 0);
  return loops
      .repeat(limit, {indices, counts},
              [&](Value rank, ValueRange values) -> Values {
                Value indices = values[0], counts = values[1];
                Value token = loops.get(all.getTokens(), rank);
                auto assign = [&]() -> Values {
                  auto hasRoom = [&](Value, Value cluster) {
                    Value count = loops.get(counts, loops.toIndex(cluster));
                    return loops.is(IPredicate::slt, count, loops.integer(size));
                  };
                  Value cluster = findBest(loops.toIndex(token), hasRoom).cluster;
                  Value isFound = loops.is(IPredicate::ne, cluster, none);
                  return loops.onlyIf(isFound, values, [&]() -> Values {
                    Value where = loops.toIndex(cluster);
                    Value count = loops.get(counts, where);
                    return {loops.set(indices, at({where, loops.toIndex(count)}), token),
                            loops.set(counts, where, loops.add(count, loops.integer(1)))};
                  });
                };
                return loops.onlyIf(loops.is(IPredicate::ne, token, none), values,
                                    assign);
              })
      .front();
}

/// What each token asks for next: the best cluster behind the last one that it asked. A
/// token that has a cluster, `asked` >= clusters, asks no more.
Values Choice::ask(Value asked, Value given) {
  Value end = loops.integer(numClusters);
  return loops.repeat(
      loops.index(numTokens), {asked, given},
      [&](Value token, ValueRange values) -> Values {
        Value last = loops.get(values[0], token);
        Value lastAffinity = loops.get(values[1], token);
        return loops.onlyIf(
            loops.is(IPredicate::slt, last, end), values, [&]() -> Values {
              auto isBehind = [&](Value affinity, Value cluster) {
                return loops.either(
                    loops.is(FPredicate::OLT, affinity, lastAffinity),
                    loops.both(loops.is(FPredicate::OEQ, affinity, lastAffinity),
                               loops.is(IPredicate::sgt, cluster, last)));
              };
              Wish wish = findBest(token, isBehind);
              return {loops.set(values[0], token, wish.cluster),
                      loops.set(values[1], token, wish.affinity)};
            });
      });
}

/// The best of the tokens that ask fill the room that `cluster` has.
Values Choice::answer(Value cluster, Value asked, ValueRange indicesAndCounts) {
  Value indices = indicesAndCounts[0], counts = indicesAndCounts[1];
  Value count = loops.get(counts, cluster);
  Value room = loops.sub(loops.index(size), loops.toIndex(count));
  return loops.onlyIf(
      loops.is(IPredicate::sgt, room, loops.index(0)), {indices, counts, asked},
      [&]() -> Values {
        BestTokens best(loops, size, number);
        Values taken = loops.repeat(
            loops.index(numTokens), best.carried(), [&](Value token, ValueRange carried) {
              BestTokens best(loops, carried);
              Value asks = loops.is(IPredicate::eq, loops.get(asked, token),
                                    loops.toInteger(cluster));
              best.offer(loops.select(asks, affinityOf(token, cluster), lowest()),
                         loops.toInteger(token), room);
              return best.carried();
            });
        BestTokens all(loops, taken);
        all.sort(room);
        return loops.repeat(
            room, {indices, counts, asked}, [&](Value rank, ValueRange values) -> Values {
              Value token = loops.get(all.getTokens(), rank);
              Value isTaken = loops.is(IPredicate::ne, token, loops.integer(-1));
              return loops.onlyIf(isTaken, values, [&]() -> Values {
                Value count = loops.get(values[1], cluster);
                return {loops.set(values[0], at({cluster, loops.toIndex(count)}), token),
                        loops.set(values[1], cluster, loops.add(count, loops.integer(1))),
                        loops.set(values[2], loops.toIndex(token),
                                  loops.integer(numClusters))};
              });
            });
      });
}

Value Choice::takeByRounds(Value indices) {
  Type integer = loops.b.getI64Type();
  Value counts = loops.filled(numClusters, integer, 0);
  Value asked = loops.filled(numTokens, integer, -1);
  Value given = loops.filled(numTokens, number, std::numeric_limits<double>::infinity());
  Value clusters = loops.index(numClusters);
  return loops
      .repeat(clusters, {indices, counts, asked, given},
              [&](Value, ValueRange values) -> Values {
                Values wishes = ask(values[2], values[3]);
                Values answered = loops.repeat(
                    clusters, {values[0], values[1], wishes[0]},
                    [&](Value cluster, ValueRange values) {
                      return answer(cluster, values[2], {values[0], values[1]});
                    });
                answered.push_back(wishes[1]);
                return answered;
              })
      .front();
}

namespace {
struct LowerChooseClusters : OpRewritePattern<ChooseClustersOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ChooseClustersOp op, PatternRewriter &rw) const override {
    Loops loops(rw, op.getLoc());
    RankedTensorType type = op.getIndices().getType();
    Value none = loops.filled(type.getShape(), type.getElementType(), -1);
    ArrayRef<int64_t> lead = type.getShape().drop_back(2);
    auto chooseAt = [&](ArrayRef<Value> at, Value indices) -> Value {
      Choice choice(op, loops, at);
      switch (op.getClustering()) {
      case Clustering::TopK:
        return choice.takeBest(indices);
      case Clustering::SaGreedy:
        return choice.takeSurest(indices);
      case Clustering::SaRounds:
        return choice.takeByRounds(indices);
      }
      llvm_unreachable("all ways are handled");
    };
    rw.replaceOp(op, loops.nest(lead, none, chooseAt, /*numParallel=*/lead.size()));
    return success();
  }
};
} // namespace

void weir::populateClusterChoiceLowerings(RewritePatternSet &patterns) {
  patterns.add<LowerChooseClusters>(patterns.getContext());
}
