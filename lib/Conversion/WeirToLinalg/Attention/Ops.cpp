//===- Ops.cpp - Small linalg ops of a lowered attention ------------------===//

#include "Attention.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/TensorTypes.h"
#include <numeric>

using namespace mlir;
using namespace weir;
using namespace weir::attention;

Operand::Operand(Value value) : tensor(value) {
  dims.resize(typeOf(value).getRank());
  std::iota(dims.begin(), dims.end(), 0);
  while (auto transpose = tensor.getDefiningOp<onnx::TransposeOp>()) {
    ArrayAttr perm = transpose.getPermAttr();
    for (int64_t &dim : dims)
      dim = perm ? cast<IntegerAttr>(perm[dim]).getInt() : rank() - 1 - dim;
    tensor = transpose.getData();
  }
}

int64_t Operand::size(int64_t dim) const { return typeOf(tensor).getDimSize(dims[dim]); }

Value Ops::fill(Value tensor, double value) {
  return linalg::FillOp::create(b, loc, constant(value), tensor).getResult(0);
}

Value Ops::generic(ValueRange inputs, ArrayRef<AffineMap> maps, Value init,
                   ArrayRef<bool> reduces, Body body) {
  SmallVector<utils::IteratorType> kinds;
  for (bool isReduced : reduces)
    kinds.push_back(isReduced ? utils::IteratorType::reduction
                              : utils::IteratorType::parallel);
  return linalg::GenericOp::create(b, loc, init.getType(), inputs, init, maps, kinds,
                                   [&](OpBuilder &b, Location loc, ValueRange in) {
                                     linalg::YieldOp::create(b, loc, body(b, loc, in));
                                   })
      .getResult(0);
}

Value Ops::addProduct(OpBuilder &b, Location loc, ValueRange in) {
  Value product = arith::MulFOp::create(b, loc, in[0], in[1]);
  return arith::AddFOp::create(b, loc, in[2], product);
}

Value Ops::contract(ValueRange inputs, ArrayRef<AffineMap> maps, Value init,
                    ArrayRef<bool> reduces) {
  return generic(inputs, maps, init, reduces, addProduct);
}

static SmallVector<OpFoldResult> attributes(OpBuilder &b, ArrayRef<int64_t> values) {
  return getAsIndexOpFoldResult(b.getContext(), values);
}

Value Ops::slice(Value tensor, ArrayRef<int64_t> offsets, ArrayRef<int64_t> sizes) {
  if (typeOf(tensor).getShape() == sizes)
    return tensor;
  SmallVector<int64_t> ones(sizes.size(), 1);
  return tensor::ExtractSliceOp::create(b, loc, tensor, attributes(b, offsets),
                                        attributes(b, sizes), attributes(b, ones));
}

Value Ops::insert(Value part, Value tensor, ArrayRef<int64_t> offsets) {
  ArrayRef<int64_t> sizes = typeOf(part).getShape();
  if (typeOf(tensor).getShape() == sizes)
    return part;
  SmallVector<int64_t> ones(sizes.size(), 1);
  return tensor::InsertSliceOp::create(b, loc, part, tensor, attributes(b, offsets),
                                       attributes(b, sizes), attributes(b, ones));
}

static SmallVector<ReassociationIndices> lastTwo() { return {{0}, {1, 2}}; }

Value Ops::splitColumns(Value tensor) {
  ArrayRef<int64_t> shape = typeOf(tensor).getShape();
  auto type = RankedTensorType::get({shape[0], shape[1] / panel, panel}, element);
  return tensor::ExpandShapeOp::create(b, loc, type, tensor, lastTwo());
}

Value Ops::joinColumns(Value tensor) {
  return tensor::CollapseShapeOp::create(b, loc, tensor, lastTwo());
}
