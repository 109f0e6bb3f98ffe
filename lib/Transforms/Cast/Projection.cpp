//===- Projection.cpp - From an attention back to what it projects --------===//

#include "Projection.h"
#include "weir/Dialect/Onnx/Geometry.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/TensorTypes.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;
using namespace weir::cast_attention;

/// Joins neighbours that are one part.
static void appendPart(DimParts &parts, DimPart part) {
  if (part.size == 1)
    return;
  if (!parts.empty() && parts.back().dim == part.dim &&
      parts.back().stride == part.stride * part.size) {
    parts.back().stride = part.stride;
    parts.back().size *= part.size;
    return;
  }
  parts.push_back(part);
}

/// Deals the parts, in their order, out to dimensions of the sizes of `shape`.
static FailureOr<SmallVector<DimParts>> regroup(ArrayRef<DimParts> from,
                                                ArrayRef<int64_t> shape) {
  SmallVector<DimPart> rest;
  for (const DimParts &parts : llvm::reverse(from))
    rest.append(parts.rbegin(), parts.rend());
  SmallVector<DimParts> groups;
  for (int64_t size : shape) {
    DimParts &group = groups.emplace_back();
    while (size > 1) {
      if (rest.empty())
        return failure();
      DimPart part = rest.pop_back_val();
      if (size % part.size != 0) { // its front goes here, what is below to the next
        if (part.size % size != 0)
          return failure();
        rest.push_back({part.dim, part.stride, part.size / size});
        part = {part.dim, part.stride * (part.size / size), size};
      }
      appendPart(group, part);
      size /= part.size;
    }
  }
  return groups;
}

static bool isProduct(Operation *op) {
  return isa<MatMulOp>(op) && !getConstantElements(op->getOperand(0)) &&
         getConstantElements(op->getOperand(1)) &&
         shapeOf(op->getOperand(0)).size() > 1 && shapeOf(op->getOperand(1)).size() == 2;
}

/// The operand whose entries the result has, but for constants that are added to them
/// or multiply them; null for other ops.
static OpOperand *getCarried(Operation *op) {
  if (isa<ReshapeOp, TransposeOp, IdentityOp>(op))
    return &op->getOpOperand(0);
  if (isa<DivOp>(op))
    return getSplatNumber(op->getOperand(1)) ? &op->getOpOperand(0) : nullptr;
  if (!isa<AddOp, SubOp, MulOp>(op))
    return nullptr;
  for (unsigned i : {0, 1}) {
    Value other = op->getOperand(1 - i);
    bool isConstant = isa<MulOp>(op) ? getSplatNumber(other).has_value()
                                     : getConstantElements(other) != nullptr;
    if (isConstant && !(isa<SubOp>(op) && i == 1))
      return &op->getOpOperand(i);
  }
  return nullptr;
}

/// What `op` does to the entries that it carries.
static LogicalResult apply(Operation *op, Projection &projection) {
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    SmallVector<DimParts> moved;
    for (int64_t dim : getInts(transpose.getPermAttr()))
      moved.push_back(projection.parts[dim]);
    projection.parts = std::move(moved);
    return success();
  }
  if (isa<ReshapeOp>(op)) {
    auto groups = regroup(projection.parts, shapeOf(op->getResult(0)));
    if (failed(groups))
      return failure();
    projection.parts = std::move(*groups);
    return success();
  }
  OpOperand *carried = getCarried(op);
  if (shapeOf(carried->get()) != shapeOf(op->getResult(0)))
    return failure();
  if (isa<MulOp>(op))
    projection.factor *= *getSplatNumber(op->getOperand(1 - carried->getOperandNumber()));
  else if (isa<DivOp>(op))
    projection.factor /= *getSplatNumber(op->getOperand(1));
  return success();
}

/// What `path`, from the last op to the first, makes of the entries of `source`.
static FailureOr<Projection> followPath(Value input, Value source,
                                        ArrayRef<Operation *> path) {
  Projection projection;
  projection.input = input;
  projection.shape = Shape(shapeOf(source));
  projection.isProduct = input != source;
  for (auto [dim, size] : llvm::enumerate(projection.shape))
    appendPart(projection.parts.emplace_back(), {static_cast<int64_t>(dim), 1, size});
  for (Operation *step : llvm::reverse(path))
    if (failed(apply(step, projection)))
      return failure();
  if (projection.factor == 0)
    return failure();
  return projection;
}

FailureOr<Projection> cast_attention::findProjection(Value value) {
  SmallVector<Operation *> path;
  Operation *op = value.getDefiningOp();
  while (op && !isProduct(op)) {
    OpOperand *carried = getCarried(op);
    if (!carried)
      return failure();
    path.push_back(op);
    op = carried->get().getDefiningOp();
  }
  if (!op)
    return failure();
  return followPath(op->getOperand(0), op->getResult(0), path);
}

