//===- EvaluateGather.cpp - Constants that are taken by index -------------===//
// An index out of range is undefined in ONNX: such an op is not folded.

#include "Evaluate.h"
#include "weir/Dialect/Onnx/Geometry.h"
#include <cstring>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;
using namespace weir::onnx::detail;

static int64_t product(ArrayRef<int64_t> sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t(1), std::multiplies<>());
}

/// data [outer, size, inner] by indices [count] gives [outer, count, inner].
static std::optional<HostTensor> gather(const Evaluation &e, int64_t axis) {
  ArrayRef<int64_t> shape = e[0].getShape();
  axis = *normalizeAxis(axis, shape.size());
  int64_t size = shape[axis];
  int64_t run = product(shape.drop_front(axis + 1)) * e[0].getElementBytes();
  std::vector<int64_t> indices = e[1].getInts();
  for (int64_t &index : indices) {
    std::optional<int64_t> normal = normalizeAxis(index, size);
    if (!normal)
      return std::nullopt;
    index = *normal;
  }
  HostTensor result(e.type);
  char *to = result.getMutableBytes().data();
  for (int64_t i = 0, outer = product(shape.take_front(axis)); i < outer; ++i)
    for (int64_t index : indices) {
      std::memcpy(to, e[0].getBytes().data() + (i * size + index) * run, run);
      to += run;
    }
  return result;
}

static std::optional<HostTensor> gatherElements(const Evaluation &e, int64_t axis) {
  ArrayRef<int64_t> shape = e[0].getShape(), outShape = e.type.getShape();
  axis = *normalizeAxis(axis, shape.size());
  Shape strides = rowMajorStrides(shape), outStrides = rowMajorStrides(outShape);
  int64_t width = e[0].getElementBytes();
  std::vector<int64_t> indices = e[1].getInts();
  HostTensor result(e.type);
  char *to = result.getMutableBytes().data();
  for (auto [i, index] : llvm::enumerate(indices)) {
    std::optional<int64_t> normal = normalizeAxis(index, shape[axis]);
    if (!normal)
      return std::nullopt;
    int64_t source = 0;
    for (auto [d, stride] : llvm::enumerate(strides))
      source += stride * (static_cast<int64_t>(d) == axis
                              ? *normal
                              : static_cast<int64_t>(i) / outStrides[d] % outShape[d]);
    std::memcpy(to + i * width, e[0].getBytes().data() + source * width, width);
  }
  return result;
}

/// The element offset of the slice that `vector` points at behind `batch` dimensions.
static std::optional<int64_t> slicePosition(ArrayRef<int64_t> vector,
                                            ArrayRef<int64_t> shape,
                                            ArrayRef<int64_t> strides) {
  int64_t position = 0;
  for (auto [index, size, stride] : llvm::zip(vector, shape, strides)) {
    std::optional<int64_t> normal = normalizeAxis(index, size);
    if (!normal)
      return std::nullopt;
    position += *normal * stride;
  }
  return position;
}

