//===- Fold.cpp - Fold onnx ops of constants ------------------------------===//
// Folding is a dialect interface, so that the canonicalizer of any host folds. Views and
// splats are folded as attributes, without touching a byte of a weight.

#include "Fold.h"
#include "Evaluate.h"
#include "weir/Dialect/Onnx/Geometry.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;
using namespace weir::onnx::detail;

/// A result or an operand may have as many elements as that, a mask of 4096 x 4096, or
/// may take twice the bytes that the operands bring.
static constexpr int64_t maxFoldedElements = int64_t(1) << 24;

/// Each weight of a model may be folded into a few others, and multiplied by a thousand
/// rows of constants.
static constexpr int64_t bytesPerByte = 4, workPerByte = 256;

/// Bytes that hold a constant: those of one element for a splat.
static int64_t storedBytes(Attribute attr) {
  auto elements = dyn_cast_or_null<ElementsAttr>(attr);
  if (!elements || elements.isSplat())
    return 0;
  return elements.getNumElements() * HostTensor::elementBytes(elements.getElementType());
}

void FoldBudget::meet(Attribute operand) {
  if (!operand || !known.insert(operand).second)
    return;
  bytes += bytesPerByte * storedBytes(operand);
  work += workPerByte * storedBytes(operand);
}

/// The elements of a static shape; nothing of other types.
static std::optional<int64_t> elementsOf(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.hasStaticShape() ||
      HostTensor::elementBytes(tensor.getElementType()) == 0)
    return std::nullopt;
  return countElements(tensor.getShape());
}

/// True when the results of `op` are of bearable size, or not much larger than its
/// operands: also a view of a constant, and a splat, is read by somebody.
static bool isBearable(Operation *op) {
  int64_t operands = 0;
  for (Type type : op->getOperandTypes())
    operands += elementsOf(type).value_or(0);
  return llvm::all_of(op->getResultTypes(), [&](Type type) {
    std::optional<int64_t> elements = elementsOf(type);
    return isa<NoneType>(type) ||
           (elements && (*elements <= maxFoldedElements || *elements / 2 <= operands));
  });
}

/// The elements of all operands and results, when each can be computed with: a splat
/// takes its full size then.
static std::optional<int64_t> bearableElements(Operation *op,
                                               ArrayRef<Attribute> operands) {
  int64_t stored = 0, all = 0;
  for (Attribute operand : operands)
    stored += storedBytes(operand);
  for (Type type : llvm::concat<const Type>(llvm::to_vector<4>(op->getOperandTypes()),
                                            llvm::to_vector<4>(op->getResultTypes()))) {
    if (isa<NoneType>(type))
      continue;
    std::optional<int64_t> elements = elementsOf(type);
    if (!elements || (*elements > maxFoldedElements && *elements / 2 > stored / 4))
      return std::nullopt;
    all += *elements;
  }
  return all;
}

static Attribute foldShape(Operation *op) {
  auto shape = getStaticShape(op->getOperand(0));
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!shape || !type || !type.hasStaticShape())
    return nullptr;
  if (isa<SizeOp>(op)) {
    std::optional<int64_t> count = countElements(*shape);
    return count ? DenseElementsAttr::get(type, ArrayRef<int64_t>(*count)) : Attribute();
  }
  auto shapeOp = cast<ShapeOp>(op);
  auto range = resolveSlice({static_cast<int64_t>(shape->size())}, {shapeOp.getStart()},
                            {shapeOp.getEnd().value_or(shape->size())}, {}, {});
  return DenseElementsAttr::get(type,
                                shape->slice(range->front().start, range->front().size));
}

/// Views, and moves of equal elements, as another type of the same attribute.
static Attribute foldInPlace(Operation *op, ArrayRef<Attribute> operands) {
  if (op->getNumResults() == 0 || operands.empty() || !operands[0])
    return nullptr;
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!type || !type.hasStaticShape())
    return nullptr;
  auto splat = dyn_cast<SplatElementsAttr>(operands[0]);
  if (splat && type.getNumElements() > 0 &&
      isa<TransposeOp, ExpandOp, SliceOp, TileOp, GatherOp>(op))
    return splat.resizeSplat(type);
  if (!isa<ReshapeOp, SqueezeOp, UnsqueezeOp, FlattenOp, IdentityOp>(op))
    return nullptr;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(operands[0]))
    return DenseResourceElementsAttr::get(type, resource.getRawHandle());
  if (auto dense = dyn_cast<DenseElementsAttr>(operands[0]))
    return dense.reshape(type);
  return nullptr;
}

