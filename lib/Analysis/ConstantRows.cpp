//===- ConstantRows.cpp - Rows of constants along token axes --------------===//

#include "weir/Analysis/TokenFlow.h"
#include "weir/Support/HostTensor.h"
#include <cstring>
#include <numeric>

using namespace mlir;
using namespace weir;

/// Copies `positions` of the rows of `axis`; rows are counted in the tensor as it is.
static HostTensor takeRows(const HostTensor &source, const TokenAxis &axis,
                           ArrayRef<int64_t> positions, int64_t numRows) {
  ArrayRef<int64_t> shape = source.getShape();
  SmallVector<int64_t> resultShape(shape);
  resultShape[axis.dim] = shape[axis.dim] / numRows * positions.size();
  HostTensor result(source.getType().clone(resultShape));
  int64_t later = source.getElementBytes() * axis.inner;
  for (int64_t size : shape.drop_front(axis.dim + 1))
    later *= size;
  int64_t outer = shape[axis.dim] / (numRows * axis.inner);
  for (int64_t size : shape.take_front(axis.dim))
    outer *= size;
  char *to = result.getMutableBytes().data();
  const char *from = source.getBytes().data();
  for (int64_t o = 0; o < outer; ++o, from += numRows * later)
    for (int64_t position : positions) {
      std::memcpy(to, from + position * later, later);
      to += later;
    }
  return result;
}

/// Rows that stay in place or can be compared with a later one, and that later one.
static std::pair<SmallVector<int64_t>, SmallVector<int64_t>>
movedRows(const TokenAxis &axis) {
  SmallVector<int64_t> from, to;
  for (int64_t row = 0; row < axis.numRows(); ++row) {
    int64_t moved = axis.isToken(row) ? row + axis.chunk : row;
    if (axis.isToken(row) && !axis.isToken(moved))
      continue;
    from.push_back(row);
    to.push_back(moved);
  }
  return {from, to};
}

bool weir::slidesBitwise(ElementsAttr constant, ArrayRef<TokenAxis> axes) {
  if (axes.empty() || (isa<DenseElementsAttr>(constant) && constant.isSplat()))
    return true;
  FailureOr<HostTensor> tensor = HostTensor::get(constant);
  if (failed(tensor))
    return false;
  HostTensor here = *tensor, there = *tensor;
  for (const TokenAxis &axis : axes) {
    auto [from, to] = movedRows(axis);
    here = takeRows(here, axis, from, axis.numRows());
    there = takeRows(there, axis, to, axis.numRows());
  }
  return here.getBytes() == there.getBytes();
}

bool weir::isUniform(ElementsAttr constant, const TokenAxis &axis) {
  if (isa<DenseElementsAttr>(constant) && constant.isSplat())
    return true;
  TokenAxis single = axis;
  single.chunk = 1;
  return slidesBitwise(constant, single);
}

ElementsAttr weir::selectRows(ElementsAttr constant, const TokenAxis &axis,
                              ArrayRef<int64_t> positions) {
  auto type = cast<RankedTensorType>(constant.getType());
  if (auto dense = dyn_cast<DenseElementsAttr>(constant); dense && dense.isSplat()) {
    SmallVector<int64_t> shape(type.getShape());
    shape[axis.dim] = restrictedSize(shape[axis.dim], axis, Rows::list(positions));
    return dense.resizeSplat(type.clone(shape));
  }
  FailureOr<HostTensor> tensor = HostTensor::get(constant);
  if (failed(tensor))
    return nullptr;
  return takeRows(*tensor, axis, positions, axis.numRows()).toAttr("rows");
}
