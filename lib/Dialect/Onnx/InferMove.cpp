//===- InferMove.cpp - Result types of ops that move data -----------------===//

#include "Infer.h"
#include "weir/Dialect/Onnx/Limits.h"
#include "weir/Support/HostTensor.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;
using namespace weir::onnx::detail;

/// The constant integers of an optional operand: empty when it is absent, nullopt when
/// it is there and not constant.
static std::optional<Shape> getOptionalInts(Value value) {
  return isNone(value) ? Shape() : weir::getConstantInts(value);
}

LogicalResult onnx::detail::infer(const Subject &op, TileOp::Adaptor adaptor,
                                  Types &types) {
  Type element = getElementType(adaptor.getInput());
  std::optional<ArrayRef<int64_t>> from = getStaticShape(adaptor.getInput());
  std::optional<Shape> repeats = weir::getConstantInts(adaptor.getRepeats());
  if (!from || !repeats)
    return give(types, element, std::nullopt);
  if (repeats->size() != from->size() ||
      llvm::any_of(*repeats, [](int64_t times) { return times < 0; }))
    return failf(op, "cannot repeat a tensor of shape {0} by {1}", str(*from),
                 str(*repeats));
  Shape shape;
  for (auto [size, times] : llvm::zip_equal(*from, *repeats))
    if (llvm::MulOverflow(size, times, shape.emplace_back()))
      return failf(op, "repeats {0} elements {1} times", size, times);
  return give(types, element, ArrayRef<int64_t>(shape));
}

LogicalResult onnx::detail::infer(const Subject &op, ConcatOp::Adaptor adaptor,
                                  Types &types) {
  if (adaptor.getInputs().empty())
    return fail(op, "needs an operand");
  if (failed(sameElements(op, adaptor.getInputs())))
    return failure();
  Type element = getElementType(adaptor.getInputs().front());
  std::optional<Shape> shape;
  for (Value input : adaptor.getInputs()) {
    std::optional<ArrayRef<int64_t>> next = getStaticShape(input);
    if (!next)
      return give(types, element, std::nullopt);
    if (failed(checkAxis(op, adaptor.getAxis(), next->size())))
      return failure();
    int64_t axis = *normalizeAxis(adaptor.getAxis(), next->size());
    if (!shape) {
      shape = Shape(*next);
      continue;
    }
    Shape expected = *shape;
    if (expected.size() == next->size())
      expected[axis] = (*next)[axis];
    if (ArrayRef<int64_t>(expected) != *next) // C1
      return failf(op, "shapes {0} and {1} differ outside axis {2}", str(*shape),
                   str(*next), axis);
    (*shape)[axis] += (*next)[axis];
    if ((*shape)[axis] > maxElements)
      return failf(op, "joins {0} elements along axis {1}", (*shape)[axis], axis);
  }
  return give(types, element, ArrayRef<int64_t>(*shape));
}

/// More results than that are no model but an attack on memory.
static constexpr int64_t maxParts = 1 << 16;

LogicalResult onnx::detail::infer(const Subject &op, SplitOp::Adaptor adaptor,
                                  Types &types) {
  Type element = getElementType(adaptor.getInput());
  int64_t parts = adaptor.getNumOutputs();
  if (parts < 1 || parts > maxParts)
    return failf(op, "cannot cut a tensor into {0} parts", parts);
  std::optional<ArrayRef<int64_t>> from = getStaticShape(adaptor.getInput());
  std::optional<Shape> sizes = getOptionalInts(adaptor.getSplit());
  if (!from || !sizes) {
    types.append(parts, UnrankedTensorType::get(element));
    return success();
  }
  if (failed(checkAxis(op, adaptor.getAxis(), from->size())))
    return failure();
  int64_t axis = *normalizeAxis(adaptor.getAxis(), from->size()), size = (*from)[axis];
  if (isNone(adaptor.getSplit())) {
    int64_t each = llvm::divideCeil(size, parts);
    for (int64_t i = 0; i < parts; ++i)
      sizes->push_back(std::clamp<int64_t>(size - i * each, 0, each));
  }
  if (static_cast<int64_t>(sizes->size()) != parts ||
      llvm::any_of(*sizes, [&](int64_t part) { return part < 0 || part > size; }) ||
      std::accumulate(sizes->begin(), sizes->end(), int64_t(0)) != size)
    return failf(op, "sizes {0} do not cut {1} elements into {2} parts", str(*sizes),
                 size, parts);
  Shape shape(*from);
  for (int64_t part : *sizes) {
    shape[axis] = part;
    (void)give(types, element, ArrayRef<int64_t>(shape));
  }
  return success();
}