static std::optional<HostTensor> gatherND(const Evaluation &e, int64_t batchDims) {
  ArrayRef<int64_t> shape = e[0].getShape();
  int64_t depth = e[1].getShape().back();
  std::vector<int64_t> indices = e[1].getInts();
  Shape strides = rowMajorStrides(shape);
  int64_t run = product(shape.drop_front(batchDims + depth));
  int64_t batches = product(shape.take_front(batchDims));
  int64_t vectors = product(e[1].getShape().drop_back());
  int64_t batchSize = product(shape.drop_front(batchDims)),
          width = e[0].getElementBytes();
  HostTensor result(e.type);
  char *to = result.getMutableBytes().data();
  for (int64_t i = 0; i < vectors; ++i) {
    auto position = slicePosition(ArrayRef(indices).slice(i * depth, depth),
                                  shape.drop_front(batchDims),
                                  ArrayRef(strides).drop_front(batchDims));
    if (!position)
      return std::nullopt;
    int64_t batch = i / (vectors / batches);
    std::memcpy(to + i * run * width,
                e[0].getBytes().data() + (batch * batchSize + *position) * width,
                run * width);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Scattering
//===----------------------------------------------------------------------===//

/// A copy of a tensor whose elements others replace or join.
namespace {
class Scattered {
public:
  Scattered(const Evaluation &e, StringRef reduction)
      : result(e.type), reduction(reduction), updates(e[2]) {
    std::memcpy(result.getMutableBytes().data(), e[0].getBytes().data(),
                e[0].getBytes().size());
    Type element = e.type.getElementType();
    isFloat = isa<FloatType>(element);
    isUnsigned = element.isUnsignedInteger();
    if (reduction != "none" && isFloat)
      sums = e[0].getFloats();
  }

  void update(int64_t at, int64_t from) {
    int64_t width = result.getElementBytes();
    if (reduction == "none")
      std::memcpy(result.getMutableBytes().data() + at * width,
                  updates.getBytes().data() + from * width, width);
    else if (isFloat)
      sums[at] = join(sums[at], updates.getFloat(from));
    else if (isUnsigned)
      result.setInt(at, join<uint64_t>(result.getInt(at), updates.getInt(from)));
    else
      result.setInt(at, join(result.getInt(at), updates.getInt(from)));
  }
  HostTensor take() {
    return sums.empty() ? result : HostTensor::fromFloats(result.getType(), sums);
  }

private:
  template <typename T>
  T join(T x, T y) const {
    if (reduction == "add" || reduction == "mul") {
      if constexpr (std::is_same_v<T, int64_t>) // wraps around
        return join<uint64_t>(x, y);
      return reduction == "add" ? x + y : x * y;
    }
    if (y != y) // NaN stays
      return y;
    return (reduction == "max" ? y > x : y < x) ? y : x;
  }

  HostTensor result;
  StringRef reduction;
  const HostTensor &updates;
  bool isFloat, isUnsigned;
  std::vector<double> sums; // rounded once, when all are in
};
} // namespace

static bool isReduction(StringRef name) {
  return llvm::is_contained({"none", "add", "mul", "max", "min"}, name);
}

/// data with the slices at `indices` replaced by those of `updates`.
static std::optional<HostTensor> scatterND(const Evaluation &e, StringRef reduction) {
  ArrayRef<int64_t> shape = e[0].getShape();
  int64_t depth = e[1].getShape().back(), run = product(shape.drop_front(depth));
  std::vector<int64_t> indices = e[1].getInts();
  Shape strides = rowMajorStrides(shape);
  if (!isReduction(reduction))
    return std::nullopt;
  Scattered result(e, reduction);
  for (int64_t i = 0, count = product(e[1].getShape().drop_back()); i < count; ++i) {
    auto position =
        slicePosition(ArrayRef(indices).slice(i * depth, depth), shape, strides);
    if (!position)
      return std::nullopt;
    for (int64_t j = 0; j < run; ++j)
      result.update(*position + j, i * run + j);
  }
  return result.take();
}

/// data with the elements at `indices` of one axis replaced by those of `updates`.
static std::optional<HostTensor> scatterElements(const Evaluation &e,
                                                 ScatterElementsOp op) {
  ArrayRef<int64_t> shape = e[0].getShape(), from = e[1].getShape();
  int64_t axis = *normalizeAxis(op.getAxis(), shape.size());
  Shape strides = rowMajorStrides(shape), fromStrides = rowMajorStrides(from);
  if (!isReduction(op.getReduction()))
    return std::nullopt;
  Scattered result(e, op.getReduction());
  for (auto [i, index] : llvm::enumerate(e[1].getInts())) {
    std::optional<int64_t> normal = normalizeAxis(index, shape[axis]);
    if (!normal)
      return std::nullopt;
    int64_t at = 0;
    for (auto [d, stride] : llvm::enumerate(strides))
      at += stride * (static_cast<int64_t>(d) == axis
                          ? *normal
                          : static_cast<int64_t>(i) / fromStrides[d] % from[d]);
    result.update(at, i);
  }
  return result.take();
}

std::optional<HostTensor> onnx::detail::evaluateGather(const Evaluation &e) {
  using Result = std::optional<HostTensor>;
  return TypeSwitch<Operation *, Result>(e.op)
      .Case([&](GatherOp op) { return gather(e, op.getAxis()); })
      .Case([&](GatherElementsOp op) { return gatherElements(e, op.getAxis()); })
      .Case([&](GatherNDOp op) { return gatherND(e, op.getBatchDims()); })
      .Case([&](ScatterNDOp op) { return scatterND(e, op.getReduction()); })
      .Case([&](ScatterElementsOp op) { return scatterElements(e, op); })
      .Default([](Operation *) { return std::nullopt; });
}
