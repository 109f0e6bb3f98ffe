//===- ProjectedHeads.cpp - Rows projected, and cut into heads ------------===//

#include "ProjectedHeads.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/HostTensor.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

namespace {
/// What a dimension that is not 1 runs over.
enum class Part { Rows, Columns, Head, Feature };

/// The dimensions of a view, of those of size 1 nothing.
class Dims {
public:
  Dims(int64_t rows, int64_t columns, size_t rank)
      : parts(rank), numRows(rows), numColumns(columns) {
    parts[rank - 2] = Part::Rows;
    parts[rank - 1] = Part::Columns;
  }
  LogicalResult reshape(ArrayRef<int64_t> shape);
  LogicalResult transpose(std::optional<ArrayAttr> perm);
  /// The heads; fails where the view does not end in rows and features of a head.
  LogicalResult read(ProjectedHeads &heads) const;

private:
  std::optional<Part> fromEnd(size_t distance) const {
    return parts.size() < distance ? std::nullopt : parts[parts.size() - distance];
  }
  int64_t sizeOf(Part part) const {
    switch (part) {
    case Part::Rows:
      return numRows;
    case Part::Columns:
      return numColumns;
    case Part::Head:
      return numHeads;
    case Part::Feature:
      return numColumns / numHeads;
    }
    llvm_unreachable("unknown part");
  }

  SmallVector<std::optional<Part>> parts;
  int64_t numRows, numColumns, numHeads = 1;
};
} // namespace

/// Dimensions of size 1 come and go; columns are cut in two; the rest stays.
LogicalResult Dims::reshape(ArrayRef<int64_t> shape) {
  SmallVector<Part> before;
  for (std::optional<Part> part : parts)
    if (part)
      before.push_back(*part);
  SmallVector<std::optional<Part>> after(shape.size());
  size_t next = 0;
  for (size_t dim = 0; dim < shape.size(); ++dim) {
    if (shape[dim] == 1)
      continue;
    if (next == before.size())
      return failure();
    Part part = before[next++];
    if (sizeOf(part) == shape[dim]) {
      after[dim] = part;
      continue;
    }
    size_t rest = dim + 1;
    while (rest < shape.size() && shape[rest] == 1)
      ++rest;
    if (part != Part::Columns || rest == shape.size() ||
        shape[dim] * shape[rest] != numColumns)
      return failure();
    numHeads = shape[dim];
    after[dim] = Part::Head;
    after[rest] = Part::Feature;
    dim = rest;
  }
  parts = after;
  return success(next == before.size());
}

LogicalResult Dims::transpose(std::optional<ArrayAttr> perm) {
  if (!perm)
    return failure();
  SmallVector<std::optional<Part>> moved;
  for (Attribute from : *perm)
    moved.push_back(parts[cast<IntegerAttr>(from).getInt()]);
  parts = moved;
  return success();
}

LogicalResult Dims::read(ProjectedHeads &heads) const {
  Part feature = numHeads == 1 ? Part::Columns : Part::Feature;
  heads.tokensLast = fromEnd(1) == Part::Rows && fromEnd(2) == feature;
  if (!heads.tokensLast && !(fromEnd(1) == feature && fromEnd(2) == Part::Rows))
    return failure();
  heads.numHeads = numHeads;
  heads.features = numColumns / numHeads;
  return success();
}

/// What a bias adds to, where `add` adds one number a column.
static Value matchBias(AddOp add, Value &bias) {
  auto type = cast<RankedTensorType>(add.getResult().getType());
  for (unsigned i : {0u, 1u}) {
    Value data = add->getOperand(1 - i), other = add->getOperand(i);
    auto small = dyn_cast<RankedTensorType>(other.getType());
    if (!small || small.getRank() == 0 || data.getType() != type ||
        !getConstantElements(other) ||
        small.getShape().back() != type.getShape().back() ||
        small.getNumElements() != small.getShape().back())
      continue;
    bias = other;
    return data;
  }
  return nullptr;
}

std::optional<ProjectedHeads> ProjectedHeads::match(Value value) {
  SmallVector<Operation *> views;
  while (value.hasOneUse() &&
         isa_and_nonnull<ReshapeOp, TransposeOp>(value.getDefiningOp())) {
    views.push_back(value.getDefiningOp());
    value = value.getDefiningOp()->getOperand(0);
  }
  ProjectedHeads heads;
  if (auto add = value.getDefiningOp<AddOp>(); add && value.hasOneUse())
    value = matchBias(add, heads.bias);
  auto product = value ? value.getDefiningOp<MatMulOp>() : MatMulOp();
  if (!product || !value.hasOneUse())
    return std::nullopt;
  heads.source = product.getA();
  heads.weights = product.getB();
  auto type = dyn_cast<RankedTensorType>(value.getType());
  auto weights = dyn_cast<RankedTensorType>(heads.weights.getType());
  if (!type || !type.hasStaticShape() || type.getRank() < 2 || !weights ||
      weights.getRank() != 2 || !getConstantElements(heads.weights))
    return std::nullopt;
  ArrayRef<int64_t> shape = type.getShape();
  heads.rows = shape.drop_back().back();
  heads.inputs = weights.getShape().front();
  if (heads.rows == 1 || shape.back() == 1 ||
      type.getNumElements() != heads.rows * shape.back())
    return std::nullopt;
  Dims dims(heads.rows, shape.back(), shape.size());
  for (Operation *view : llvm::reverse(views)) {
    auto result = dyn_cast<RankedTensorType>(view->getResult(0).getType());
    auto transpose = dyn_cast<TransposeOp>(view);
    if (!result || !result.hasStaticShape() ||
        failed(transpose ? dims.transpose(transpose.getPerm())
                         : dims.reshape(result.getShape())))
      return std::nullopt;
  }
  if (failed(dims.read(heads)))
    return std::nullopt;
  return heads;
}