static std::optional<HostTensor> evaluate(const Evaluation &e) {
  for (auto family : {evaluateMove, evaluateGather, evaluateElementwise,
                      evaluateArithmetic, evaluateReduction, evaluateNormalization,
                      evaluateContraction, evaluateWindow, evaluateQuantization})
    if (std::optional<HostTensor> result = family(e))
      return result;
  return std::nullopt;
}

/// Complex numbers and strings are kept, not computed with.
static bool isNumeric(Type type) {
  return isa<NoneType>(type) || getElementTypeOrSelf(type).isIntOrIndexOrFloat();
}

FoldByEvaluation::Values FoldByEvaluation::compute(Operation *op,
                                                   ArrayRef<Attribute> operands) const {
  std::optional<int64_t> elements = bearableElements(op, operands);
  if (!elements || !llvm::all_of(op->getOperandTypes(), isNumeric) ||
      !llvm::all_of(op->getResultTypes(), isNumeric))
    return {};
  llvm::for_each(operands, [&](Attribute operand) { budget.meet(operand); });
  if (!budget.takeWork(*elements * FoldBudget::workOfElement))
    return {};
  SmallVector<std::optional<HostTensor>> tensors;
  for (Attribute operand : operands) {
    tensors.emplace_back();
    auto constant = dyn_cast_or_null<ElementsAttr>(operand);
    if (!constant)
      continue;
    FailureOr<HostTensor> tensor = HostTensor::get(constant);
    if (failed(tensor))
      return {};
    tensors.back() = *tensor;
  }
  Values values;
  for (auto [index, type] : llvm::enumerate(op->getResultTypes())) {
    if (isa<NoneType>(type)) {
      values.push_back(UnitAttr::get(op->getContext()));
      continue;
    }
    auto result =
        evaluate({op, tensors, cast<RankedTensorType>(type), unsigned(index), budget});
    if (!result || !budget.takeBytes(result->getBytes().size()))
      return {};
    values.push_back(result->toAttr());
    budget.made(values.back());
  }
  return values;
}

/// What the result of an op depends on, all of it.
static Attribute keyOf(Operation *op, ArrayRef<Attribute> operands) {
  MLIRContext *context = op->getContext();
  SmallVector<Attribute> parts = {StringAttr::get(context, op->getName().getStringRef()),
                                  op->getAttrDictionary()};
  for (Type type : op->getResultTypes())
    parts.push_back(TypeAttr::get(type));
  for (Attribute operand : operands)
    parts.push_back(operand ? operand : UnitAttr::get(context));
  return ArrayAttr::get(context, parts);
}

LogicalResult FoldByEvaluation::fold(Operation *op, ArrayRef<Attribute> operands,
                                     SmallVectorImpl<OpFoldResult> &results) const {
  if (!op->isRegistered() || op->getNumResults() == 0 || !isBearable(op))
    return failure();
  if (isa<ShapeOp, SizeOp>(op)) {
    Attribute value = foldShape(op);
    if (value)
      results.push_back(value);
    return success(value != nullptr);
  }
  for (auto [operand, type] : llvm::zip(operands, op->getOperandTypes()))
    if (!isa_and_nonnull<ElementsAttr>(operand) && !isa<NoneType>(type))
      return failure();
  if (Attribute value = foldInPlace(op, operands)) {
    results.push_back(value);
    return success();
  }
  std::lock_guard<std::mutex> lock(mutex);
  auto [entry, isNew] = known.try_emplace(keyOf(op, operands));
  if (isNew)
    entry->second = compute(op, operands);
  results.append(entry->second.begin(), entry->second.end());
  return success(!entry->second.empty());
}