FailureOr<Projection> cast_attention::findTokens(Value value) {
  SmallVector<Operation *> path;
  Value source = value;
  while (Operation *op = source.getDefiningOp()) {
    OpOperand *carried = isa<AddOp, SubOp>(op) ? nullptr : getCarried(op);
    if (!carried)
      break;
    path.push_back(op);
    source = carried->get();
  }
  if (shapeOf(source).size() < 2)
    return failure();
  return followPath(source, source, path);
}

FailureOr<HeadLayout> HeadLayout::get(const Projection &queries, ArrayRef<int64_t> lead) {
  HeadLayout layout;
  layout.lead = Shape(lead);
  int64_t features = queries.shape.size() - 1, rank = queries.parts.size();
  // Of the queries, leading dimensions may be missing in front.
  Shape sizes;
  for (const DimParts &parts : ArrayRef(queries.parts).drop_back(2)) {
    for (const DimPart &part : parts) {
      layout.parts.push_back(part);
      (part.dim == features ? layout.heads : layout.sequences) *= part.size;
    }
    int64_t size = 1;
    for (const DimPart &part : parts)
      size *= part.size;
    sizes.push_back(size);
  }
  layout.tokens = queries.parts[rank - 2];
  DimParts inner = queries.parts[rank - 1];
  if (ArrayRef(sizes) != lead)
    return failure();
  auto isFeature = [&](const DimPart &part) { return part.dim == features; };
  if (llvm::any_of(layout.tokens, isFeature) ||
      llvm::count_if(layout.parts, isFeature) > 1 || inner.size() > 1 ||
      (inner.size() == 1 && (!isFeature(inner[0]) || inner[0].stride != 1)))
    return failure();
  int64_t size = inner.empty() ? 1 : inner[0].size;
  if (layout.heads * size != queries.shape.back())
    return failure();
  auto *head = llvm::find_if(layout.parts, isFeature);
  layout.head = head - layout.parts.begin();
  if (head == layout.parts.end())
    layout.parts.push_back({features, size, 1});
  return layout;
}

/// The places of all parts but the heads', then that one, then rows and columns.
static Shape headsLast(size_t count, size_t head) {
  Shape perm;
  for (size_t i = 0; i < count; ++i)
    if (i != head)
      perm.push_back(i);
  perm.append({static_cast<int64_t>(head), static_cast<int64_t>(count),
               static_cast<int64_t>(count) + 1});
  return perm;
}

bool HeadLayout::isSplit() const {
  return lead.size() == 2 && lead[0] == sequences && lead[1] == heads &&
         head + 1 == parts.size();
}

Value HeadLayout::split(OnnxBuilder &make, Value value) const {
  Shape shape(shapeOf(value)), cut, full(lead);
  Shape inner(ArrayRef(shape).take_back(2));
  ArrayRef<int64_t> own = ArrayRef(shape).drop_back(2);
  if (llvm::all_of(own, [](int64_t size) { return size == 1; }))
    return make.reshape(value, {1, 1, inner[0], inner[1]});
  if (own.size() == 2 && isSplit())
    return value; // [sequences or 1, heads or 1, ..] already
  llvm::append_range(full, inner);
  if (own != ArrayRef(lead))
    value = make.make<ExpandOp>(value, make.ints(full));
  for (const DimPart &part : parts)
    cut.push_back(part.size);
  llvm::append_range(cut, inner);
  value = make.transpose(make.reshape(value, cut), headsLast(parts.size(), head));
  return make.reshape(value, {sequences, heads, inner[0], inner[1]});
}

Value HeadLayout::merge(OnnxBuilder &make, Value value) const {
  if (isSplit())
    return value;
  Shape inner(shapeOf(value).take_back(2)), cut, full(lead);
  Shape perm = headsLast(parts.size(), head), inverse(perm.size());
  for (auto [to, from] : llvm::enumerate(perm))
    inverse[from] = to;
  for (int64_t i : ArrayRef(perm).drop_back(2))
    cut.push_back(parts[i].size);
  llvm::append_range(cut, inner);
  llvm::append_range(full, inner);
  return make.reshape(make.transpose(make.reshape(value, cut), inverse), full);
}

Value HeadLayout::tokensOf(OnnxBuilder &make, Value numbers) const {
  DimParts wanted;
  for (auto [i, part] : llvm::enumerate(parts))
    if (i != head)
      wanted.push_back(part);
  llvm::append_range(wanted, tokens);
  auto order = llvm::to_vector(llvm::seq<int64_t>(0, wanted.size()));
  llvm::sort(order, [&](int64_t a, int64_t b) {
    return std::pair(wanted[a].dim, -wanted[a].stride) <
           std::pair(wanted[b].dim, -wanted[b].stride);
  });
  Shape cut, perm(wanted.size());
  for (auto [from, to] : llvm::enumerate(order)) {
    cut.push_back(wanted[to].size);
    perm[to] = from;
  }
  int64_t count = 1;
  for (const DimPart &part : tokens)
    count *= part.size;
  Value parted = make.transpose(make.reshape(numbers, cut), perm);
  return make.reshape(parted, {sequences, 1, count, 1});
}
