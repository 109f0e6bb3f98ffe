//===- Match.cpp - The ops that one attention is spelled of ---------------===//
// Backwards from the softmax to the product of queries and keys, forwards to the product
// with the values. On the way only views, scales, masks and what is added.

#include "Match.h"
#include "weir/Dialect/Onnx/Geometry.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/NodeDiagnostics.h"
#include "weir/Support/TensorTypes.h"
#include "weir/Transforms/RaiseAttention.h"
#include <numeric>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

SmallVector<int64_t> weir::getPermutation(TransposeOp op) {
  if (op.getPermAttr())
    return getInts(op.getPermAttr());
  int64_t rank = cast<RankedTensorType>(op.getData().getType()).getRank();
  return llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, rank)));
}

bool weir::hasStaticTypes(Operation *op) {
  auto isStatic = [](Value value) { return getStaticShape(value).has_value(); };
  return llvm::all_of(op->getOperands(), isStatic) &&
         llvm::all_of(op->getResults(), isStatic);
}

static int64_t product(ArrayRef<int64_t> sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t(1), std::multiplies<>());
}

bool weir::isScoreOp(Operation *op) {
  return isa<MatMulOp, ReshapeOp, TransposeOp, IdentityOp, CastOp, AddOp, SubOp, MulOp,
             DivOp, WhereOp>(op);
}

/// Where dimension `dim` of a result of shape `to` stands in what was reshaped, if it is
/// kept whole.
static std::optional<int64_t> dimBefore(ArrayRef<int64_t> from, ArrayRef<int64_t> to,
                                        int64_t dim) {
  int64_t stride = product(to.drop_front(dim + 1)), behind = 1;
  for (int64_t i = from.size() - 1; i >= 0; behind *= from[i--])
    if (behind == stride && from[i] == to[dim])
      return i;
  return std::nullopt;
}

/// The dims of the operand of a view, if it keeps queries and keys whole.
static std::optional<ScoreDims> dimsBefore(Operation *op, ScoreDims after) {
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    Shape perm = getPermutation(transpose);
    return ScoreDims{perm[after.query], perm[after.key]};
  }
  if (isa<ReshapeOp>(op)) {
    ArrayRef<int64_t> from = shapeOf(op->getOperand(0)), to = shapeOf(op->getResult(0));
    auto query = dimBefore(from, to, after.query), key = dimBefore(from, to, after.key);
    if (query && key && *query != *key)
      return ScoreDims{*query, *key};
    return std::nullopt;
  }
  bool isCopy = isa<IdentityOp, CastOp>(op) &&
                op->getOperand(0).getType() == op->getResult(0).getType();
  return isCopy ? std::optional(after) : std::nullopt;
}

/// The dims of a view's result.
static std::optional<ScoreDims> dimsAfter(Operation *op, ScoreDims before) {
  int64_t rank = shapeOf(op->getResult(0)).size();
  for (int64_t query = 0; query < rank; ++query)
    for (int64_t key = 0; key < rank; ++key) {
      if (query == key)
        continue;
      std::optional<ScoreDims> dims = dimsBefore(op, {query, key});
      if (dims && dims->query == before.query && dims->key == before.key)
        return ScoreDims{query, key};
    }
  return std::nullopt;
}

namespace {
class Matcher {
public:
  Matcher(Operation *softmax, const TokenFlowAnalysis *flows, std::string &why)
      : flows(flows), why(why) {
    match.softmax = softmax;
  }

  FailureOr<AttentionMatch> run(ScoreDims dims) {
    if (failed(findProduct(match.softmax->getOperand(0), dims)) ||
        failed(findResult(dims)))
      return failure();
    std::reverse(match.scores.begin(), match.scores.end());
    if (std::optional<std::string> problem = findMaskProblem(match.scores))
      return refuse(*problem);
    return match;
  }

private:
  LogicalResult refuse(const Twine &reason) {
    if (why.empty())
      why = reason.str();
    return failure();
  }
  LogicalResult findProduct(Value scores, ScoreDims dims);
  LogicalResult followOperand(OpOperand &operand, ScoreDims dims);
  bool isScaling(OpOperand &data, ScoreDims dims);
  bool isMasking(OpOperand &data);
  LogicalResult findResult(ScoreDims dims);
  WhereOp findGuard(Value weights);

