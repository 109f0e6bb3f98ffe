//===- ClusterIndices.cpp - What indices of tokens are made of ------------===//

#include "ClusterIndices.h"
#include "weir/Dialect/Onnx/Geometry.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/HostTensor.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// Longer chains are nobody's spelling of an index.
static constexpr unsigned maxDepth = 16;

std::optional<double> weir::getSplat(Value value) {
  ElementsAttr constant = value ? getConstantElements(value) : nullptr;
  if (!constant || !constant.getElementType().isIntOrFloat() ||
      constant.getNumElements() == 0)
    return std::nullopt;
  FailureOr<HostTensor> tensor = HostTensor::get(constant);
  if (failed(tensor))
    return std::nullopt;
  double first = tensor->getFloat(0);
  for (int64_t i = 1, e = constant.isSplat() ? 1 : tensor->getNumElements(); i < e; ++i)
    if (tensor->getFloat(i) != first)
      return std::nullopt;
  return first;
}

Value weir::skipReshapes(Value value) {
  while (isa_and_nonnull<ReshapeOp, SqueezeOp, UnsqueezeOp>(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return value;
}

bool weir::swapsLast(TransposeOp op) {
  auto shape = getStaticShape(op.getData());
  if (!shape || shape->size() < 2)
    return false;
  int64_t rank = shape->size();
  SmallVector<int64_t> perm = getInts(op.getPermAttr());
  if (!op.getPermAttr())
    return rank == 2;
  for (auto [to, from] : llvm::enumerate(perm)) {
    int64_t want = static_cast<int64_t>(to) == rank - 1   ? rank - 2
                   : static_cast<int64_t>(to) == rank - 2 ? rank - 1
                                                          : to;
    if (from != want)
      return false;
  }
  return true;
}

std::optional<int64_t> weir::takesFirst(SliceOp op, int64_t dim) {
  auto from = getStaticShape(op.getData()), to = getStaticShape(op->getResult(0));
  auto starts = getConstantInts(op.getStarts());
  auto axes = getConstantInts(op.getAxes()), steps = getConstantInts(op.getSteps());
  if (!from || !to || !starts || (!axes && !isNone(op.getAxes())) ||
      (!steps && !isNone(op.getSteps())))
    return std::nullopt;
  for (auto [i, size] : llvm::enumerate(*from))
    if (static_cast<int64_t>(i) != dim && (*to)[i] != size)
      return std::nullopt;
  bool fromStart = llvm::all_of(*starts, [](int64_t start) { return start == 0; });
  bool isDense = !steps || llvm::all_of(*steps, [](int64_t step) { return step == 1; });
  if (!fromStart || !isDense)
    return std::nullopt;
  return (*to)[dim];
}

//===----------------------------------------------------------------------===//
// Bounds
//===----------------------------------------------------------------------===//

static bool isConstantFrom(Value value, double least) {
  ElementsAttr constant = getConstantElements(value);
  if (!constant || !constant.getElementType().isIntOrFloat())
    return false;
  FailureOr<HostTensor> tensor = HostTensor::get(constant);
  if (failed(tensor))
    return false;
  for (int64_t i = 0, e = constant.isSplat() ? 1 : tensor->getNumElements(); i < e; ++i)
    if (!(tensor->getFloat(i) >= least))
      return false;
  return true;
}

/// Only moves elements of operand 0.
static bool isMove(Operation *op) {
  return isa<ReshapeOp, SqueezeOp, UnsqueezeOp, FlattenOp, TransposeOp, ExpandOp, TileOp,
             SliceOp, IdentityOp, GatherOp, GatherElementsOp, GatherNDOp>(op);
}

static bool isNonNegative(Value value, unsigned depth) {
  Operation *op = value.getDefiningOp();
  if (!op || depth > maxDepth)
    return false;
  if (getConstantElements(value))
    return isConstantFrom(value, 0);
  auto all = [&](ValueRange values) {
    return llvm::all_of(values, [&](Value v) { return isNonNegative(v, depth + 1); });
  };
  if (isMove(op) || isa<CastOp, ReluOp>(op))
    return isa<ReluOp>(op) || all(op->getOperands().take_front());
  if (auto topK = dyn_cast<TopKOp>(op))
    return value == topK.getIndices();
  if (isa<ArgMaxOp, ArgMinOp>(op))
    return true;
  if (auto clip = dyn_cast<ClipOp>(op))
    return !isNone(clip.getMin()) && isConstantFrom(clip.getMin(), 0) &&
           (isNone(clip.getMax()) || isConstantFrom(clip.getMax(), 0));
  if (isa<MaxOp>(op))
    return llvm::any_of(op->getOperands(),
                        [&](Value v) { return isNonNegative(v, depth + 1); });
  if (isa<MinOp, ConcatOp>(op))
    return all(op->getOperands());
  if (auto where = dyn_cast<WhereOp>(op)) {
    Value tested = findNegative(where.getCondition(), /*features=*/false);
    bool guards = tested && tested == where.getY();
    return all(where.getX()) && (guards || all(where.getY()));
  }
  return false;
}
bool weir::isNonNegative(Value value) { return ::isNonNegative(value, 0); }

static bool isAboveLowest(Value value, unsigned depth) {
  Operation *op = value.getDefiningOp();
  if (!op || depth > maxDepth)
    return false;
  if (getConstantElements(value)) // any but an infinity, which sums could turn around
    return isConstantFrom(value, -1e30);
  if (isa<SoftmaxOp, SigmoidOp, ErfOp, TanhOp, ClusterAffinityOp>(op))
    return true;
  // Sums and products of what is bounded.
  if (isMove(op) || isa<ReduceSumOp, ReduceMeanOp, ReduceMaxOp>(op))
    return isAboveLowest(op->getOperand(0), depth + 1);
  if (isa<AddOp, MulOp, SubOp>(op))
    return llvm::all_of(op->getOperands(),
                        [&](Value v) { return isAboveLowest(v, depth + 1); });
  return false;
}
bool weir::isAboveLowest(Value value) { return ::isAboveLowest(value, 0); }

//===----------------------------------------------------------------------===//
// Conditions
//===----------------------------------------------------------------------===//

Value weir::findAboveLowest(Value condition) {
  Operation *op = condition.getDefiningOp();
  if (auto greater = dyn_cast_or_null<GreaterOp>(op))
    return getSplat(greater.getB()) == -HUGE_VAL ? greater.getA() : Value();
  if (auto less = dyn_cast_or_null<LessOp>(op))
    return getSplat(less.getA()) == -HUGE_VAL ? less.getB() : Value();
  return nullptr;
}

Value weir::findNegative(Value condition, bool features) {
  Value compared = features ? skipReshapes(condition) : condition;
  Operation *op = compared.getDefiningOp();
  Value tested;
  if (auto less = dyn_cast_or_null<LessOp>(op))
    tested = getSplat(less.getB()) == 0.0 ? less.getA() : Value();
  else if (auto greater = dyn_cast_or_null<GreaterOp>(op))
    tested = getSplat(greater.getA()) == 0.0 ? greater.getB() : Value();
  if (!tested || !isa<IntegerType>(getElementType(tested)))
    return nullptr;
  auto to = getStaticShape(condition), from = getStaticShape(tested);
  if (!to || !from)
    return nullptr;
  SmallVector<int64_t> wanted(*from);
  if (features)
    wanted.push_back(1);
  if (features && *to != ArrayRef<int64_t>(wanted)) {
    // The comparison itself may have been made with the dimension there.
    if (from->empty() || from->back() != 1 || *to != *from)
      return nullptr;
    Value viewed = skipReshapes(tested);
    auto shape = getStaticShape(viewed);
    return shape && *shape == from->drop_back() ? viewed : Value();
  }
  return features || *to == *from ? tested : Value();
}

Value weir::skipClamp(Value value) {
  Operation *op = value.getDefiningOp();
  if (auto clip = dyn_cast_or_null<ClipOp>(op))
    return isNone(clip.getMax()) && !isNone(clip.getMin()) &&
                   getSplat(clip.getMin()) == 0.0
               ? clip.getInput()
               : Value();
  if (auto max = dyn_cast_or_null<MaxOp>(op); max && op->getNumOperands() == 2)
    for (unsigned i : {0, 1})
      if (getSplat(op->getOperand(i)) == 0.0 &&
          op->getOperand(1 - i).getType() == op->getResult(0).getType())
        return op->getOperand(1 - i);
  if (auto where = dyn_cast_or_null<WhereOp>(op))
    if (Value tested = findNegative(where.getCondition(), /*features=*/false))
      return tested == where.getY() && tested.getType() == value.getType() ? tested
                                                                           : Value();
  return nullptr;
}

Value weir::findRowIndices(Value indices) {
  auto to = getStaticShape(indices);
  if (!to || to->size() < 2 || !getElementType(indices).isInteger(64))
    return nullptr;
  if (to->back() == 1)
    return indices;
  auto expand = indices.getDefiningOp<ExpandOp>();
  auto from = expand ? getStaticShape(expand.getInput()) : std::nullopt;
  if (!from || from->size() != to->size() || from->back() != 1 ||
      from->end()[-2] != to->end()[-2])
    return nullptr;
  return expand.getInput();
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

/// The other operand of a sum or product of `op` with a constant.
template <typename Op>
static std::optional<std::pair<Value, double>> withConstant(Value value) {
  auto op = value.getDefiningOp<Op>();
  if (!op)
    return std::nullopt;
  for (unsigned i : {0, 1})
    if (std::optional<double> number = getSplat(op->getOperand(i)))
      if (op->getOperand(1 - i).getType() == op->getResult(0).getType())
        return std::pair(op->getOperand(1 - i), *number);
  return std::nullopt;
}

static bool isNear(double x, double y) { return std::abs(x - y) <= 1e-6 * std::abs(y); }

/// a of a - b, and b.
static std::optional<std::pair<Value, double>> matchShift(Value value) {
  if (auto sub = value.getDefiningOp<SubOp>()) {
    std::optional<double> number = getSplat(sub.getB());
    return number ? std::optional(std::pair(sub.getA(), *number)) : std::nullopt;
  }
  auto sum = withConstant<AddOp>(value);
  return sum ? std::optional(std::pair(sum->first, -sum->second)) : std::nullopt;
}

/// a of a / b, and b.
static std::optional<std::pair<Value, double>> matchScale(Value value) {
  if (auto div = value.getDefiningOp<DivOp>()) {
    std::optional<double> number = getSplat(div.getB());
    return number ? std::optional(std::pair(div.getA(), *number)) : std::nullopt;
  }
  auto product = withConstant<MulOp>(value);
  return product ? std::optional(std::pair(product->first, 1 / product->second))
                 : std::nullopt;
}

/// 0.5 (1 + erf((a - sqrt(1/2)) / (sqrt(1/(4 pi)) sqrt 2)))
static Value matchLaplace(Value value) {
  auto half = withConstant<MulOp>(value);
  if (!half || !isNear(half->second, 0.5))
    return nullptr;
  auto sum = withConstant<AddOp>(half->first);
  if (!sum || !isNear(sum->second, 1))
    return nullptr;
  auto erf = sum->first.getDefiningOp<ErfOp>();
  auto scaled = erf ? matchScale(erf->getOperand(0)) : std::nullopt;
  if (!scaled || !isNear(scaled->second, std::sqrt(0.5 / M_PI)))
    return nullptr;
  auto shifted = matchShift(scaled->first);
  return shifted && isNear(shifted->second, std::sqrt(0.5)) ? shifted->first : Value();
}

std::optional<WeightsOfScores> weir::matchWeights(Value value) {
  if (auto softmax = value.getDefiningOp<SoftmaxOp>()) {
    auto shape = getStaticShape(value);
    if (!shape || *normalizeAxis(softmax.getAxis(), shape->size()) !=
                      static_cast<int64_t>(shape->size()) - 1)
      return std::nullopt;
    return WeightsOfScores{AttentionFunction::Softmax, softmax.getInput()};
  }
  if (Value scores = matchLaplace(value))
    return WeightsOfScores{AttentionFunction::Laplace, scores};
  return std::nullopt;
}
