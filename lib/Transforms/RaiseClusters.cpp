//===- RaiseClusters.cpp - Find clusters of tokens in ONNX's operators ----===//
// TopK over tokens, gathers and scatters by indices that all features of a token share
//   ==>  weir.choose_clusters, weir.gather_tokens, weir.scatter_add_tokens, ...
// Small rewrites, each legal by itself; the rows that indices below 0 stand for, which
// the ops leave out, are found in the clamps and selections around them. CAST-style; the
// equations are a reconstruction, not checked against the paper.

#include "weir/Transforms/RaiseClusters.h"
#include "ClusterIndices.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "weir/Analysis/TokenFlow.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/TensorTypes.h"
#include "weir/Transforms/Passes.h"

namespace weir {
#define GEN_PASS_DEF_RAISECLUSTERS
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;
using namespace weir::onnx;

namespace {
/// Ops that read or write tokens by data: what is computed again in every step anyway.
using Mixing = llvm::DenseSet<Operation *>;

template <typename Op>
struct MixingPattern : OpRewritePattern<Op> {
  MixingPattern(MLIRContext *context, const Mixing &mixing)
      : OpRewritePattern<Op>(context), mixing(mixing) {}
  bool mixes(Op op) const { return mixing.contains(op); }
  const Mixing &mixing;
};
} // namespace

/// The shape with its last `count` sizes replaced.
static Shape withTail(ArrayRef<int64_t> shape, int64_t count, ArrayRef<int64_t> tail) {
  Shape result(shape.drop_back(count));
  llvm::append_range(result, tail);
  return result;
}

//===----------------------------------------------------------------------===//
// Choosing
//===----------------------------------------------------------------------===//

/// Are clusters chosen by `value`, or by sums or parts of it?
static bool isChosenBy(Value value, unsigned depth = 0) {
  constexpr unsigned maxDepth = 4;
  return depth <= maxDepth && llvm::any_of(value.getUsers(), [&](Operation *user) {
           return isa<ChooseClustersOp>(user) ||
                  (isa<ReduceSumOp, WhereOp, ReshapeOp, AddOp, MulOp>(user) &&
                   isChosenBy(user->getResult(0), depth + 1));
         });
}

namespace {
/// g f(q) + (1 - g) f(k) with g = sigmoid(phi)  ==>  weir.cluster_affinity
struct RaiseAffinity : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AddOp op, PatternRewriter &rw) const override {
    if (!isChosenBy(op->getResult(0)))
      return failure();
    for (bool isSwapped : {false, true})
      if (succeeded(raise(op, op->getOperand(isSwapped), op->getOperand(!isSwapped), rw)))
        return success();
    return failure();
  }

  static LogicalResult raise(AddOp op, Value first, Value second, PatternRewriter &rw) {
    auto queries = matchGated(first, [](Value gate) { return gate; });
    auto keys = matchGated(second, [](Value rest) -> Value {
      auto sub = rest.getDefiningOp<SubOp>();
      return sub && getSplat(sub.getA()) == 1.0 ? sub.getB() : Value();
    });
    if (!queries || !keys || queries->gate != keys->gate ||
        queries->weights.function != keys->weights.function)
      return failure();
    Value phi = queries->gate.getDefiningOp()->getOperand(0);
    Value q = queries->weights.scores, k = keys->weights.scores;
    auto type = typeOf(op->getResult(0));
    int64_t rank = type.getRank();
    auto hasRank = [&](Value value) { return typeOf(value).getRank() == rank; };
    if (rank < 2 || !llvm::all_of(ValueRange{q, k, phi}, hasRank) ||
        shapeOf(q).take_back(2) != type.getShape().take_back(2) ||
        shapeOf(k).take_back(2) != type.getShape().take_back(2) ||
        shapeOf(phi).back() != 1)
      return failure();
    rw.replaceOpWithNewOp<ClusterAffinityOp>(op, type, queries->weights.function, q, k,
                                             phi);
    return success();
  }

  struct Gated {
    Value gate;
    WeightsOfScores weights;
  };
  /// sigmoid(..) times weights, where `find` tells the sigmoid of a factor.
  static std::optional<Gated> matchGated(Value value, function_ref<Value(Value)> find) {
    auto product = value.getDefiningOp<MulOp>();
    for (unsigned i = 0; product && i < 2; ++i) {
      Value gate = find(product->getOperand(i));
      auto weights = matchWeights(product->getOperand(1 - i));
      if (gate && gate.getDefiningOp<SigmoidOp>() && weights)
        return Gated{gate, *weights};
    }
    return std::nullopt;
  }
};

