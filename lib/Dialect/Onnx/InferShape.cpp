//===- InferShape.cpp - Result types of views and of shape arithmetic -----===//

#include "Infer.h"
#include "weir/Support/HostTensor.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;
using namespace weir::onnx::detail;

LogicalResult onnx::detail::infer(const Subject &op, ReshapeOp::Adaptor adaptor,
                                  Types &types) {
  Type element = getElementType(adaptor.getData());
  std::optional<ArrayRef<int64_t>> from = getStaticShape(adaptor.getData());
  std::optional<SmallVector<int64_t>> target = getConstantInts(adaptor.getShape());
  if (!from || !target)
    return give(types, element, std::nullopt);
  std::optional<Shape> shape = resolveReshape(*from, *target, adaptor.getAllowzero());
  if (!shape) // C1
    return failf(op, "cannot give a tensor of shape {0} the shape {1}", str(*from),
                 str(*target));
  return give(types, element, ArrayRef<int64_t>(*shape));
}

LogicalResult onnx::detail::infer(const Subject &op, TransposeOp::Adaptor adaptor,
                                  Types &types) {
  Type element = getElementType(adaptor.getData());
  std::optional<ArrayRef<int64_t>> from = getStaticShape(adaptor.getData());
  if (!from)
    return give(types, element, std::nullopt);
  Shape perm = getInts(adaptor.getPermAttr());
  if (!adaptor.getPermAttr())
    for (int64_t i = from->size() - 1; i >= 0; --i)
      perm.push_back(i);
  if (perm.size() != from->size() || !normalizeAxes(perm, from->size()) ||
      llvm::any_of(perm, [](int64_t axis) { return axis < 0; })) // C1
    return failf(op, "perm {0} does not permute {1} dimensions", str(perm), from->size());
  Shape shape;
  for (int64_t axis : perm)
    shape.push_back((*from)[axis]);
  return give(types, element, ArrayRef<int64_t>(shape));
}

LogicalResult onnx::detail::infer(const Subject &op, SqueezeOp::Adaptor adaptor,
                                  Types &types) {
  Type element = getElementType(adaptor.getData());
  std::optional<ArrayRef<int64_t>> from = getStaticShape(adaptor.getData());
  std::optional<SmallVector<int64_t>> axes;
  if (!isNone(adaptor.getAxes()))
    axes = getConstantInts(adaptor.getAxes());
  if (!from || (!axes && !isNone(adaptor.getAxes())))
    return give(types, element, std::nullopt);
  std::optional<Shape> normal;
  if (axes && !(normal = normalizeAxes(*axes, from->size())))
    return failf(op, "axes {0} are not dimensions of a tensor of rank {1}", str(*axes),
                 from->size());
  Shape shape;
  for (auto [i, size] : llvm::enumerate(*from)) {
    bool drop = normal ? llvm::is_contained(*normal, static_cast<int64_t>(i)) : size == 1;
    if (drop && size != 1)
      return failf(op, "cannot remove dimension {0} of size {1}", i, size);
    if (!drop)
      shape.push_back(size);
  }
  return give(types, element, ArrayRef<int64_t>(shape));
}

LogicalResult onnx::detail::infer(const Subject &op, UnsqueezeOp::Adaptor adaptor,
                                  Types &types) {
  Type element = getElementType(adaptor.getData());
  std::optional<ArrayRef<int64_t>> from = getStaticShape(adaptor.getData());
  std::optional<SmallVector<int64_t>> axes = getConstantInts(adaptor.getAxes());
  if (!from || !axes)
    return give(types, element, std::nullopt);
  int64_t rank = from->size() + axes->size();
  std::optional<Shape> normal = normalizeAxes(*axes, rank);
  if (!normal)
    return failf(op, "axes {0} are not dimensions of a result of rank {1}", str(*axes),
                 rank);
  Shape shape;
  for (int64_t i = 0, taken = 0; i < rank; ++i)
    shape.push_back(llvm::is_contained(*normal, i) ? 1 : (*from)[taken++]);
  return give(types, element, ArrayRef<int64_t>(shape));
}

