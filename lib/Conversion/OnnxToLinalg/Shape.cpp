//===- Shape.cpp - onnx ops that move data --------------------------------===//
// Reshapes follow the flattened order and become views; Concat, Split, Slice and Pad
// become slices. Shape operands are constants by now.

#include "Emit.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "weir/Dialect/Onnx/Geometry.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/TensorTypes.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

static bool isAbsent(Value value) { return isa<NoneType>(value.getType()); }

/// Reshape, Squeeze, Unsqueeze, Flatten: the first operand in the result's shape.
template <typename OpT>
static Results lowerReshape(OpT op, Emit &emit) {
  Tensor x = emit.tensor(op->getOperand(0));
  return SmallVector<Value>{emit.reshape(x, shapeOf(op->getResult(0))).value};
}

static Results lowerTranspose(TransposeOp op, Emit &emit) {
  Tensor x = emit.tensor(op.getData());
  SmallVector<int64_t> perm;
  if (std::optional<ArrayAttr> attr = op.getPerm())
    for (auto dim : attr->getAsRange<IntegerAttr>())
      perm.push_back(dim.getInt());
  else
    perm = llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, x.rank())));
  return SmallVector<Value>{emit.transpose(x, perm).value};
}

static Results lowerExpand(ExpandOp op, Emit &emit) {
  Tensor x = emit.tensor(op.getInput());
  return SmallVector<Value>{emit.broadcast(x, shapeOf(op.getOutput())).value};
}

// x[d0, d1]  ==>  y[r0, d0, r1, d1], then r and d of a dimension merge.
static Results lowerTile(TileOp op, Emit &emit) {
  Tensor x = emit.tensor(op.getInput());
  ArrayRef<int64_t> shape = shapeOf(op.getOutput());
  SmallVector<int64_t> spread, kept;
  for (int64_t i = 0; i < x.rank(); ++i) {
    spread.push_back(x.shape()[i] ? shape[i] / x.shape()[i] : 0);
    kept.push_back(2 * i + 1);
    spread.push_back(x.shape()[i]);
  }
  Tensor y =
      emit.map(spread, x.element, {x}, {keepLoops(op.getContext(), spread.size(), kept)},
               [](Scalars &, ValueRange v) { return v[0]; });
  return SmallVector<Value>{emit.reshape(y, shape).value};
}

static Results lowerConcat(ConcatOp op, Emit &emit) {
  ArrayRef<int64_t> shape = shapeOf(op.getConcatResult());
  int64_t axis = *normalizeAxis(op.getAxis(), shape.size());
  Type element = typeOf(op.getConcatResult()).getElementType();
  Tensor result = {emit.empty(shape, element), element};
  SmallVector<int64_t> offsets(shape.size(), 0);
  for (Value operand : op.getInputs()) {
    Tensor part = emit.tensor(operand);
    if (part.shape()[axis] == 0)
      continue;
    result = emit.insert(part, result, offsets);
    offsets[axis] += part.shape()[axis];
  }
  return SmallVector<Value>{result.value};
}

static Results lowerSplit(SplitOp op, Emit &emit) {
  Tensor x = emit.tensor(op.getInput());
  int64_t axis = *normalizeAxis(op.getAxis(), x.rank());
  SmallVector<int64_t> offsets(x.rank(), 0), ones(x.rank(), 1);
  SmallVector<Value> results;
  for (Value output : op.getOutputs()) {
    results.push_back(emit.slice(x, offsets, shapeOf(output), ones).value);
    offsets[axis] += shapeOf(output)[axis];
  }
  return results;
}

namespace {
/// A range of every dimension of a tensor: sizes are those of the result.
struct Ranges {
  SmallVector<int64_t> starts, steps;
  bool reverses() const {
    return llvm::any_of(steps, [](int64_t step) { return step < 0; });
  }
};
} // namespace

static std::optional<Ranges> getRanges(SliceOp op) {
  ArrayRef<int64_t> shape = shapeOf(op.getData());
  auto starts = getConstantInts(op.getStarts());
  if (!starts)
    return std::nullopt;
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, starts->size()));
  SmallVector<int64_t> steps(starts->size(), 1);
  if (!isAbsent(op.getAxes())) {
    auto given = getConstantInts(op.getAxes());
    if (!given)
      return std::nullopt;
    axes = *given;
  }
  if (!isAbsent(op.getSteps())) {
    auto given = getConstantInts(op.getSteps());
    if (!given)
      return std::nullopt;
    steps = *given;
  }
  Ranges ranges{SmallVector<int64_t>(shape.size(), 0),
                SmallVector<int64_t>(shape.size(), 1)};
  for (auto [start, axis, step] : llvm::zip(*starts, axes, steps)) {
    int64_t dim = *normalizeAxis(axis, shape.size()), size = shape[dim];
    int64_t first = start < 0 ? start + size : start;
    ranges.starts[dim] = step > 0 ? std::clamp<int64_t>(first, 0, size)
                                  : std::clamp<int64_t>(first, 0, size - 1);
    ranges.steps[dim] = step;
  }
  return ranges;
}

