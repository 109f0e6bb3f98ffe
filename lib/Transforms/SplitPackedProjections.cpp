//===- SplitPackedProjections.cpp - One product a slice -------------------===//
// Slice(views(Add(MatMul(x, W), b)))  ==>  views(Add(MatMul(x, W'), b'))
// where W' and b' are the columns that the slice keeps. Legal when all that becomes of
// the product are slices that do not overlap: then no column is computed twice. Done
// otherwise, it would double the projections of rotary embeddings.

#include "EraseDeadOps.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/Remarks.h"
#include "weir/Transforms/Passes.h"

namespace weir {
#define GEN_PASS_DEF_SPLITPACKEDPROJECTIONS
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;
using namespace weir::onnx;

namespace {
/// Where the sliced positions stand in a value: dimension `dim` is [outer, extent,
/// inner]. Example: q, k, v of [T, B, 3, D] stand in dimension 2 with inner 1; of the [T,
/// B, 3D] that it is a view of, in dimension 2 with inner D.
struct Position {
  int64_t dim, inner;
};

/// An op between product and slices, and where its result holds the positions.
struct Link {
  Operation *op;
  Position position;
};

struct Range {
  int64_t start, end;
};
} // namespace

/// Axis and positions of a slice in canonical spelling, of step 1.
static std::optional<std::pair<int64_t, Range>> rangeOf(SliceOp slice) {
  auto start = getConstantInts(slice.getStarts()), end = getConstantInts(slice.getEnds());
  auto axis = getConstantInts(slice.getAxes());
  if (!start || !end || !axis || start->size() != 1 || axis->size() != 1 ||
      !isNone(slice.getSteps()) || !getStaticShape(slice.getData()))
    return std::nullopt;
  auto ranges = resolveSlice(*getStaticShape(slice.getData()), *start, *end, *axis, {});
  int64_t dim = *normalizeAxis(axis->front(), getStaticShape(slice.getData())->size());
  const SliceRange &range = (*ranges)[dim];
  return std::pair(dim, Range{range.start, range.start + range.size});
}

/// The operand that carries the data of an op with one constant operand or none.
static OpOperand *dataOperand(Operation *op) {
  if (isa<ReshapeOp, TransposeOp>(op))
    return &op->getOpOperand(0);
  if (!isa<AddOp, SubOp, MulOp, DivOp>(op))
    return nullptr;
  bool firstIsConstant = bool(getConstantElements(op->getOperand(0)));
  bool secondIsConstant = bool(getConstantElements(op->getOperand(1)));
  if (firstIsConstant == secondIsConstant)
    return nullptr;
  return &op->getOpOperand(firstIsConstant);
}

/// Where the operand of `op` holds what its result holds at `position`; nullopt where the
/// operand's dimensions cut through it.
static std::optional<Position> follow(Operation *op, Position position, int64_t extent) {
  OpOperand *data = dataOperand(op);
  ArrayRef<int64_t> out = *getStaticShape(op->getResult(0)),
                    in = *getStaticShape(data->get());
  if (auto transpose = dyn_cast<TransposeOp>(op))
    return Position{getInts(transpose.getPermAttr())[position.dim], position.inner};
  if (!isa<ReshapeOp>(op))
    return in == out ? std::optional(position) : std::nullopt;
  int64_t stride = position.inner * rowMajorStrides(out)[position.dim], suffix = 1;
  for (int64_t dim = in.size() - 1; dim >= 0; suffix *= in[dim--]) {
    if (in[dim] == 1 || stride % suffix != 0 || suffix * in[dim] <= stride)
      continue;
    if (suffix * in[dim] % (stride * extent) != 0)
      return std::nullopt;
    return Position{dim, stride / suffix};
  }
  return std::nullopt;
}

/// From `value` up to the MatMul with constant weights whose columns the positions are;
/// empty when there is none. The product comes last.
static SmallVector<Link> chainToProduct(Value value, Position position, int64_t extent) {
  SmallVector<Link> chain;
  for (Operation *op = value.getDefiningOp(); op; op = value.getDefiningOp()) {
    if (!chain.empty() && !value.hasOneUse())
      return {};
    if (auto product = dyn_cast<MatMulOp>(op)) {
      auto shape = getStaticShape(product.getY()),
           weights = getStaticShape(product.getB());
      bool isColumns = shape && weights && weights->size() >= 2 &&
                       position.dim == static_cast<int64_t>(shape->size()) - 1;
      if (!isColumns || !getConstantElements(product.getB()) ||
          getConstantElements(product.getA()))
        return {};
      chain.push_back({op, position});
      return chain;
    }
    OpOperand *data = dataOperand(op);
    if (!data || !getStaticShape(data->get()) || !getStaticShape(op->getResult(0)))
      return {};
    std::optional<Position> before = follow(op, position, extent);
    if (!before)
      return {};
    chain.push_back({op, position});
    position = *before;
    value = data->get();
  }
  return {};
}

/// The rows of a constant at `position` that `range` keeps, of `extent`.
static Value takeRange(OnnxBuilder &make, Value constant, Position position,
                       int64_t extent, Range range) {
  Shape shape(*getStaticShape(constant)), split(shape);
  int64_t outer = shape[position.dim] / (extent * position.inner);
  split[position.dim] = outer;
  split.insert(split.begin() + position.dim + 1, {extent, position.inner});
  shape[position.dim] = shape[position.dim] / extent * (range.end - range.start);
  Value parts = make.reshape(constant, split);
  parts = make.slice(parts, position.dim + 1, range.start, range.end);
  return make.reshape(parts, shape);
}

/// Makes the op of `link` anew on `data`, which holds only the positions of `range`.
static Value rebuild(OpBuilder &builder, const Link &link, Value data, int64_t extent,
                     Range range) {
  Operation *op = link.op;
  OnnxBuilder make(builder, op->getLoc());
  if (auto product = dyn_cast<MatMulOp>(op)) {
    int64_t column = getStaticShape(product.getB())->size() - 1;
    Value weights =
        takeRange(make, product.getB(), {column, link.position.inner}, extent, range);
    return make.matMul(product.getA(), weights);
  }
  if (auto transpose = dyn_cast<TransposeOp>(op))
    return make.transpose(data, getInts(transpose.getPermAttr()));
  Shape shape(*getStaticShape(op->getResult(0)));
  shape[link.position.dim] =
      shape[link.position.dim] / extent * (range.end - range.start);
  if (isa<ReshapeOp>(op))
    return make.reshape(data, shape);
  unsigned other = 1 - dataOperand(op)->getOperandNumber();
  Value constant = op->getOperand(other);
  ArrayRef<int64_t> own = *getStaticShape(constant);
  int64_t dim = link.position.dim - static_cast<int64_t>(shape.size() - own.size());
  if (dim >= 0 && own[dim] != 1)
    constant = takeRange(make, constant, {dim, link.position.inner}, extent, range);
  IRMapping mapping;
  mapping.map(op->getOperand(1 - other), data);
  mapping.map(op->getOperand(other), constant);
  Operation *copy = builder.clone(*op, mapping);
  copy->getResult(0).setType(RankedTensorType::get(shape, getElementType(data)));
  return copy->getResult(0);
}

/// The slices that are all the uses of `value`, along one axis and apart from each other.
static FailureOr<SmallVector<std::pair<SliceOp, Range>>> disjointSlices(Value value,
                                                                        int64_t axis) {
  SmallVector<std::pair<SliceOp, Range>> slices;
  for (Operation *user : value.getUsers()) {
    auto slice = dyn_cast<SliceOp>(user);
    auto range = slice && slice.getData() == value ? rangeOf(slice) : std::nullopt;
    if (!range || range->first != axis)
      return failure();
    slices.push_back({slice, range->second});
  }
  llvm::sort(slices, [](auto &a, auto &b) { return a.second.start < b.second.start; });
  for (auto [a, b] : llvm::zip(slices, ArrayRef(slices).drop_front()))
    if (a.second.end > b.second.start)
      return failure();
  return slices;
}

static LogicalResult splitProduct(SliceOp slice) {
  auto range = rangeOf(slice);
  if (!range)
    return failure();
  Value value = slice.getData();
  int64_t axis = range->first, extent = (*getStaticShape(value))[axis];
  SmallVector<Link> chain = chainToProduct(value, {axis, 1}, extent);
  if (chain.empty())
    return failure();
  auto slices = disjointSlices(value, axis);
  if (failed(slices))
    return missed(slice, "keeps the packed product: not all its uses are slices apart");
  for (auto &[part, kept] : *slices) {
    OpBuilder builder(part);
    Value data;
    for (const Link &link : llvm::reverse(chain))
      data = rebuild(builder, link, data, extent, kept);
    part.replaceAllUsesWith(data); // dead now, and removed with its product
  }
  return success();
}

namespace {
struct SplitPackedProjections
    : weir::impl::SplitPackedProjectionsBase<SplitPackedProjections> {
  using SplitPackedProjectionsBase::SplitPackedProjectionsBase;
  void runOnOperation() override {
    llvm::SetVector<Value> sliced;
    getOperation().walk([&](SliceOp slice) { sliced.insert(slice.getData()); });
    for (Value value : sliced)
      for (Operation *user : llvm::to_vector(value.getUsers()))
        if (auto slice = dyn_cast<SliceOp>(user)) {
          (void)splitProduct(slice);
          break; // its siblings share its fate
        }
    for (Block &block : getOperation().getBody())
      eraseDeadOps(block);
  }
};
} // namespace
