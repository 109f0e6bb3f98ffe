//===- Infer.cpp - What all inference of the onnx ops shares --------------===//

#include "Infer.h"
#include "mlir/IR/Diagnostics.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;
using namespace weir::onnx::detail;

bool onnx::detail::compatibleTypes(TypeRange inferred, TypeRange actual) {
  if (inferred.size() != actual.size())
    return false;
  return llvm::all_of(llvm::zip(inferred, actual), [](auto pair) {
    auto [a, b] = pair;
    // A result that nobody uses may be none, and an optional one may be wanted.
    if (isa<NoneType>(a) || isa<NoneType>(b))
      return true;
    return mlir::getElementTypeOrSelf(a) == mlir::getElementTypeOrSelf(b) &&
           succeeded(verifyCompatibleShape(a, b));
  });
}

LogicalResult onnx::detail::verifyTypes(Operation *op) {
  SmallVector<Type> types;
  if (failed(cast<InferTypeOpInterface>(op).inferReturnTypes(
          op->getContext(), op->getLoc(), op->getOperands(),
          op->getDiscardableAttrDictionary(), op->getPropertiesStorage(),
          op->getRegions(), types)))
    return failure();
  if (types.size() != op->getNumResults())
    return op->emitOpError() << "gives " << types.size() << " results, but has "
                             << op->getNumResults();
  for (auto [index, given, stated] : llvm::enumerate(types, op->getResultTypes()))
    if (!compatibleTypes(given, stated))
      return op->emitOpError() << "gives " << given << " as result " << index
                               << ", but it is of type " << stated;
  return success();
}

LogicalResult onnx::detail::fail(const Subject &op, const Twine &message) {
  if (op.location)
    emitError(*op.location) << "'" << op.name << "' op " << message;
  return failure();
}

std::string onnx::detail::str(ArrayRef<int64_t> shape) {
  if (shape.empty())
    return "scalar";
  return llvm::join(
      llvm::map_range(shape, [](int64_t size) { return std::to_string(size); }), "x");
}

LogicalResult onnx::detail::give(Types &types, Type element,
                                 std::optional<ArrayRef<int64_t>> shape) {
  if (shape)
    types.push_back(RankedTensorType::get(*shape, element));
  else
    types.push_back(UnrankedTensorType::get(element));
  return success();
}

LogicalResult onnx::detail::sameElements(const Subject &op, ValueRange values) {
  Type first;
  for (Value value : values) {
    Type element = getElementType(value);
    if (first && element && element != first)
      return failf(op, "operands have element types {0} and {1}", first, element);
    if (!first)
      first = element;
  }
  return success();
}

LogicalResult onnx::detail::checkAxis(const Subject &op, int64_t axis, int64_t rank) {
  if (normalizeAxis(axis, rank))
    return success();
  return failf(op, "axis {0} is outside a tensor of rank {1}", axis, rank);
}

LogicalResult onnx::detail::inferLike(Value like, Type element, Types &types) {
  return give(types, element, getStaticShape(like));
}

LogicalResult onnx::detail::broadcast(const Subject &op, ValueRange operands,
                                      Type element, Types &types) {
  Shape common;
  for (Value operand : operands) {
    std::optional<ArrayRef<int64_t>> shape = getStaticShape(operand);
    if (!shape)
      return give(types, element, std::nullopt);
    std::optional<Shape> joined = broadcastShapes(common, *shape);
    if (!joined)
      return failf(op, "shapes {0} and {1} do not broadcast", str(common), str(*shape));
    common = *joined;
  }
  return give(types, element, ArrayRef<int64_t>(common));
}
