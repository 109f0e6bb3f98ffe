//===- Moves.cpp - Rearrangements that other operators spell out ----------===//

#include "Expansion.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// [B, C, H, W] to [B, C / b^2, H b, W b].
static Results expandDepthToSpace(Expansion &x) {
  int64_t b = x.getInt("blocksize", 0);
  if (failed(x.wantRank(0, "input", 4)))
    return failure();
  ArrayRef<int64_t> s = x.shape(0);
  if (b <= 0 || b > s[1] || s[1] % (b * b) != 0)
    return x.refuse("blocks of {0} do not divide {1} channels", b, s[1]);
  int64_t depth = s[1] / (b * b);
  bool isDepthFirst = x.getString("mode", "DCR") == "DCR";
  Shape split = isDepthFirst ? Shape{s[0], b, b, depth, s[2], s[3]}
                             : Shape{s[0], depth, b, b, s[2], s[3]};
  Shape perm = isDepthFirst ? Shape{0, 3, 4, 1, 5, 2} : Shape{0, 1, 4, 2, 5, 3};
  Value moved = x.transpose(x.reshape(x[0], split), perm);
  return one(x.reshape(moved, {s[0], depth, s[2] * b, s[3] * b}));
}

/// [B, C, H, W] to [B, C b^2, H / b, W / b].
static Results expandSpaceToDepth(Expansion &x) {
  int64_t b = x.getInt("blocksize", 0);
  if (failed(x.wantRank(0, "input", 4)))
    return failure();
  ArrayRef<int64_t> s = x.shape(0);
  if (b <= 0 || s[2] % b != 0 || s[3] % b != 0)
    return x.refuse("blocks of {0} do not divide {1}x{2} positions", b, s[2], s[3]);
  bool isDepthFirst = x.getString("mode", "DCR") == "DCR";
  Value split = x.reshape(x[0], {s[0], s[1], s[2] / b, b, s[3] / b, b});
  Value moved = x.transpose(split, isDepthFirst ? Shape{0, 3, 5, 1, 2, 4}
                                                : Shape{0, 1, 3, 5, 2, 4});
  return one(x.reshape(moved, {s[0], s[1] * b * b, s[2] / b, s[3] / b}));
}

/// Along a new dimension `axis`, on at the index and off elsewhere: (indices, depth,
/// values)
static Results expandOneHot(Expansion &x) {
  std::optional<HostTensor> depth = x.constantOf(1);
  if (!depth || depth->getNumElements() != 1 || !(depth->getFloat(0) >= 1) ||
      depth->getFloat(0) > maxMadeElements)
    return x.refuse("its depth is no constant from 1 to {0}", maxMadeElements);
  int64_t rank = x.shape(0).size() + 1;
  auto size = static_cast<int64_t>(depth->getFloat(0));
  std::optional<int64_t> axis = normalizeAxis(x.getInt("axis", -1), rank);
  if (!axis || Shape(x.shape(2)) != Shape{2})
    return x.refuse("wants a new dimension of rank {0} and two values", rank);
  Shape shape(x.shape(0));
  shape.insert(shape.begin() + *axis, 1);
  Value index = x.reshape(x[0], shape);
  // An index counts from either end.
  Value places = x.positions(size, *axis, rank, x.element());
  Value fromEnd = x.sub(places, x.scalar(size, x.element()));
  Value isHere =
      x.make<OrOp>(x.make<EqualOp>(index, places), x.make<EqualOp>(index, fromEnd));
  Value off = x.reshape(x.slice(x[2], 0, 0, 1), {});
  Value on = x.reshape(x.slice(x[2], 0, 1, 2), {});
  return one(x.make<WhereOp>(isHere, on, off));
}

/// Ones on diagonal `k` of a matrix of the operand's shape.
static Results expandEyeLike(Expansion &x) {
  if (failed(x.wantRank(0, "input", 2)))
    return failure();
  ArrayRef<int64_t> shape = x.shape(0);
  Type element = x.element();
  if (auto stated = dyn_cast_or_null<TypeAttr>(x.getAttr("dtype")))
    element = stated.getValue();
  if (!element.isIntOrFloat() || *countElements(shape) > maxMadeElements)
    return x.refuse("is too large, or of elements that are no numbers");
  std::vector<double> values(*countElements(shape), 0);
  // Beyond the shape every diagonal is empty.
  int64_t k = std::clamp<int64_t>(x.getInt("k", 0), -shape[0], shape[1]);
  for (int64_t i = 0; i < shape[0]; ++i)
    if (int64_t j = i + k; j >= 0 && j < shape[1])
      values[i * shape[1] + j] = 1;
  return one(x.numbers(values, shape, element));
}