/// Where(values > -inf, indices, -1) of a TopK over tokens  ==>  weir.choose_clusters
/// topk, transposed. Without the Where, where no affinity can be -inf.
struct RaiseTopK : MixingPattern<TopKOp> {
  using MixingPattern::MixingPattern;
  LogicalResult matchAndRewrite(TopKOp op, PatternRewriter &rw) const override {
    int64_t rank = typeOf(op.getX()).getRank();
    if (!mixes(op) || !op.getLargest() || rank < 2 ||
        *normalizeAxis(op.getAxis(), rank) != rank - 2 ||
        !isa<FloatType>(getElementType(op.getX())) ||
        typeOf(op.getIndices()).getNumElements() == 0)
      return failure();
    SmallVector<Value> choices;
    for (Operation *user : op.getIndices().getUsers())
      if (auto where = dyn_cast<WhereOp>(user);
          where && !where->use_empty() && hidesLowest(where, op))
        choices.push_back(where->getResult(0));
    if (choices.empty() && isAboveLowest(op.getX()) && op.getValues().use_empty() &&
        !op.getIndices().use_empty())
      choices.push_back(op.getIndices());
    if (choices.empty())
      return failure();
    int64_t size = shapeOf(op.getIndices())[rank - 2],
            clusters = shapeOf(op.getX())[rank - 1];
    auto type = RankedTensorType::get(withTail(shapeOf(op.getX()), 2, {clusters, size}),
                                      rw.getI64Type());
    Value chosen = ChooseClustersOp::create(rw, op.getLoc(), type, Clustering::TopK,
                                            op.getX(), size);
    Value turned = OnnxBuilder(rw, op.getLoc()).transposeMatrix(chosen);
    for (Value choice : choices)
      rw.replaceAllUsesWith(choice, turned);
    return success();
  }

  /// Is `where` Where(values > -inf, indices, -1)?
  static bool hidesLowest(WhereOp where, TopKOp op) {
    Value values = findAboveLowest(where.getCondition());
    return values == op.getValues() && where.getX() == op.getIndices() &&
           getSplat(where.getY()) == -1.0;
  }
};

//===----------------------------------------------------------------------===//
// Gathering
//===----------------------------------------------------------------------===//

/// GatherElements of whole rows  ==>  weir.gather_tokens, one cluster of them all
struct RaiseGather : MixingPattern<GatherElementsOp> {
  using MixingPattern::MixingPattern;
  LogicalResult matchAndRewrite(GatherElementsOp op, PatternRewriter &rw) const override {
    int64_t rank = typeOf(op.getData()).getRank();
    if (!mixes(op) || rank < 2 || *normalizeAxis(op.getAxis(), rank) != rank - 2 ||
        !isa<FloatType>(getElementType(op.getData())))
      return failure();
    ArrayRef<int64_t> data = shapeOf(op.getData()), to = shapeOf(op.getIndices());
    Value indices = findRowIndices(op.getIndices());
    if (!indices || !isNonNegative(indices) || data.drop_back(2) != to.drop_back(2) ||
        data.back() != to.back())
      return failure();
    OnnxBuilder b(rw, op.getLoc());
    Value places = b.reshape(indices, withTail(shapeOf(indices), 2, {1, to[rank - 2]}));
    Value rows = gather(rw, op.getLoc(), op.getData(), places);
    rw.replaceOp(op, b.reshape(rows, to));
    return success();
  }

  static Value gather(PatternRewriter &rw, Location loc, Value tokens, Value indices) {
    Shape shape = withTail(shapeOf(tokens), 2, shapeOf(indices).take_back(2));
    shape.push_back(shapeOf(tokens).back());
    return GatherTokensOp::create(rw, loc, typeOf(tokens).clone(shape), tokens, indices);
  }
};

/// Reshape(weir.gather_tokens(x, i))  ==>  weir.gather_tokens(x, Reshape(i)), where rows
/// only are split in another way
struct SplitGatheredRows : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReshapeOp op, PatternRewriter &rw) const override {
    auto gather = skipReshapes(op.getData()).getDefiningOp<GatherTokensOp>();
    auto shape = getStaticShape(op->getResult(0));
    if (!gather || !shape || !splitsRows(shapeOf(gather.getRows()), *shape))
      return failure();
    OnnxBuilder b(rw, op.getLoc());
    Value indices = gather.getIndices();
    indices = b.reshape(indices,
                        withTail(shapeOf(indices), 2, shape->drop_back().take_back(2)));
    rw.replaceOp(op, RaiseGather::gather(rw, op.getLoc(), gather.getTokens(), indices));
    return success();
  }

  /// [.., a, b, d] to [.., C, K, d] with a b = C K?
  static bool splitsRows(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
    return from.size() == to.size() && from.back() == to.back() && from != to &&
           from.drop_back(3) == to.drop_back(3);
  }
};