LogicalResult onnx::detail::infer(const Subject &op, FlattenOp::Adaptor adaptor,
                                  Types &types) {
  Type element = getElementType(adaptor.getInput());
  std::optional<ArrayRef<int64_t>> from = getStaticShape(adaptor.getInput());
  if (!from)
    return give(types, element, std::nullopt);
  int64_t rank = from->size(), axis = adaptor.getAxis();
  if (axis < -rank || axis > rank)
    return failf(op, "axis {0} is outside a tensor of rank {1}", axis, rank);
  axis = axis < 0 ? axis + rank : axis;
  std::optional<int64_t> before = countElements(from->take_front(axis));
  std::optional<int64_t> after = countElements(from->drop_front(axis));
  if (!before || !after)
    return failf(op, "shape {0} has too many elements", str(*from));
  return give(types, element, ArrayRef<int64_t>({*before, *after}));
}

LogicalResult onnx::detail::infer(const Subject &op, ExpandOp::Adaptor adaptor,
                                  Types &types) {
  Type element = getElementType(adaptor.getInput());
  std::optional<ArrayRef<int64_t>> from = getStaticShape(adaptor.getInput());
  std::optional<SmallVector<int64_t>> target = getConstantInts(adaptor.getShape());
  if (!from || !target)
    return give(types, element, std::nullopt);
  std::optional<Shape> shape = broadcastShapes(*from, *target);
  if (!shape || llvm::any_of(*shape, [](int64_t size) { return size < 0; }))
    return failf(op, "cannot expand shape {0} to {1}", str(*from), str(*target));
  return give(types, element, ArrayRef<int64_t>(*shape));
}

LogicalResult onnx::detail::infer(const Subject &, ShapeOp::Adaptor adaptor,
                                  Types &types) {
  Type index = IntegerType::get(adaptor.getData().getContext(), 64);
  std::optional<ArrayRef<int64_t>> shape = getStaticShape(adaptor.getData());
  if (!shape)
    return give(types, index, std::nullopt);
  int64_t end = adaptor.getEnd().value_or(shape->size());
  auto range = resolveSlice({static_cast<int64_t>(shape->size())}, {adaptor.getStart()},
                            {end}, {}, {});
  return give(types, index, ArrayRef<int64_t>({range->front().size}));
}

LogicalResult onnx::detail::infer(const Subject &, SizeOp::Adaptor adaptor,
                                  Types &types) {
  return give(types, IntegerType::get(adaptor.getData().getContext(), 64),
              ArrayRef<int64_t>());
}

/// The only element of a constant; nullopt when `value` is no such constant.
static std::optional<weir::HostTensor> getScalar(Value value) {
  ElementsAttr attr = weir::getConstantElements(value);
  if (!attr || attr.getNumElements() != 1 || !attr.getElementType().isIntOrIndexOrFloat())
    return std::nullopt;
  FailureOr<weir::HostTensor> tensor = weir::HostTensor::get(attr);
  if (failed(tensor))
    return std::nullopt;
  return *tensor;
}

LogicalResult onnx::detail::infer(const Subject &op, RangeOp::Adaptor adaptor,
                                  Types &types) {
  if (failed(sameElements(op, adaptor.getOperands())))
    return failure();
  Type element = getElementType(adaptor.getStart());
  auto start = getScalar(adaptor.getStart()), limit = getScalar(adaptor.getLimit()),
       delta = getScalar(adaptor.getDelta());
  if (!start || !limit || !delta)
    return give(types, element, std::nullopt);
  double step = delta->getFloat(0);
  if (step == 0)
    return fail(op, "counts by 0");
  double count = std::ceil((limit->getFloat(0) - start->getFloat(0)) / step);
  if (!(count < 0x1p62))
    return failf(op, "counts to {0} elements", count);
  return give(types, element,
              ArrayRef<int64_t>({count > 0 ? static_cast<int64_t>(count) : 0}));
}

LogicalResult onnx::detail::infer(const Subject &op, ConstantOfShapeOp::Adaptor adaptor,
                                  Types &types) {
  Type element = Float32Type::get(adaptor.getInput().getContext());
  if (ElementsAttr value = adaptor.getValueAttr()) {
    element = value.getElementType();
    if (value.getNumElements() != 1)
      return failf(op, "fills with one value, got {0}", value.getNumElements());
  }
  std::optional<SmallVector<int64_t>> shape = getConstantInts(adaptor.getInput());
  if (!shape)
    return give(types, element, std::nullopt);
  if (llvm::any_of(*shape, [](int64_t size) { return size < 0; }))
    return failf(op, "cannot make a tensor of shape {0}", str(*shape));
  return give(types, element, ArrayRef<int64_t>(*shape));
}
