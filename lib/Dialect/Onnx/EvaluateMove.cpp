//===- EvaluateMove.cpp - Constants that are copied, whole or in part -----===//
// Every op here copies bytes between two layouts and never looks at them.

#include "Evaluate.h"
#include "Strided.h"
#include <cstring>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;
using namespace weir::onnx::detail;

static int64_t widthOf(const Evaluation &e) {
  return HostTensor::elementBytes(e.type.getElementType());
}

/// True when an optional operand is absent or has one element, as it should.
static bool isScalar(const Evaluation &e, unsigned operand) {
  return !e.has(operand) || e[operand].getNumElements() == 1;
}

/// The whole result, read from `from` with these strides.
static HostTensor readAll(const Evaluation &e, const HostTensor &from, int64_t offset,
                          Shape strides) {
  HostTensor result(e.type);
  copyStrided({result.getMutableBytes().data(), rowMajorStrides(e.type.getShape())},
              {from.getBytes().data() + offset * widthOf(e), std::move(strides)},
              e.type.getShape(), widthOf(e));
  return result;
}

static HostTensor transpose(const Evaluation &e, TransposeOp op) {
  Shape own = rowMajorStrides(e[0].getShape()), strides;
  if (!op.getPermAttr())
    strides.assign(own.rbegin(), own.rend());
  for (int64_t axis : getInts(op.getPermAttr()))
    strides.push_back(own[axis]);
  return readAll(e, e[0], 0, strides);
}

static std::optional<HostTensor> slice(const Evaluation &e) {
  auto ranges = resolveSlice(e[0].getShape(), e.ints(1), e.ints(2), e.ints(3), e.ints(4));
  if (!ranges)
    return std::nullopt;
  Shape strides = rowMajorStrides(e[0].getShape());
  int64_t offset = 0;
  for (auto [stride, range] : llvm::zip_equal(strides, *ranges)) {
    offset += range.start * stride;
    stride *= range.step;
  }
  return readAll(e, e[0], offset, strides);
}

/// [2, 3] tiled by [2, 1] reads index space [2, 2, 1, 3] with strides [0, 3, 0, 1].
static HostTensor tile(const Evaluation &e) {
  Shape own = rowMajorStrides(e[0].getShape()), strides, shape;
  for (auto [size, times, stride] : llvm::zip_equal(e[0].getShape(), e.ints(1), own)) {
    shape.append({times, size});
    strides.append({0, stride});
  }
  HostTensor result(e.type);
  copyStrided({result.getMutableBytes().data(), rowMajorStrides(shape)},
              {e[0].getBytes().data(), strides}, shape, widthOf(e));
  return result;
}

static HostTensor concat(const Evaluation &e, ConcatOp op) {
  HostTensor result(e.type);
  Shape strides = rowMajorStrides(e.type.getShape());
  int64_t axis = *normalizeAxis(op.getAxis(), e.type.getRank());
  char *to = result.getMutableBytes().data();
  for (const std::optional<HostTensor> &part : e.operands) {
    copyStrided({to, strides},
                {part->getBytes().data(), rowMajorStrides(part->getShape())},
                part->getShape(), widthOf(e));
    to += part->getShape()[axis] * strides[axis] * widthOf(e);
  }
  return result;
}

static HostTensor split(const Evaluation &e, SplitOp op) {
  int64_t axis = *normalizeAxis(op.getAxis(), e.type.getRank());
  int64_t start = 0;
  for (unsigned i = 0; i < e.result; ++i)
    start += cast<RankedTensorType>(op->getResult(i).getType()).getDimSize(axis);
  Shape strides = rowMajorStrides(e[0].getShape());
  return readAll(e, e[0], start * strides[axis], strides);
}

/// The input position that output position `i` of a padded dimension shows, by `mode`;
/// nullopt for the padding value.
static std::optional<int64_t> padSource(StringRef mode, int64_t i, int64_t size) {
  if (i >= 0 && i < size)
    return i;
  if (mode == "constant" || size == 0)
    return std::nullopt;
  if (mode == "edge")
    return i < 0 ? 0 : size - 1;
  if (mode == "wrap")
    return (i % size + size) % size;
  int64_t period = std::max<int64_t>(1, 2 * (size - 1)); // reflect
  int64_t phase = (i % period + period) % period;
  return std::min(phase, period - phase);
}