/// Where(i < 0, 0, weir.gather_tokens(x, clamped i))  ==>  weir.gather_tokens(x, i)
struct DropClampOfGather : OpRewritePattern<WhereOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(WhereOp op, PatternRewriter &rw) const override {
    std::optional<Selection> rows = matchSelection(op);
    auto gather = rows ? rows->otherwise.getDefiningOp<GatherTokensOp>() : nullptr;
    if (!gather || getSplat(rows->whereNegative) != 0.0)
      return failure();
    Value indices = skipClamp(skipReshapes(gather.getIndices()));
    if (!indices || skipReshapes(indices) != skipReshapes(rows->tested) ||
        shapeOf(rows->tested) != shapeOf(gather.getIndices()) ||
        op->getResult(0).getType() != gather.getType())
      return failure();
    rw.replaceOp(op,
                 RaiseGather::gather(rw, op.getLoc(), gather.getTokens(), rows->tested));
    return success();
  }

  /// A Where that takes apart the rows whose index is below 0.
  struct Selection {
    Value tested, whereNegative, otherwise;
  };
  static std::optional<Selection> matchSelection(WhereOp op) {
    if (Value tested = findNegative(op.getCondition(), /*features=*/true))
      return Selection{tested, op.getX(), op.getY()};
    return std::nullopt;
  }
};

//===----------------------------------------------------------------------===//
// Scattering
//===----------------------------------------------------------------------===//

/// ScatterElements of whole rows that adds to zeros  ==>  weir.scatter_add_tokens
struct RaiseScatter : MixingPattern<ScatterElementsOp> {
  using MixingPattern::MixingPattern;
  LogicalResult matchAndRewrite(ScatterElementsOp op,
                                PatternRewriter &rw) const override {
    int64_t rank = typeOf(op.getData()).getRank();
    if (!mixes(op) || rank < 2 || *normalizeAxis(op.getAxis(), rank) != rank - 2 ||
        op.getReduction() != "add" || getSplat(op.getData()) != 0.0 ||
        !isa<FloatType>(getElementType(op.getData())))
      return failure();
    ArrayRef<int64_t> data = shapeOf(op.getData()), from = shapeOf(op.getIndices());
    Value indices = findRowIndices(op.getIndices());
    if (!indices || !isNonNegative(indices) || data.drop_back(2) != from.drop_back(2) ||
        data.back() != from.back())
      return failure();
    OnnxBuilder b(rw, op.getLoc());
    int64_t count = from[rank - 2];
    Value rows = b.reshape(op.getUpdates(), withTail(from, 2, {1, count, from.back()}));
    Value places = b.reshape(indices, withTail(shapeOf(indices), 2, {1, count}));
    rw.replaceOpWithNewOp<ScatterAddTokensOp>(op, op->getResult(0).getType(), rows,
                                              places, data[rank - 2]);
    return success();
  }
};

/// weir.scatter_add_tokens(Reshape(r), i)  ==>  weir.scatter_add_tokens(r, Reshape(i)),
/// where rows only were split in another way
struct JoinScatteredRows : OpRewritePattern<ScatterAddTokensOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ScatterAddTokensOp op,
                                PatternRewriter &rw) const override {
    ArrayRef<int64_t> to = shapeOf(op.getRows());
    Value rows = op.getRows();
    while (auto reshape = rows.getDefiningOp<ReshapeOp>()) {
      rows = reshape.getData();
      if (SplitGatheredRows::splitsRows(shapeOf(rows), to))
        break;
    }
    ArrayRef<int64_t> from = shapeOf(rows);
    if (!SplitGatheredRows::splitsRows(from, to))
      return failure();
    OnnxBuilder b(rw, op.getLoc());
    Value indices = b.reshape(op.getIndices(), withTail(shapeOf(op.getIndices()), 2,
                                                        from.drop_back().take_back(2)));
    rw.modifyOpInPlace(op, [&] {
      op.getRowsMutable().assign(rows);
      op.getIndicesMutable().assign(indices);
    });
    return success();
  }
};

/// Indices that are no tokens are left out anyway: Where(i < 0, n, i)  ==>  i
template <typename Op>
struct DropNowhere : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rw) const override {
    auto where = skipReshapes(op.getIndices()).template getDefiningOp<WhereOp>();
    Value tested =
        where ? findNegative(where.getCondition(), /*features=*/false) : Value();
    std::optional<double> nowhere = where ? getSplat(where.getX()) : std::nullopt;
    bool isOutside = nowhere && (*nowhere < 0 || *nowhere >= op.getTokens());
    if (!tested || tested != where.getY() || !isOutside ||
        tested.getType() != where->getResult(0).getType())
      return failure();
    OnnxBuilder b(rw, op.getLoc());
    Value indices = b.reshape(tested, shapeOf(op.getIndices()));
    rw.modifyOpInPlace(op, [&] { op.getIndicesMutable().assign(indices); });
    return success();
  }
};

