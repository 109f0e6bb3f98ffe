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

/// A result may be as large as that, or as twice its operands.
static constexpr int64_t maxFoldedBytes = int64_t(64) << 20;

static std::optional<int64_t> bytesOf(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.hasStaticShape())
    return std::nullopt;
  std::optional<int64_t> count = countElements(tensor.getShape());
  int64_t width = HostTensor::elementBytes(tensor.getElementType()), bytes;
  if (!count || width == 0 || llvm::MulOverflow(*count, width, bytes))
    return std::nullopt;
  return bytes;
}

/// True when all used results of `op` are of known and bearable size.
static bool isBearable(Operation *op) {
  int64_t operands = 0, results = 0;
  for (Type type : op->getOperandTypes())
    operands += bytesOf(type).value_or(0);
  for (Type type : op->getResultTypes()) {
    if (isa<NoneType>(type))
      continue;
    std::optional<int64_t> bytes = bytesOf(type);
    if (!bytes)
      return false;
    results += *bytes;
  }
  return results <= maxFoldedBytes || results / 2 <= operands;
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
  for (auto family :
       {evaluateMove, evaluateGather, evaluateElementwise, evaluateArithmetic,
        evaluateReduction, evaluateNormalization, evaluateContraction, evaluateWindow})
    if (std::optional<HostTensor> result = family(e))
      return result;
  return std::nullopt;
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
  SmallVector<std::optional<HostTensor>> tensors;
  for (Attribute operand : operands) {
    tensors.emplace_back();
    auto elements = dyn_cast_or_null<ElementsAttr>(operand);
    if (!elements)
      continue;
    FailureOr<HostTensor> tensor = HostTensor::get(elements);
    if (failed(tensor))
      return failure();
    tensors.back() = *tensor;
  }
  SmallVector<OpFoldResult> folded;
  for (auto [index, type] : llvm::enumerate(op->getResultTypes())) {
    if (isa<NoneType>(type)) {
      folded.push_back(UnitAttr::get(op->getContext()));
      continue;
    }
    auto result = evaluate({op, tensors, cast<RankedTensorType>(type), unsigned(index)});
    if (!result)
      return failure();
    folded.push_back(result->toAttr());
  }
  results.append(folded);
  return success();
}