  const TokenFlowAnalysis *flows; ///< null where nothing is known of tokens
  std::string &why;
  AttentionMatch match;
  /// Values behind which no product was found.
  llvm::SmallPtrSet<Value, 8> deadEnds;
};
} // namespace

LogicalResult Matcher::findProduct(Value scores, ScoreDims dims) {
  Operation *op = scores.getDefiningOp();
  if (!op || deadEnds.contains(scores))
    return failure();
  if (isScoreOp(op) && !hasStaticTypes(op))
    return refuse("its shapes are not fixed");
  int64_t rank = shapeOf(scores).size();
  if (isa<MatMulOp>(op)) {
    if (std::min(dims.query, dims.key) != rank - 2 ||
        std::max(dims.query, dims.key) != rank - 1 ||
        shapeOf(op->getOperand(0)).size() < 2 || shapeOf(op->getOperand(1)).size() < 2)
      return refuse("its scores are a product of something else than queries and keys");
    match.product = op;
    match.productDims = dims;
    return success();
  }
  for (OpOperand &operand : op->getOpOperands())
    if (succeeded(followOperand(operand, dims)))
      return success();
  deadEnds.insert(scores);
  const FlowTransfer *flow = flows ? flows->getTransfer(op) : nullptr;
  if (flow && flow->axes.size() == 2)
    return refuse("its scores pass " + describeNode(op));
  return refuse("its scores come from no product of queries and keys");
}

/// Looks behind an operand that may hold the scores from which its op makes its result.
LogicalResult Matcher::followOperand(OpOperand &operand, ScoreDims dims) {
  Operation *op = operand.getOwner();
  ScoreDims before;
  if (std::optional<ScoreDims> view =
          operand.getOperandNumber() == 0 ? dimsBefore(op, dims) : std::nullopt) {
    before = *view;
  } else if (isa<AddOp>(op) || (isa<SubOp>(op) && operand.getOperandNumber() == 0) ||
             isScaling(operand, dims) || isMasking(operand)) {
    ArrayRef<int64_t> shape = shapeOf(operand.get()), whole = shapeOf(op->getResult(0));
    int64_t shift = whole.size() - shape.size();
    before = {dims.query - shift, dims.key - shift};
    if (std::min(before.query, before.key) < 0 ||
        shape[before.query] != whole[dims.query] || shape[before.key] != whole[dims.key])
      return failure();
  } else {
    return failure();
  }
  match.scores.push_back({&operand, before, dims});
  if (succeeded(findProduct(operand.get(), before)))
    return success();
  match.scores.pop_back();
  return failure();
}

/// Multiplies or divides the scores by what does not depend on both query and key.
bool Matcher::isScaling(OpOperand &data, ScoreDims dims) {
  Operation *op = data.getOwner();
  if (!isa<MulOp>(op) && !(isa<DivOp>(op) && data.getOperandNumber() == 0))
    return false;
  Value factor = op->getOperand(1 - data.getOperandNumber());
  ArrayRef<int64_t> shape = shapeOf(factor);
  int64_t shift = shapeOf(op->getResult(0)).size() - shape.size();
  auto varies = [&](int64_t dim) { return dim >= shift && shape[dim - shift] != 1; };
  return !varies(dims.query) || !varies(dims.key);
}

/// Where(condition, scores, low) or mirrored.
bool Matcher::isMasking(OpOperand &data) {
  auto where = dyn_cast<WhereOp>(data.getOwner());
  if (!where || data.getOperandNumber() == 0)
    return false;
  std::optional<double> fill =
      getSplatNumber(where->getOperand(3 - data.getOperandNumber()));
  return fill && *fill < maskedBelow;
}

/// Where(IsNaN(weights), 0, weights), the only user of the weights; or null.
WhereOp Matcher::findGuard(Value weights) {
  WhereOp guard;
  for (Operation *user : weights.getUsers()) {
    auto test = dyn_cast<IsNaNOp>(user);
    auto where = dyn_cast<WhereOp>(user);
    if (test && test->hasOneUse())
      where = dyn_cast<WhereOp>(*test->getUsers().begin());
    if (!where || (guard && guard != where))
      return nullptr;
    guard = where;
  }
  auto test = guard ? guard.getCondition().getDefiningOp<IsNaNOp>() : IsNaNOp();
  bool isGuard = test && test.getX() == weights && guard.getY() == weights &&
                 guard.getType() == weights.getType() &&
                 getSplatNumber(guard.getX()) == 0;
  return isGuard ? guard : nullptr;
}

