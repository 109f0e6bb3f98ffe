//===- MoveTokens.cpp - Lower what brings rows of clusters to tokens ------===//
// scatter_add_tokens  ==>  for each place a row added to that of its token
// cluster_members     ==>  for each place a one
// A place whose index is no token, -1 or other, is passed over.

#include "../Lowerings.h"
#include "Loops.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/TensorTypes.h"

using namespace mlir;
using namespace weir;
using namespace weir::clusters;

using IPredicate = arith::CmpIPredicate;
using Values = Loops::Values;

/// Runs `body` for all places (.., cluster, place) that hold one of `numTokens` tokens,
/// and for the leading dimensions of what is made: no two of those write the same.
static Value forEachPlace(Loops &loops, Value indices, ArrayRef<int64_t> lead,
                          int64_t numTokens, Value made,
                          function_ref<Value(ArrayRef<Value>, Value, Value)> body) {
  SmallVector<int64_t> shape(lead);
  llvm::append_range(shape, shapeOf(indices).take_back(2));
  auto onPlace = [&](ArrayRef<Value> at, Value made) -> Value {
    SmallVector<Value> place =
        leadingIndices(loops, indices, /*numInner=*/2, at.drop_back(2));
    llvm::append_range(place, at.take_back(2));
    Value token = loops.get(indices, place);
    // -1 is the largest number without a sign.
    Value isToken = loops.is(IPredicate::ult, token, loops.integer(numTokens));
    return loops
        .onlyIf(isToken, made,
                [&]() -> Values { return {body(at, loops.toIndex(token), made)}; })
        .front();
  };
  return loops.nest(shape, made, onPlace, /*numParallel=*/lead.size());
}

static SmallVector<Value> joined(SmallVector<Value> first, ArrayRef<Value> second) {
  llvm::append_range(first, second);
  return first;
}

namespace {
struct LowerScatterAddTokens : OpRewritePattern<ScatterAddTokensOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ScatterAddTokensOp op,
                                PatternRewriter &rw) const override {
    Loops loops(rw, op.getLoc());
    RankedTensorType type = op.getSums().getType();
    Value rows = op.getRows();
    Value zeros = loops.filled(type.getShape(), type.getElementType(), 0);
    rw.replaceOp(
        op,
        forEachPlace(loops, op.getIndices(), type.getShape().drop_back(2), op.getTokens(),
                     zeros, [&](ArrayRef<Value> at, Value token, Value sums) {
                       auto lead = leadingIndices(loops, rows, 3, at.drop_back(2));
                       Value row = loops.row(rows, joined(lead, at.take_back(2)));
                       SmallVector<Value> where(at.drop_back(2));
                       where.push_back(token);
                       Value sum = loops.row(sums, where);
                       sum =
                           linalg::AddOp::create(loops.b, {sum, row}, {sum}).getResult(0);
                       return loops.setRow(sums, where, sum);
                     }));
    return success();
  }
};

struct LowerClusterMembers : OpRewritePattern<ClusterMembersOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ClusterMembersOp op, PatternRewriter &rw) const override {
    Loops loops(rw, op.getLoc());
    RankedTensorType type = op.getMembers().getType();
    Value zeros = loops.filled(type.getShape(), type.getElementType(), 0);
    Value one = loops.number(type.getElementType(), 1);
    rw.replaceOp(op, forEachPlace(loops, op.getIndices(), type.getShape().drop_back(2),
                                  op.getTokens(), zeros,
                                  [&](ArrayRef<Value> at, Value token, Value members) {
                                    SmallVector<Value> where(at.drop_back(2));
                                    where.append({token, at.end()[-2]});
                                    return loops.set(members, where, one);
                                  }));
    return success();
  }
};
} // namespace

void weir::populateClusterMoveLowerings(RewritePatternSet &patterns) {
  patterns.add<LowerScatterAddTokens, LowerClusterMembers>(patterns.getContext());
}