LogicalResult onnx::detail::infer(const Subject &op, SliceOp::Adaptor adaptor,
                                  Types &types) {
  Type element = getElementType(adaptor.getData());
  std::optional<ArrayRef<int64_t>> from = getStaticShape(adaptor.getData());
  std::optional<Shape> starts = weir::getConstantInts(adaptor.getStarts());
  std::optional<Shape> ends = weir::getConstantInts(adaptor.getEnds());
  std::optional<Shape> axes = getOptionalInts(adaptor.getAxes());
  std::optional<Shape> steps = getOptionalInts(adaptor.getSteps());
  if (!from || !starts || !ends || !axes || !steps)
    return give(types, element, std::nullopt);
  auto ranges = resolveSlice(*from, *starts, *ends, *axes, *steps);
  if (!ranges)
    return failf(op, "axes {0} and steps {1} do not slice a tensor of shape {2}",
                 str(*axes), str(*steps), str(*from));
  Shape shape;
  for (const SliceRange &range : *ranges)
    shape.push_back(range.size);
  return give(types, element, ArrayRef<int64_t>(shape));
}

LogicalResult onnx::detail::infer(const Subject &op, GatherOp::Adaptor adaptor,
                                  Types &types) {
  Type element = getElementType(adaptor.getData());
  std::optional<ArrayRef<int64_t>> from = getStaticShape(adaptor.getData());
  std::optional<ArrayRef<int64_t>> indices = getStaticShape(adaptor.getIndices());
  if (!from || !indices)
    return give(types, element, std::nullopt);
  if (failed(checkAxis(op, adaptor.getAxis(), from->size())))
    return failure();
  int64_t axis = *normalizeAxis(adaptor.getAxis(), from->size());
  Shape shape(from->take_front(axis));
  llvm::append_range(shape, *indices);
  llvm::append_range(shape, from->drop_front(axis + 1));
  return give(types, element, ArrayRef<int64_t>(shape));
}

LogicalResult onnx::detail::infer(const Subject &op, GatherElementsOp::Adaptor adaptor,
                                  Types &types) {
  Type element = getElementType(adaptor.getData());
  std::optional<ArrayRef<int64_t>> from = getStaticShape(adaptor.getData());
  std::optional<ArrayRef<int64_t>> indices = getStaticShape(adaptor.getIndices());
  if (from && indices) {
    if (from->size() != indices->size())
      return failf(op, "data has rank {0}, but indices have rank {1}", from->size(),
                   indices->size());
    if (failed(checkAxis(op, adaptor.getAxis(), from->size())))
      return failure();
    int64_t axis = *normalizeAxis(adaptor.getAxis(), from->size());
    for (auto [i, sizes] : llvm::enumerate(llvm::zip_equal(*from, *indices)))
      if (static_cast<int64_t>(i) != axis && std::get<1>(sizes) > std::get<0>(sizes))
        return failf(op, "indices of shape {0} exceed data of shape {1}", str(*indices),
                     str(*from));
  }
  return inferLike(adaptor.getIndices(), element, types);
}

LogicalResult onnx::detail::infer(const Subject &op, GatherNDOp::Adaptor adaptor,
                                  Types &types) {
  Type element = getElementType(adaptor.getData());
  std::optional<ArrayRef<int64_t>> from = getStaticShape(adaptor.getData());
  std::optional<ArrayRef<int64_t>> indices = getStaticShape(adaptor.getIndices());
  if (!from || !indices)
    return give(types, element, std::nullopt);
  int64_t batch = adaptor.getBatchDims(), rank = from->size();
  int64_t depth = indices->empty() ? 0 : indices->back();
  if (batch < 0 || depth < 1 || batch >= static_cast<int64_t>(indices->size()) ||
      batch + depth > rank || from->take_front(batch) != indices->take_front(batch))
    return failf(op, "indices of shape {0} do not point into data of shape {1}",
                 str(*indices), str(*from));
  Shape shape(indices->drop_back());
  llvm::append_range(shape, from->drop_front(batch + depth));
  return give(types, element, ArrayRef<int64_t>(shape));
}