LogicalResult Matcher::findResult(ScoreDims dims) {
  Value weights = match.softmax->getResult(0);
  while (true) {
    if (WhereOp guard = findGuard(weights)) {
      match.isGuarded = true;
      weights = guard.getResult();
      continue;
    }
    if (!weights.hasOneUse())
      return refuse(weights.use_empty() ? "its weights meet no values"
                                        : "its weights are used elsewhere");
    OpOperand &use = *weights.use_begin();
    Operation *op = use.getOwner();
    if (isScoreOp(op) && !hasStaticTypes(op))
      return refuse("its shapes are not fixed");
    if (isa<MatMulOp>(op)) {
      int64_t rank = shapeOf(weights).size();
      bool isLeft = use.getOperandNumber() == 0;
      bool contractsKeys = dims.query == rank - (isLeft ? 2 : 1) &&
                           dims.key == rank - (isLeft ? 1 : 2) &&
                           shapeOf(op->getOperand(isLeft ? 1 : 0)).size() >= 2;
      if (!contractsKeys)
        return refuse("its weights meet something else than values");
      match.result = op;
      match.weightsUse = &use;
      return success();
    }
    std::optional<ScoreDims> after;
    if (isa<ReshapeOp, TransposeOp, IdentityOp, CastOp>(op) &&
        use.getOperandNumber() == 0)
      after = dimsAfter(op, dims);
    if (!after)
      return refuse("its weights pass " + describeNode(op));
    match.weights.push_back({&use, dims, *after});
    dims = *after;
    weights = op->getResult(0);
  }
}

static bool hasFloatScores(Operation *softmax) {
  Type element = getElementTypeOrSelf(softmax->getOperand(0));
  return element.isF32() || element.isF64();
}

/// Queries and keys fill a dimension each.
static std::optional<ScoreDims>
findDims(Operation *softmax, const TokenFlowAnalysis &flows, std::string &why) {
  Value scores = softmax->getOperand(0);
  ArrayRef<TokenAxis> axes = flows.getFlow(scores).axes;
  const FlowTransfer *transfer = flows.getTransfer(softmax);
  const AxisUse *keys = llvm::find_if(transfer->uses[0], [](const AxisUse &use) {
    return use.map.getKind() == RowMap::Kind::Normalize;
  });
  for (const TokenAxis &axis : axes)
    if (axis.refined().numRows() != shapeOf(scores)[axis.dim]) {
      why = "its queries or keys share a dimension with something else";
      return std::nullopt;
    }
  int64_t key = keys->axis.dim;
  return ScoreDims{axes[axes[0].dim == key ? 1 : 0].dim, key};
}

static constexpr const char *otherFloats = "its scores are neither f32 nor f64";

FailureOr<AttentionMatch> weir::matchAttention(Operation *softmax,
                                               const TokenFlowAnalysis &flows,
                                               std::string &why) {
  if (!hasFloatScores(softmax)) {
    why = otherFloats;
    return failure();
  }
  std::optional<ScoreDims> dims = findDims(softmax, flows, why);
  if (!dims)
    return failure();
  return Matcher(softmax, &flows, why).run(*dims);
}

FailureOr<AttentionMatch> weir::matchAttention(SoftmaxOp softmax, std::string &why) {
  if (!hasFloatScores(softmax) || !hasStaticTypes(softmax)) {
    why = hasFloatScores(softmax) ? "its shapes are not fixed" : otherFloats;
    return failure();
  }
  int64_t rank = shapeOf(softmax.getInput()).size();
  int64_t key = (softmax.getAxis() + rank) % rank;
  // Queries stand before the keys, but for models that transpose their scores.
  for (int64_t query : llvm::reverse(llvm::seq<int64_t>(0, rank)))
    if (query != key) {
      std::string reason;
      auto match = Matcher(softmax, nullptr, reason).run({query, key});
      if (succeeded(match))
        return match;
      if (why.empty())
        why = reason;
    }
  return failure();
}