static Results lowerSlice(SliceOp op, Emit &emit) {
  std::optional<Ranges> ranges = getRanges(op);
  if (!ranges)
    return emit.refuse("its bounds depend on the data; they must be constant");
  Tensor x = emit.tensor(op.getData());
  ArrayRef<int64_t> shape = shapeOf(op.getOutput());
  if (!ranges->reverses())
    return SmallVector<Value>{emit.slice(x, ranges->starts, shape, ranges->steps).value};
  Tensor y = emit.map(shape, x.element, {}, [&](Scalars &s, ValueRange) {
    SmallVector<Value> indices;
    for (auto [dim, start, step] : llvm::enumerate(ranges->starts, ranges->steps))
      indices.push_back(s.add(s.constant(s.b.getIndexType(), start),
                              s.mul(s.index(dim), s.constant(s.b.getIndexType(), step))));
    return tensor::ExtractOp::create(s.b, s.loc, x.value, indices).getResult();
  });
  return SmallVector<Value>{y.value};
}

/// Which element of `size` a padded position shows; negative for the constant.
static int64_t padSource(StringRef mode, int64_t position, int64_t size) {
  if (position >= 0 && position < size)
    return position;
  if (mode == "edge")
    return std::clamp<int64_t>(position, 0, size - 1);
  if (mode == "wrap")
    return ((position % size) + size) % size;
  if (mode == "reflect" && size > 1) {
    int64_t period = 2 * (size - 1);
    int64_t phase = ((position % period) + period) % period;
    return phase < size ? phase : period - phase;
  }
  return mode == "reflect" ? 0 : -1;
}

/// The rows added at the begin of each dimension (negative: taken away).
static std::optional<SmallVector<int64_t>> getPadBegins(PadOp op) {
  int64_t rank = typeOf(op.getData()).getRank();
  auto pads = getConstantInts(op.getPads());
  if (!pads)
    return std::nullopt;
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  if (!isAbsent(op.getAxes())) {
    auto given = getConstantInts(op.getAxes());
    if (!given)
      return std::nullopt;
    axes = *given;
  }
  SmallVector<int64_t> begins(rank, 0);
  for (auto [i, axis] : llvm::enumerate(axes))
    begins[*normalizeAxis(axis, rank)] = (*pads)[i];
  return begins;
}

/// Copies `x` dimension by dimension, one slice for each run of padded positions.
static Tensor padByCopies(Emit &emit, Tensor x, StringRef mode, ArrayRef<int64_t> begins,
                          ArrayRef<int64_t> shape) {
  for (int64_t dim = 0; dim < x.rank(); ++dim) {
    int64_t size = x.shape()[dim];
    if (begins[dim] == 0 && shape[dim] == size)
      continue;
    SmallVector<int64_t> padded(x.shape()), offsets(x.rank(), 0), ones(x.rank(), 1);
    padded[dim] = shape[dim];
    Tensor result = {emit.empty(padded, x.element), x.element};
    for (int64_t i = 0; i < shape[dim];) {
      int64_t source = padSource(mode, i - begins[dim], size), run = 1;
      while (i + run < shape[dim] &&
             padSource(mode, i + run - begins[dim], size) == source + run)
        ++run;
      SmallVector<int64_t> from(x.rank(), 0), sizes(x.shape());
      from[dim] = source;
      sizes[dim] = run;
      offsets[dim] = i;
      result = emit.insert(emit.slice(x, from, sizes, ones), result, offsets);
      i += run;
    }
    x = result;
  }
  return x;
}

