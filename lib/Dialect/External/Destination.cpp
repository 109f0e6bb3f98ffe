//===- Destination.cpp - Tensors that ops write into ----------------------===//
// Of a destination in the type of the whole window only what it holds at first matters:
// nothing, or one constant in all elements. So one of fewer rows is made anew.

#include "TokenFlow.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace weir;

/// The constant that all elements of `value` are, if there is one.
static TypedAttr getFilling(Value value) {
  Attribute attribute;
  if (auto fill = value.getDefiningOp<linalg::FillOp>()) {
    matchPattern(fill.getInputs().front(), m_Constant(&attribute));
    return dyn_cast_or_null<TypedAttr>(attribute);
  }
  if (auto splat = value.getDefiningOp<tensor::SplatOp>()) {
    matchPattern(splat.getInput(), m_Constant(&attribute));
    return dyn_cast_or_null<TypedAttr>(attribute);
  }
  matchPattern(value, m_Constant(&attribute));
  auto dense = dyn_cast_or_null<SplatElementsAttr>(attribute);
  return dense ? dense.getSplatValue<TypedAttr>() : nullptr;
}

bool external::isFreshDestination(Value value) {
  return value.getDefiningOp<tensor::EmptyOp>() || getFilling(value);
}

Value external::makeDestination(OpBuilder &builder, Value value, RankedTensorType type) {
  Location loc = value.getLoc();
  Value empty =
      tensor::EmptyOp::create(builder, loc, type.getShape(), type.getElementType());
  TypedAttr filling = getFilling(value);
  if (!filling)
    return empty;
  Value scalar = arith::ConstantOp::create(builder, loc, filling);
  return linalg::FillOp::create(builder, loc, ValueRange{scalar}, ValueRange{empty})
      .getResult(0);
}