static HostTensor pad(const Evaluation &e, PadOp op) {
  ArrayRef<int64_t> from = e[0].getShape(), shape = e.type.getShape();
  std::vector<int64_t> pads = e.ints(1);
  Shape axes = llvm::to_vector(llvm::seq<int64_t>(0, from.size()));
  if (e.has(3))
    axes = llvm::to_vector(e.ints(3));
  Shape begin(from.size(), 0), own = rowMajorStrides(from);
  for (auto [i, axis] : llvm::enumerate(*normalizeAxes(axes, from.size())))
    begin[axis] = pads[i];
  HostTensor result(e.type);
  int64_t width = widthOf(e);
  Shape index(shape.size(), 0);
  char *to = result.getMutableBytes().data();
  for (int64_t i = 0, count = e.type.getNumElements(); i < count; ++i, to += width) {
    std::optional<int64_t> source = 0;
    for (size_t d = 0; d < shape.size() && source; ++d) {
      std::optional<int64_t> at = padSource(op.getMode(), index[d] - begin[d], from[d]);
      source = at ? std::optional<int64_t>(*source + *at * own[d]) : std::nullopt;
    }
    if (source)
      std::memcpy(to, e[0].getBytes().data() + *source * width, width);
    else if (e.has(2))
      std::memcpy(to, e[2].getBytes().data(), width);
    for (int64_t d = shape.size() - 1; d >= 0 && ++index[d] == shape[d]; --d)
      index[d] = 0;
  }
  return result;
}

static HostTensor trilu(const Evaluation &e, TriluOp op) {
  int64_t k = e.has(1) ? e[1].getInt(0) : 0, width = widthOf(e);
  ArrayRef<int64_t> shape = e.type.getShape();
  int64_t rows = shape[shape.size() - 2], columns = shape.back();
  HostTensor result(e.type);
  for (int64_t i = 0, count = e.type.getNumElements(); i < count; ++i) {
    int64_t row = i / columns % rows, column = i % columns;
    if (op.getUpper() ? column - row >= k : column - row <= k)
      std::memcpy(result.getMutableBytes().data() + i * width,
                  e[0].getBytes().data() + i * width, width);
  }
  return result;
}

static HostTensor fill(const Evaluation &e, ConstantOfShapeOp op) {
  HostTensor result(e.type);
  FailureOr<HostTensor> value = failure();
  if (op.getValueAttr())
    value = HostTensor::get(op.getValueAttr());
  if (succeeded(value))
    return readAll(e, *value, 0, Shape(e.type.getRank(), 0));
  return result;
}

static std::optional<HostTensor> range(const Evaluation &e) {
  int64_t count = e.type.getNumElements();
  if (isa<FloatType>(e.type.getElementType())) {
    std::vector<double> values(count);
    double start = e[0].getFloat(0), step = e[2].getFloat(0);
    for (int64_t i = 0; i < count; ++i)
      values[i] = start + i * step;
    return HostTensor::fromFloats(e.type, values);
  }
  std::vector<int64_t> values(count);
  int64_t start = e[0].getInt(0), step = e[2].getInt(0);
  for (int64_t i = 0; i < count; ++i)
    values[i] = start + i * step;
  return HostTensor::fromInts(e.type, values);
}

std::optional<HostTensor> onnx::detail::evaluateMove(const Evaluation &e) {
  using Result = std::optional<HostTensor>;
  return TypeSwitch<Operation *, Result>(e.op)
      .Case<ReshapeOp, SqueezeOp, UnsqueezeOp, FlattenOp, IdentityOp, DropoutOp>(
          [&](auto) -> Result {
            if (e.result > 0)
              return std::nullopt;
            return e[0].reinterpret(e.type);
          })
      .Case([&](TransposeOp op) { return transpose(e, op); })
      .Case([&](ExpandOp) {
        return readAll(e, e[0], 0, broadcastStrides(e[0].getShape(), e.type.getShape()));
      })
      .Case([&](SliceOp) { return slice(e); })
      .Case([&](TileOp) { return tile(e); })
      .Case([&](ConcatOp op) { return concat(e, op); })
      .Case([&](SplitOp op) { return split(e, op); })
      .Case([&](PadOp op) { return isScalar(e, 2) ? Result(pad(e, op)) : std::nullopt; })
      .Case([&](TriluOp op) {
        return isScalar(e, 1) ? Result(trilu(e, op)) : std::nullopt;
      })
      .Case([&](ConstantOfShapeOp op) { return fill(e, op); })
      .Case([&](RangeOp) { return range(e); })
      .Default([](Operation *) { return std::nullopt; });
}
