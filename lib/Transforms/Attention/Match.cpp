//===- Match.cpp - The ops that one attention is spelled of ---------------===//
// Backwards from the softmax to the product of queries and keys, forwards to the product
// with the values. On the way only views, scales, masks and what is added.

#include "Match.h"
#include "weir/Dialect/Onnx/Geometry.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/NodeDiagnostics.h"
#include "weir/Transforms/RaiseAttention.h"
#include <cmath>
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

static ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

static int64_t product(ArrayRef<int64_t> sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t(1), std::multiplies<>());
}

/// Ops that may stand between the products, and these.
static bool isKnown(Operation *op) {
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
  Matcher(Operation *softmax, const TokenFlowAnalysis &flows, std::string &why)
      : flows(flows), why(why) {
    match.softmax = softmax;
  }

  FailureOr<AttentionMatch> run() {
    std::optional<ScoreDims> dims = findDims();
    if (!dims || failed(findProduct(match.softmax->getOperand(0), *dims)) ||
        failed(findResult(*dims)))
      return failure();
    std::reverse(match.scores.begin(), match.scores.end());
    if (failed(checkMasks()))
      return failure();
    return match;
  }

private:
  LogicalResult refuse(const Twine &reason) {
    if (why.empty())
      why = reason.str();
    return failure();
  }
  std::optional<ScoreDims> findDims();
  LogicalResult findProduct(Value scores, ScoreDims dims);
  LogicalResult followOperand(OpOperand &operand, ScoreDims dims);
  bool isScaling(OpOperand &data, ScoreDims dims);
  bool isMasking(OpOperand &data);
  LogicalResult findResult(ScoreDims dims);
  WhereOp findGuard(Value weights);
  LogicalResult checkMasks();

  const TokenFlowAnalysis &flows;
  std::string &why;
  AttentionMatch match;
  /// Values behind which no product was found.
  llvm::SmallPtrSet<Value, 8> deadEnds;
};
} // namespace

/// Queries and keys fill a dimension each.
std::optional<ScoreDims> Matcher::findDims() {
  Value scores = match.softmax->getOperand(0);
  auto type = cast<RankedTensorType>(scores.getType());
  ArrayRef<TokenAxis> axes = flows.getFlow(scores).axes;
  const FlowTransfer *transfer = flows.getTransfer(match.softmax);
  const AxisUse *keys = llvm::find_if(transfer->uses[0], [](const AxisUse &use) {
    return use.map.getKind() == RowMap::Kind::Normalize;
  });
  Type element = type.getElementType();
  if (!element.isF32() && !element.isF64())
    return (void)refuse("its scores are neither f32 nor f64"), std::nullopt;
  for (const TokenAxis &axis : axes)
    if (axis.refined().numRows() != type.getDimSize(axis.dim))
      return (void)refuse("its queries or keys share a dimension with something else"),
             std::nullopt;
  int64_t key = keys->axis.dim;
  return ScoreDims{axes[axes[0].dim == key ? 1 : 0].dim, key};
}

LogicalResult Matcher::findProduct(Value scores, ScoreDims dims) {
  Operation *op = scores.getDefiningOp();
  if (!op || deadEnds.contains(scores))
    return failure();
  if (isKnown(op) && !hasStaticTypes(op))
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
  auto flow = flows.getTransfer(op);
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
    if (isKnown(op) && !hasStaticTypes(op))
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

/// Is `value` a constant of zeros and -inf?
static bool masksByInfinity(Value value) {
  ElementsAttr constant = getConstantElements(value);
  if (!constant)
    return false;
  FailureOr<HostTensor> tensor = HostTensor::get(constant);
  return succeeded(tensor) && llvm::all_of(tensor->getFloats(), [](double x) {
           return x == 0 || x == -HUGE_VAL;
         });
}

/// May `value`, which is no constant, be so low that it hides a key? An input may hold
/// anything; a product of matrices is no mask.
static bool mayHide(Value value, llvm::SmallPtrSetImpl<Operation *> &seen) {
  if (ElementsAttr constant = getConstantElements(value)) {
    FailureOr<HostTensor> tensor = HostTensor::get(constant);
    return failed(tensor) || llvm::any_of(tensor->getFloats(), [](double x) {
             return std::isfinite(x) && std::abs(x) > -maskedBelow;
           });
  }
  Operation *op = value.getDefiningOp();
  if (!op)
    return true;
  bool passesOn = isKnown(op) || isa<ExpandOp, GatherOp, SliceOp, ConcatOp, NegOp, MinOp,
                                     MaxOp, SumOp, TileOp, PadOp>(op);
  if (!passesOn || isa<MatMulOp>(op) || !seen.insert(op).second)
    return false;
  return llvm::any_of(op->getOperands(), [&](Value operand) {
    return isa<FloatType>(getElementTypeOrSelf(operand.getType())) &&
           mayHide(operand, seen);
  });
}

/// Is all that `added`, times `factor`, adds far above `low`, or -inf?
static bool staysAbove(Value added, double factor, double low) {
  ElementsAttr constant = getConstantElements(added);
  llvm::SmallPtrSet<Operation *, 8> seen;
  if (!constant)
    return !mayHide(added, seen);
  FailureOr<HostTensor> tensor = HostTensor::get(constant);
  return succeeded(tensor) && llvm::all_of(tensor->getFloats(), [&](double x) {
           return x * factor == -HUGE_VAL || x * factor >= low / 2;
         });
}

/// The positive number by which a link multiplies; 0 where it does something else.
static double positiveFactor(const Link &link) {
  Operation *op = link.data->getOwner();
  if (!isa<MulOp, DivOp>(op))
    return 0;
  std::optional<double> number =
      getSplatNumber(op->getOperand(1 - link.data->getOperandNumber()));
  double factor = number.value_or(0);
  return factor <= 0 ? 0 : isa<DivOp>(op) ? 1 / factor : factor;
}

/// Masks that replace scores by a number to which scores may be added later are no sums.
/// Where it is the same number for all masks, and no sum before is as low, a row that is
/// all masked weighs what it has of them alike, so that a lower number does as well.
LogicalResult Matcher::checkMasks() {
  std::optional<double> number;
  double factor = 1;
  bool isExact = true;
  for (const Link &link : llvm::reverse(match.scores)) {
    Operation *op = link.data->getOwner();
    Value other = op->getNumOperands() == 2
                      ? op->getOperand(1 - link.data->getOperandNumber())
                      : Value();
    if (isa<WhereOp>(op)) {
      Value fill = op->getOperand(3 - link.data->getOperandNumber());
      double low = *getSplatNumber(fill) * factor;
      if (low < swampingScore)
        continue;
      if (!isExact || low != number.value_or(low))
        return refuse("it goes on from scores that a mask has replaced by a number");
      number = low;
    } else if (double by = positiveFactor(link)) {
      factor *= by;
    } else if (isa<AddOp, SubOp, MulOp, DivOp>(op)) {
      bool adds = isa<AddOp, SubOp>(op);
      if (adds && number &&
          !staysAbove(other, isa<SubOp>(op) ? -factor : factor, *number))
        return refuse("it masks scores by a number, and adds numbers that are as low");
      isExact &= isa<AddOp>(op) && masksByInfinity(other);
    }
  }
  return success();
}

FailureOr<AttentionMatch> weir::matchAttention(Operation *softmax,
                                               const TokenFlowAnalysis &flows,
                                               std::string &why) {
  return Matcher(softmax, flows, why).run();
}