LogicalResult onnx::detail::infer(const Subject &op, ScatterNDOp::Adaptor adaptor,
                                  Types &types) {
  std::optional<ArrayRef<int64_t>> data = getStaticShape(adaptor.getData());
  std::optional<ArrayRef<int64_t>> indices = getStaticShape(adaptor.getIndices());
  std::optional<ArrayRef<int64_t>> updates = getStaticShape(adaptor.getUpdates());
  if (failed(sameElements(op, {adaptor.getData(), adaptor.getUpdates()})))
    return failure();
  if (data && indices && updates) {
    size_t depth = indices->empty() ? 0 : indices->back();
    if (indices->empty() || depth > data->size())
      return failf(op, "indices of shape {0} do not point into data of shape {1}",
                   str(*indices), str(*data));
    Shape expected(indices->drop_back());
    llvm::append_range(expected, data->drop_front(depth));
    if (ArrayRef<int64_t>(expected) != *updates) // C1
      return failf(op, "updates have shape {0}, but indices point at {1}", str(*updates),
                   str(expected));
  }
  return inferLike(adaptor.getData(), getElementType(adaptor.getData()), types);
}

LogicalResult onnx::detail::infer(const Subject &op, ScatterElementsOp::Adaptor adaptor,
                                  Types &types) {
  std::optional<ArrayRef<int64_t>> data = getStaticShape(adaptor.getData());
  std::optional<ArrayRef<int64_t>> indices = getStaticShape(adaptor.getIndices());
  std::optional<ArrayRef<int64_t>> updates = getStaticShape(adaptor.getUpdates());
  if (failed(sameElements(op, {adaptor.getData(), adaptor.getUpdates()})))
    return failure();
  if (data && indices && updates) {
    if (failed(checkAxis(op, adaptor.getAxis(), data->size())))
      return failure();
    if (*indices != *updates || indices->size() != data->size()) // C1
      return failf(op, "indices have shape {0}, updates {1}, data {2}", str(*indices),
                   str(*updates), str(*data));
    int64_t axis = *normalizeAxis(adaptor.getAxis(), data->size());
    for (auto [i, sizes] : llvm::enumerate(llvm::zip_equal(*data, *indices)))
      if (static_cast<int64_t>(i) != axis &&
          std::get<1>(sizes) > std::get<0>(sizes)) // C1
        return failf(op, "indices of shape {0} exceed data of shape {1}", str(*indices),
                     str(*data));
  }
  return inferLike(adaptor.getData(), getElementType(adaptor.getData()), types);
}

LogicalResult onnx::detail::infer(const Subject &op, PadOp::Adaptor adaptor,
                                  Types &types) {
  Type element = getElementType(adaptor.getData());
  StringRef mode = adaptor.getMode();
  if (mode != "constant" && mode != "reflect" && mode != "edge" && mode != "wrap")
    return failf(op, "mode is 'constant', 'reflect', 'edge' or 'wrap', not '{0}'", mode);
  std::optional<ArrayRef<int64_t>> from = getStaticShape(adaptor.getData());
  std::optional<Shape> pads = weir::getConstantInts(adaptor.getPads());
  std::optional<Shape> axes = getOptionalInts(adaptor.getAxes());
  if (!from || !pads || !axes)
    return give(types, element, std::nullopt);
  if (isNone(adaptor.getAxes()))
    axes = llvm::to_vector(llvm::seq<int64_t>(0, from->size()));
  std::optional<Shape> normal = normalizeAxes(*axes, from->size());
  if (!normal || pads->size() != 2 * normal->size())
    return failf(op, "{0} pads do not fit axes {1} of a tensor of shape {2}",
                 pads->size(), str(*axes), str(*from));
  Shape shape(*from);
  for (auto [i, axis] : llvm::enumerate(*normal)) {
    int64_t begin = (*pads)[i], end = (*pads)[normal->size() + i];
    if (std::max(begin, end) > maxElements || std::min(begin, end) < -maxElements)
      return failf(op, "pads axis {0} by {1} and {2} elements, which are too many", axis,
                   begin, end);
    shape[axis] += begin + end;
    if (shape[axis] < 0)
      return failf(op, "pads leave {0} elements of axis {1}", shape[axis], axis);
  }
  return give(types, element, ArrayRef<int64_t>(shape));
}

LogicalResult onnx::detail::infer(const Subject &op, TriluOp::Adaptor adaptor,
                                  Types &types) {
  std::optional<ArrayRef<int64_t>> from = getStaticShape(adaptor.getInput());
  if (from && from->size() < 2)
    return failf(op, "wants matrices, got shape {0}", str(*from));
  return inferLike(adaptor.getInput(), getElementType(adaptor.getInput()), types);
}
