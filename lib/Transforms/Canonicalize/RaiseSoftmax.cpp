//===- RaiseSoftmax.cpp - Find the softmax in generics --------------------===//
// m = max(x), e = e^(x - m), s = sum(e), y = e / s  ==>  y = linalg.softmax(x)
// Legal when both reductions are over one and the same dimension, the maximum starts
// below all numbers and the sum at zero. Where queries meet keys can be seen after that.

#include "Patterns.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace weir;
using linalg::GenericOp;

namespace {
/// An operand of a body's op: the value behind it, and the map that reads it.
struct Read {
  Value value;
  AffineMap map;
};
} // namespace

static std::optional<Read> readOf(Value scalar, GenericOp op) {
  auto argument = dyn_cast<BlockArgument>(scalar);
  if (!argument || argument.getOwner() != op.getBlock() ||
      argument.getArgNumber() >= op.getNumDpsInputs())
    return std::nullopt;
  OpOperand *operand = op.getDpsInputOperand(argument.getArgNumber());
  return Read{operand->get(), op.getMatchingIndexingMap(operand)};
}

/// What an op with one result and no reduction yields; null for another op.
static Operation *yieldedBy(GenericOp op) {
  if (!op || op.getNumResults() != 1 || op.getNumReductionLoops() != 0 ||
      !op.getIndexingMapsArray().back().isIdentity())
    return nullptr;
  return op.getBlock()->getTerminator()->getOperand(0).getDefiningOp();
}

/// The loops of `map` of more than one iteration, in order; none if it is no such list.
static std::optional<SmallVector<unsigned>> loopsOf(AffineMap map,
                                                    ArrayRef<int64_t> sizes) {
  SmallVector<unsigned> loops;
  for (AffineExpr expr : map.getResults()) {
    if (isa<AffineConstantExpr>(expr))
      continue;
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim)
      return std::nullopt;
    if (sizes[dim.getPosition()] != 1)
      loops.push_back(dim.getPosition());
  }
  return loops;
}

/// The loop that `map` leaves out, where it reads all others in order.
static std::optional<unsigned> missingLoop(AffineMap map, ArrayRef<int64_t> sizes) {
  std::optional<SmallVector<unsigned>> loops = loopsOf(map, sizes);
  std::optional<unsigned> missing;
  unsigned next = 0;
  for (unsigned loop = 0; loops && loop < sizes.size(); ++loop) {
    if (next < loops->size() && (*loops)[next] == loop)
      ++next;
    else if (sizes[loop] != 1 && missing)
      return std::nullopt;
    else if (sizes[loop] != 1)
      missing = loop;
  }
  return loops && next == loops->size() ? missing : std::nullopt;
}

/// Through shapes that only add or drop dimensions of one element.
static Value skipUnitDims(Value value) {
  auto withoutOnes = [](Value one) {
    SmallVector<int64_t> shape(cast<RankedTensorType>(one.getType()).getShape());
    llvm::erase(shape, 1);
    return shape;
  };
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op) ||
        withoutOnes(op->getOperand(0)) != withoutOnes(value))
      break;
    value = op->getOperand(0);
  }
  return value;
}

static bool startsAt(GenericOp op, function_ref<bool(const APFloat &)> accepts) {
  auto fill = op.getDpsInits().front().getDefiningOp<linalg::FillOp>();
  FloatAttr value;
  return fill && matchPattern(fill.getInputs().front(), m_Constant(&value)) &&
         accepts(value.getValue());
}

/// The tensor that `value` reduces along `dim` by one of `Combiners`; null otherwise.
template <typename... Combiners>
static Value reducedAlong(Value value, unsigned dim,
                          function_ref<bool(const APFloat &)> start) {
  auto op = skipUnitDims(value).getDefiningOp<GenericOp>();
  if (!op || op.getNumResults() != 1 || op.getNumDpsInputs() != 1 ||
      op.getNumReductionLoops() != 1 || !startsAt(op, start))
    return nullptr;
  Operation *combiner = op.getBlock()->getTerminator()->getOperand(0).getDefiningOp();
  auto maps = op.getIndexingMapsArray();
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  bool combines = isa_and_nonnull<Combiners...>(combiner) &&
                  llvm::all_of(combiner->getOperands(), llvm::IsaPred<BlockArgument>) &&
                  combiner->getOperand(0) != combiner->getOperand(1);
  if (!combines || !maps[0].isIdentity() || missingLoop(maps[1], sizes) != dim ||
      op.getIteratorTypesArray()[dim] != utils::IteratorType::reduction)
    return nullptr;
  return op.getDpsInputs().front();
}

/// x and the maximum that is taken from it, of e^(x - m) in one generic or in two.
static std::optional<std::pair<Read, Read>> matchPower(Value value) {
  auto op = value.getDefiningOp<GenericOp>();
  auto exp = dyn_cast_or_null<math::ExpOp>(yieldedBy(op));
  if (!exp)
    return std::nullopt;
  auto difference = exp.getOperand().getDefiningOp<arith::SubFOp>();
  if (!difference) {
    std::optional<Read> inner = readOf(exp.getOperand(), op);
    op = inner && inner->map.isIdentity() ? inner->value.getDefiningOp<GenericOp>()
                                          : nullptr;
    difference = dyn_cast_or_null<arith::SubFOp>(yieldedBy(op));
  }
  if (!difference)
    return std::nullopt;
  std::optional<Read> x = readOf(difference.getLhs(), op);
  std::optional<Read> most = readOf(difference.getRhs(), op);
  if (!x || !most || !x->map.isIdentity())
    return std::nullopt;
  return std::pair(*x, *most);
}

namespace {
struct RaiseSoftmax : OpRewritePattern<GenericOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(GenericOp op, PatternRewriter &rw) const override {
    auto quotient = dyn_cast_or_null<arith::DivFOp>(yieldedBy(op));
    if (!quotient)
      return failure();
    std::optional<Read> power = readOf(quotient.getLhs(), op);
    std::optional<Read> total = readOf(quotient.getRhs(), op);
    if (!power || !total || !power->map.isIdentity())
      return failure();
    SmallVector<int64_t> sizes = op.getStaticLoopRanges();
    std::optional<unsigned> dim = missingLoop(total->map, sizes);
    auto parts = matchPower(power->value);
    if (!dim || !parts || missingLoop(parts->second.map, sizes) != dim)
      return failure();
    auto isZero = [](const APFloat &value) { return value.isZero(); };
    auto isLow = [](const APFloat &value) {
      return value.isNegative() && (value.isInfinity() || value.isLargest());
    };
    Value x = parts->first.value;
    if (reducedAlong<arith::AddFOp>(total->value, *dim, isZero) != power->value ||
        reducedAlong<arith::MaximumFOp, arith::MaxNumFOp>(parts->second.value, *dim,
                                                          isLow) != x)
      return failure();
    auto type = cast<RankedTensorType>(op.getResult(0).getType());
    Value empty =
        tensor::EmptyOp::create(rw, op.getLoc(), type.getShape(), type.getElementType());
    rw.replaceOpWithNewOp<linalg::SoftmaxOp>(op, TypeRange(type), x, empty, *dim);
    return success();
  }
};
} // namespace

void weir::populateRaiseSoftmaxPatterns(RewritePatternSet &patterns) {
  patterns.add<RaiseSoftmax>(patterns.getContext());
}