static Results lowerPad(PadOp op, Emit &emit) {
  std::optional<SmallVector<int64_t>> begins = getPadBegins(op);
  if (!begins)
    return emit.refuse("its pads depend on the data; they must be constant");
  Tensor x = emit.tensor(op.getData());
  SmallVector<int64_t> shape(shapeOf(op.getOutput()));
  if (op.getMode() != "constant")
    return SmallVector<Value>{padByCopies(emit, x, op.getMode(), *begins, shape).value};
  SmallVector<int64_t> from, to, sizes, ones(x.rank(), 1);
  for (auto [begin, in, out] : llvm::zip(*begins, x.shape(), shape)) {
    from.push_back(std::max<int64_t>(-begin, 0));
    to.push_back(std::max<int64_t>(begin, 0));
    sizes.push_back(std::min(in - from.back(), out - to.back()));
  }
  Tensor filled;
  if (isAbsent(op.getConstantValue())) {
    filled = emit.fill(shape, x.element, 0);
  } else {
    Tensor value = emit.tensor(op.getConstantValue());
    filled = emit.broadcast(emit.reshape(value, {}), shape);
  }
  if (llvm::any_of(sizes, [](int64_t size) { return size <= 0; }))
    return SmallVector<Value>{filled.value};
  return SmallVector<Value>{
      emit.insert(emit.slice(x, from, sizes, ones), filled, to).value};
}

static Results lowerTrilu(TriluOp op, Emit &emit) {
  int64_t k = 0;
  if (!isAbsent(op.getK())) {
    auto given = getConstantInts(op.getK());
    if (!given || given->size() != 1)
      return emit.refuse("its diagonal 'k' depends on the data; it must be constant");
    k = given->front();
  }
  Tensor x = emit.tensor(op.getInput());
  int64_t rank = x.rank();
  Tensor y = emit.map(x.shape(), x.element, {x}, [&](Scalars &s, ValueRange v) {
    Value distance = s.sub(s.index(rank - 1), s.index(rank - 2));
    Value limit = s.constant(distance, k);
    Value keeps =
        op.getUpper() ? s.lessOrEqual(limit, distance) : s.lessOrEqual(distance, limit);
    return s.select(keeps, v[0], s.constant(v[0], 0));
  });
  return SmallVector<Value>{y.value};
}

static Results lowerShape(ShapeOp op, Emit &emit) {
  ArrayRef<int64_t> shape = shapeOf(op.getData());
  int64_t rank = shape.size();
  SliceRange range = resolveSlice(rank, op.getStart(), rank, {}, {})->front();
  auto type = typeOf(op.getShape());
  auto value =
      DenseElementsAttr::get(type, shape.slice(range.start, type.getNumElements()));
  return SmallVector<Value>{emit.constant(value).value};
}

static Results lowerSize(SizeOp op, Emit &emit) {
  int64_t count = typeOf(op.getData()).getNumElements();
  auto value = DenseElementsAttr::get(typeOf(op.getSize()), count);
  return SmallVector<Value>{emit.constant(value).value};
}

static Results lowerRange(RangeOp op, Emit &emit) {
  Tensor start = emit.tensor(op.getStart()), delta = emit.tensor(op.getDelta());
  RankedTensorType type = typeOf(op.getOutput());
  Tensor y =
      emit.map(type.getShape(), type.getElementType(), {start, delta},
               [](Scalars &s, ValueRange v) {
                 Value i =
                     arith::IndexCastOp::create(s.b, s.loc, s.b.getI64Type(), s.index(0));
                 return s.add(v[0], s.mul(s.convert(i, v[0].getType(), false), v[1]));
               });
  return SmallVector<Value>{y.value};
}

static Results lowerConstantOfShape(ConstantOfShapeOp op, Emit &emit) {
  RankedTensorType type = typeOf(op.getOutput());
  if (!op.getValue())
    return SmallVector<Value>{emit.fill(type.getShape(), type.getElementType(), 0).value};
  Tensor value = emit.reshape(emit.constant(*op.getValue()), {});
  return SmallVector<Value>{emit.broadcast(value, type.getShape()).value};
}

void weir::onnx::addShapeLowerings(Lowerings &lowerings) {
  lowerings.add<ReshapeOp>(lowerReshape<ReshapeOp>);
  lowerings.add<SqueezeOp>(lowerReshape<SqueezeOp>);
  lowerings.add<UnsqueezeOp>(lowerReshape<UnsqueezeOp>);
  lowerings.add<FlattenOp>(lowerReshape<FlattenOp>);
  lowerings.add<TransposeOp>(lowerTranspose);
  lowerings.add<ExpandOp>(lowerExpand);
  lowerings.add<TileOp>(lowerTile);
  lowerings.add<ConcatOp>(lowerConcat);
  lowerings.add<SplitOp>(lowerSplit);
  lowerings.add<SliceOp>(lowerSlice);
  lowerings.add<PadOp>(lowerPad);
  lowerings.add<TriluOp>(lowerTrilu);
  lowerings.add<ShapeOp>(lowerShape);
  lowerings.add<SizeOp>(lowerSize);
  lowerings.add<RangeOp>(lowerRange);
  lowerings.add<ConstantOfShapeOp>(lowerConstantOfShape);
}
