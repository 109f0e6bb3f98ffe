//===- TokenFlowBand.cpp - Bands that masks cut out of scores -------------===//
// A constant mask leaves each query a band of keys. What is masked by -inf gets no
// weight; a finite value counts only where it swamps any score of its type, and where
// every query keeps its own key: a row without keys would weigh all of them alike, those
// outside of the band too. So such a band ends where something else may mask that key.

#include "TokenFlow.h"
#include "weir/Support/HostTensor.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// Scores are far from this in any float type that reaches it.
static constexpr double swamping = -1e30;
/// That of f16, -65504, is none: a key that padding hides as well would be as low as
/// those outside of the band.
static bool swamps(double value) { return value <= swamping; }

namespace {
/// Reads a constant of two token axes as a function of (batch, query, key).
struct MaskView {
  HostTensor tensor;
  int64_t numBatches, numQueries, numKeys, queryStride, keyStride;
  SmallVector<int64_t> batchOffsets;

  static std::optional<MaskView> get(Value value, ArrayRef<AxisUse> uses) {
    ElementsAttr attr = getConstantElements(value);
    if (!attr || uses.size() != 2)
      return std::nullopt;
    const TokenAxis &query = uses[0].axis, &key = uses[1].axis;
    ArrayRef<int64_t> shape = shapeOf(value);
    if (query.tokens != shape[query.dim] || key.tokens != shape[key.dim])
      return std::nullopt; // merged dimensions or fixed rows
    FailureOr<HostTensor> tensor = HostTensor::get(attr);
    if (failed(tensor))
      return std::nullopt;
    MaskView view{*tensor, 1, query.tokens, key.tokens, 1, 1, {0}};
    view.layOut(shape, query.dim, key.dim);
    return view;
  }

  void layOut(ArrayRef<int64_t> shape, int64_t queryDim, int64_t keyDim) {
    int64_t stride = 1;
    for (int64_t dim = shape.size() - 1; dim >= 0; stride *= shape[dim--]) {
      if (dim == queryDim)
        queryStride = stride;
      else if (dim == keyDim)
        keyStride = stride;
      else {
        SmallVector<int64_t> before = std::move(batchOffsets);
        batchOffsets.clear();
        for (int64_t i = 0; i < shape[dim]; ++i)
          for (int64_t offset : before)
            batchOffsets.push_back(offset + i * stride);
      }
    }
  }

  /// The smallest band that holds every pair for which `keeps` is true somewhere;
  /// `selfKept` tells whether every query keeps its own key in every batch.
  template <typename Predicate>
  std::optional<Band> findBand(Predicate keeps, bool &selfKept) const {
    Band band{-1, -1};
    bool anything = false, everything = true;
    selfKept = numQueries == numKeys;
    for (int64_t offset : batchOffsets)
      for (int64_t i = 0; i < numQueries; ++i)
        for (int64_t j = 0; j < numKeys; ++j) {
          if (!keeps(tensor, offset + i * queryStride + j * keyStride)) {
            everything = false;
            selfKept &= i != j;
            continue;
          }
          band.before = anything ? std::max(band.before, i - j) : i - j;
          band.after = anything ? std::max(band.after, j - i) : j - i;
          anything = true;
        }
    if (!anything || everything)
      return std::nullopt;
    return Band{std::max<int64_t>(0, band.before), std::max<int64_t>(0, band.after)};
  }
};
} // namespace

/// The one value of a constant whose elements are all equal.
static std::optional<double> splatValue(Value value) {
  ElementsAttr attr = getConstantElements(value);
  auto type = attr ? dyn_cast<RankedTensorType>(attr.getType()) : nullptr;
  if (!type || type.getNumElements() == 0)
    return std::nullopt;
  auto dense = dyn_cast<DenseElementsAttr>(attr);
  if (type.getNumElements() != 1 && !(dense && dense.isSplat()))
    return std::nullopt;
  FailureOr<HostTensor> tensor = HostTensor::get(attr);
  return succeeded(tensor) ? std::optional<double>(tensor->getFloat(0)) : std::nullopt;
}

static bool isLowest(std::optional<double> value) { return value && swamps(*value); }

static std::optional<Band> makeBand(std::optional<Band> kept, bool isInfinite,
                                    bool selfKept) {
  if (!kept || (!isInfinite && !selfKept))
    return std::nullopt;
  kept->outside = isInfinite ? Band::Outside::Lowest : Band::Outside::Low;
  return kept;
}

/// Band of an additive constant mask.
static std::optional<Band> additiveBand(Value mask, ArrayRef<AxisUse> uses) {
  std::optional<MaskView> view = MaskView::get(mask, uses);
  if (!view || !isa<FloatType>(view->tensor.getType().getElementType()))
    return std::nullopt;
  bool selfKept, infinite = true;
  std::optional<Band> band = view->findBand(
      [&](const HostTensor &tensor, int64_t index) {
        double value = tensor.getFloat(index);
        infinite &= !swamps(value) || value == -HUGE_VAL;
        return !swamps(value);
      },
      selfKept);
  return makeBand(band, infinite, selfKept);
}