/// The first tokens of what is scattered  ==>  scattered to as many tokens
struct ScatterToFewer : OpRewritePattern<SliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SliceOp op, PatternRewriter &rw) const override {
    Value data = op.getData();
    auto turned = data.getDefiningOp<TransposeOp>();
    bool isTurned = turned && swapsLast(turned);
    Operation *made = isTurned ? turned.getData().getDefiningOp() : data.getDefiningOp();
    if (!isa_and_nonnull<ScatterAddTokensOp, ClusterMembersOp>(made))
      return failure();
    auto type = typeOf(made->getResult(0));
    int64_t dim = type.getRank() - (isTurned ? 1 : 2);
    Shape shape(shapeOf(data));
    std::optional<int64_t> count = takesFirst(op, dim);
    if (!count || *count == shape[dim])
      return failure();
    Shape fewer(type.getShape());
    fewer[type.getRank() - 2] = *count;
    Operation *clone = rw.clone(*made);
    clone->setAttr("tokens", rw.getI64IntegerAttr(*count));
    clone->getResult(0).setType(type.clone(fewer));
    Value result = clone->getResult(0);
    if (isTurned)
      result = OnnxBuilder(rw, op.getLoc()).transposeMatrix(result);
    rw.replaceOp(op, result);
    return success();
  }
};

/// ScatterElements of ones into zeros  ==>  weir.cluster_members, transposed
struct RaiseMembers : MixingPattern<ScatterElementsOp> {
  using MixingPattern::MixingPattern;
  LogicalResult matchAndRewrite(ScatterElementsOp op,
                                PatternRewriter &rw) const override {
    int64_t rank = typeOf(op.getData()).getRank();
    ArrayRef<int64_t> data = shapeOf(op.getData()), from = shapeOf(op.getIndices());
    StringRef reduction = op.getReduction();
    if (!mixes(op) || rank < 2 || *normalizeAxis(op.getAxis(), rank) != rank - 1 ||
        (reduction != "none" && reduction != "max") || getSplat(op.getData()) != 0.0 ||
        getSplat(op.getUpdates()) != 1.0 || data.drop_back() != from.drop_back() ||
        !isa<FloatType>(getElementType(op.getData())) || !isNonNegative(op.getIndices()))
      return failure();
    int64_t tokens = data.back();
    auto type = typeOf(op.getData()).clone(withTail(data, 2, {tokens, data[rank - 2]}));
    Value indices = OnnxBuilder(rw, op.getLoc()).cast(op.getIndices(), rw.getI64Type());
    Value members = ClusterMembersOp::create(rw, op.getLoc(), type, indices, tokens);
    rw.replaceOp(op, OnnxBuilder(rw, op.getLoc()).transposeMatrix(members));
    return success();
  }
};
} // namespace

/// The ops that a cluster may begin with.
static Mixing findMixing(func::FuncOp function, const ArgumentAxes &axes) {
  Mixing mixing;
  auto mayMix = [](Operation &op) {
    return isa<TopKOp, GatherElementsOp, ScatterElementsOp, ChooseClustersOp>(op);
  };
  Block &body = function.getBody().front();
  if (llvm::none_of(body, mayMix)) // most models: there is nothing to analyze
    return mixing;
  TokenFlowAnalysis flows(function, axes, {});
  for (Operation &op : llvm::make_filter_range(body, mayMix)) {
    const FlowTransfer *transfer = flows.getTransfer(&op);
    if (transfer && transfer->isWhole)
      mixing.insert(&op);
  }
  return mixing;
}

LogicalResult weir::raiseClusters(func::FuncOp function, const ArgumentAxes &axes) {
  Mixing mixing = findMixing(function, axes);
  if (mixing.empty())
    return success();
  RewritePatternSet patterns(function.getContext());
  patterns.add<RaiseTopK, RaiseGather, RaiseScatter, RaiseMembers>(function.getContext(),
                                                                   mixing);
  patterns.add<RaiseAffinity, SplitGatheredRows, DropClampOfGather, JoinScatteredRows,
               ScatterToFewer, DropNowhere<ScatterAddTokensOp>,
               DropNowhere<ClusterMembersOp>>(function.getContext());
  return applyPatternsGreedily(function, std::move(patterns));
}

namespace {
struct RaiseClusters : weir::impl::RaiseClustersBase<RaiseClusters> {
  using RaiseClustersBase::RaiseClustersBase;
  void runOnOperation() override {
    ContinualOptions options;
    options.tokenAxes.assign(tokenAxes.begin(), tokenAxes.end());
    FailureOr<ArgumentAxes> axes = findTokenAxes(getOperation(), options);
    if (failed(axes) || failed(raiseClusters(getOperation(), *axes)))
      signalPassFailure();
  }
};
} // namespace
