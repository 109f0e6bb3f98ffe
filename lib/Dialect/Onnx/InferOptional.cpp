//===- InferOptional.cpp - Result types of optional results in use --------===//
// Inference alone cannot tell whether an optional result is wanted, and says none.

#include "weir/Dialect/Onnx/Geometry.h"
#include "weir/Dialect/Onnx/Limits.h"
#include "weir/Dialect/Onnx/Onnx.h"

using namespace mlir;
using namespace weir::onnx;

static Type tensorOf(std::optional<Shape> shape, Type element) {
  if (shape)
    return RankedTensorType::get(*shape, element);
  return UnrankedTensorType::get(element);
}

/// The shape of `value` as [B, heads, n, d]; nullopt when it is not known.
static std::optional<Shape> headedShape(Value value, std::optional<int64_t> heads) {
  std::optional<ArrayRef<int64_t>> shape = getStaticShape(value);
  if (!shape || shape->size() == 4)
    return shape ? std::optional<Shape>(Shape(*shape)) : std::nullopt;
  return Shape{(*shape)[0], *heads, (*shape)[1], (*shape)[2] / *heads};
}

/// The type of result `index`, which the op's own inference calls none.
static Type inferOptional(Operation *op, unsigned index) {
  if (auto dropout = dyn_cast<DropoutOp>(op)) {
    auto shape = getStaticShape(dropout.getData());
    return tensorOf(shape ? std::optional<Shape>(Shape(*shape)) : std::nullopt,
                    IntegerType::get(op->getContext(), 1));
  }
  if (auto norm = dyn_cast<LayerNormalizationOp>(op)) {
    auto shape = getStaticShape(norm.getX());
    Type element = getElementType(norm.getX());
    if (norm.getStashType() == 1)
      element = Float32Type::get(op->getContext());
    if (!shape)
      return tensorOf(std::nullopt, element);
    Shape statistics(*shape);
    auto axis = *normalizeAxis(norm.getAxis(), shape->size());
    std::fill(statistics.begin() + axis, statistics.end(), 1);
    return tensorOf(statistics, element);
  }
  auto attention = dyn_cast<AttentionOp>(op);
  if (!attention || !isNone(attention.getPastKey()))
    return nullptr;
  auto queries = headedShape(attention.getQ(), attention.getQNumHeads());
  auto keys = headedShape(attention.getK(), attention.getKvNumHeads());
  auto values = headedShape(attention.getV(), attention.getKvNumHeads());
  if (index == 3 && queries && keys)
    queries->back() = (*keys)[2];
  return tensorOf(index == 1   ? keys
                  : index == 2 ? values
                               : queries,
                  getElementType(attention.getQ()));
}

LogicalResult weir::onnx::inferResultTypes(Operation *op, SmallVectorImpl<Type> &types) {
  auto inferable = dyn_cast<InferTypeOpInterface>(op);
  if (!inferable || !isa_and_nonnull<OnnxDialect>(op->getDialect())) {
    llvm::append_range(types, op->getResultTypes());
    return success();
  }
  if (failed(inferable.inferReturnTypes(op->getContext(), op->getLoc(), op->getOperands(),
                                        op->getDiscardableAttrDictionary(),
                                        op->getPropertiesStorage(), op->getRegions(),
                                        types)))
    return failure();
  if (types.size() != op->getNumResults())
    return op->emitOpError() << "gives " << types.size() << " results, but has "
                             << op->getNumResults();
  for (auto [index, type] : llvm::enumerate(types)) {
    if (!isa<NoneType>(type) || op->getResult(index).use_empty())
      continue;
    Type wanted = inferOptional(op, index);
    type = wanted ? wanted : op->getResult(index).getType();
  }
  return verifyBearable(op, types);
}