/// Band of Where(constant, scores, lowest) or, `kept` being false, of the mirrored form.
static std::optional<Band> selectedBand(Value condition, ArrayRef<AxisUse> uses,
                                        bool kept, double lowest) {
  std::optional<MaskView> view = MaskView::get(condition, uses);
  if (!view)
    return std::nullopt;
  bool selfKept;
  std::optional<Band> band =
      view->findBand([&](const HostTensor &tensor,
                         int64_t index) { return (tensor.getInt(index) != 0) == kept; },
                     selfKept);
  return makeBand(band, lowest == -HUGE_VAL, selfKept);
}

/// Operators whose result may be as low as an operand.
static bool mayKeepLowest(Operation *op) {
  return isa<AddOp, SubOp, MulOp, DivOp, NegOp, WhereOp, MinOp, MaxOp, SumOp, CastOp,
             IdentityOp, ReshapeOp, TransposeOp, SqueezeOp, UnsqueezeOp, FlattenOp,
             ExpandOp, TileOp, SliceOp, SplitOp, ConcatOp, GatherOp, GatherNDOp, PadOp>(
      op);
}

/// May `value` be so low somewhere that it masks a key, as far as constants tell? Scores
/// themselves, which products make, are far from it; an input may hold anything.
static bool mayMask(Value value, llvm::SmallPtrSetImpl<Operation *> &seen) {
  if (!isa<FloatType>(getElementTypeOrSelf(value.getType())))
    return false;
  if (ElementsAttr constant = getConstantElements(value)) {
    FailureOr<HostTensor> tensor = HostTensor::get(constant);
    if (failed(tensor))
      return true;
    for (int64_t i = 0, e = tensor->getNumElements(); i < e; ++i)
      if (swamps(-std::abs(tensor->getFloat(i)))) // a factor may be negative
        return true;
    return false;
  }
  Operation *op = value.getDefiningOp();
  if (!op)
    return true;
  if (!mayKeepLowest(op) || !seen.insert(op).second)
    return false;
  return llvm::any_of(op->getOperands(),
                      [&](Value operand) { return mayMask(operand, seen); });
}

static std::optional<Band> intersect(std::optional<Band> a, std::optional<Band> b) {
  if (!a || !b)
    return a ? a : b;
  if (a->outside != b->outside) // the infinite one may mask what the other relies on
    return a->outside == Band::Outside::Lowest ? a : b;
  return Band{std::min(a->before, b->before), std::min(a->after, b->after), a->outside};
}

static std::optional<Band> whereBand(Operation *op, Flows operands,
                                     const FlowTransfer &transfer) {
  std::optional<double> chosen = splatValue(op->getOperand(1)),
                        other = splatValue(op->getOperand(2));
  std::optional<Band> band = chosen ? operands[2].band : operands[1].band;
  std::optional<double> fill = chosen ? chosen : other;
  if (!fill)
    return std::nullopt;
  if (band && band->outside == Band::Outside::Zero)
    return *fill == 0 ? band : std::nullopt;
  if (!isLowest(fill))
    return std::nullopt;
  bool isFixed = getConstantElements(op->getOperand(0)) != nullptr;
  if (band && band->outside == Band::Outside::Low && !isFixed)
    return std::nullopt;
  return intersect(band, selectedBand(op->getOperand(0), transfer.uses[0],
                                      /*kept=*/!chosen, *fill));
}

/// Band of a sum.
static std::optional<Band> addedBand(Operation *op, Flows operands,
                                     const FlowTransfer &transfer) {
  std::optional<Band> band;
  bool masksMore = false;
  for (auto [value, flow, uses] :
       llvm::zip_equal(op->getOperands(), operands, transfer.uses)) {
    if (flow.band && flow.band->outside == Band::Outside::Zero)
      return std::nullopt;
    std::optional<Band> own = flow.isStill ? additiveBand(value, uses) : flow.band;
    llvm::SmallPtrSet<Operation *, 16> seen;
    masksMore |= !own && mayMask(value, seen);
    band = intersect(band, own);
  }
  return band && band->outside == Band::Outside::Low && masksMore ? std::nullopt : band;
}

std::optional<Band> onnx::elementwiseBand(Operation *op, Flows operands,
                                          const FlowTransfer &transfer) {
  if (transfer.axes.size() != 2)
    return std::nullopt;
  if (isa<WhereOp>(op))
    return whereBand(op, operands, transfer);
  if (isa<AddOp>(op))
    return addedBand(op, operands, transfer);
  if (isa<CastOp>(op) && isa<FloatType>(getElementTypeOrSelf(op->getResult(0).getType())))
    return operands[0].band;
  if (isa<MulOp, DivOp>(op) && operands[0].band) {
    std::optional<double> factor = splatValue(op->getOperand(1));
    if (operands[0].band->outside == Band::Outside::Zero || (factor && *factor > 0))
      return operands[0].band;
  }
  return std::nullopt;
}