/// The older name: (data, indices, updates)
static Results expandScatter(Expansion &x) {
  return one(x.make<ScatterElementsOp>(x[0], x[1], x[2], x.getInt("axis", 0), "none"));
}

//===----------------------------------------------------------------------===//
// Selections whose size depends on data: of constants only
//===----------------------------------------------------------------------===//

static constexpr StringLiteral onConstants =
    "its result's size depends on data; export the model with fixed shapes and masks";

/// The indices of all elements that are not 0, one row a dimension.
static Results expandNonZero(Expansion &x) {
  std::optional<HostTensor> tensor = x.constantOf(0);
  if (!tensor)
    return x.refuseWithHelp(onConstants, "selects by values that are computed");
  Shape strides = rowMajorStrides(x.shape(0));
  std::vector<int64_t> places;
  for (int64_t i = 0, e = tensor->getNumElements(); i < e; ++i)
    if (tensor->getFloat(i) != 0)
      places.push_back(i);
  std::vector<double> rows;
  for (auto [stride, size] : llvm::zip_equal(strides, x.shape(0)))
    for (int64_t place : places)
      rows.push_back(place / stride % size);
  Shape shape{static_cast<int64_t>(strides.size()), static_cast<int64_t>(places.size())};
  return one(x.numbers(rows, shape, getElementType(x.ints({0}))));
}

/// The entries of `axis` (of all elements without one) where the condition holds:
/// (data, condition)
static Results expandCompress(Expansion &x) {
  std::optional<HostTensor> keep = x.constantOf(1);
  if (!keep)
    return x.refuseWithHelp(onConstants, "selects by a condition that is computed");
  Value data = x[0];
  int64_t at = 0;
  if (!x.hasAttr("axis")) {
    data = x.reshape(data, {*countElements(x.shape(0))});
  } else {
    std::optional<int64_t> axis = normalizeAxis(x.getInt("axis", 0), x.shape(0).size());
    if (!axis)
      return x.refuse("axis {0} is outside a tensor of rank {1}", x.getInt("axis", 0),
                      x.shape(0).size());
    at = *axis;
  }
  if (!data)
    return failure();
  Shape kept;
  int64_t size = (*getStaticShape(data))[at];
  for (int64_t i = 0, e = std::min(keep->getNumElements(), size); i < e; ++i)
    if (keep->getFloat(i) != 0)
      kept.push_back(i);
  return one(x.make<GatherOp>(data, x.ints(kept), at));
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

/// The axes of a reduction: an operand since opset 18, an attribute before.
static FailureOr<Value> axesOf(Expansion &x) {
  if (x.has(1))
    return x[1];
  std::optional<Shape> axes = x.getIntArray("axes");
  return axes ? x.ints(*axes) : x.none();
}

/// log sum x
static Results expandReduceLogSum(Expansion &x) {
  FailureOr<Value> axes = axesOf(x);
  Value sum = x.make<ReduceSumOp>(x[0], *axes, x.getInt("keepdims", 1),
                                  x.getInt("noop_with_empty_axes", 0));
  return one(x.make<LogOp>(sum));
}

/// The mean of all operands.
static Results expandMean(Expansion &x) {
  SmallVector<Value> operands;
  for (unsigned i = 0; x.has(i); ++i)
    operands.push_back(x[i]);
  Value sum = x.make<SumOp>(operands);
  return one(x.div(sum, x.scalar(operands.size(), x.element())));
}

/// Swish(a) b
static Results expandSwiGlu(Expansion &x) {
  Value gate = x.make<SwishOp>(x[0], APFloat(float(x.getFloat("alpha", 1))));
  return one(x.mul(gate, x[1]));
}

ArrayRef<ExpandedOperator> weir::onnx::expandedMoves() {
  constexpr unsigned any = std::numeric_limits<unsigned>::max();
  static const ExpandedOperator rows[] = {
      {"", "Compress", 2, 2, 1, expandCompress},
      {"", "DepthToSpace", 1, 1, 1, expandDepthToSpace},
      {"", "EyeLike", 1, 1, 1, expandEyeLike},
      {"", "Mean", 1, any, 1, expandMean},
      {"", "NonZero", 1, 1, 1, expandNonZero, {anIndex}},
      {"", "OneHot", 3, 3, 1, expandOneHot, {2}},
      {"", "ReduceLogSum", 1, 2, 1, expandReduceLogSum},
      {"", "Scatter", 3, 3, 1, expandScatter},
      {"", "SpaceToDepth", 1, 1, 1, expandSpaceToDepth},
      {"", "SwiGLU", 2, 2, 1, expandSwiGlu},
  };
  return rows;
}
