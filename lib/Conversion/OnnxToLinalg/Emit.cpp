//===- Emit.cpp - Build linalg on tensors for one onnx op -----------------===//

#include "Emit.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/HostTensor.h"

using namespace mlir;
using namespace weir::onnx;

Type weir::onnx::computedType(Type element) {
  if (element.isF16() || element.isBF16())
    return Float32Type::get(element.getContext());
  if (element.isUnsignedInteger())
    return storedType(element);
  return element;
}

Type weir::onnx::storedType(Type element) {
  if (element.isInteger(1))
    return IntegerType::get(element.getContext(), 8);
  if (element.isUnsignedInteger() || element.isSignedInteger())
    return IntegerType::get(element.getContext(), element.getIntOrFloatBitWidth());
  return element;
}

bool weir::onnx::detail::hasStaticTypes(Operation *op) {
  auto isStatic = [](Type type) {
    auto tensor = dyn_cast<TensorType>(type);
    return !tensor || tensor.hasStaticShape();
  };
  return llvm::all_of(op->getOperandTypes(), isStatic) &&
         llvm::all_of(op->getResultTypes(), isStatic);
}

AffineMap weir::onnx::broadcastMap(MLIRContext *context, ArrayRef<int64_t> from,
                                   ArrayRef<int64_t> to) {
  SmallVector<AffineExpr> exprs;
  size_t skip = to.size() - from.size();
  for (auto [i, size] : llvm::enumerate(from))
    exprs.push_back(size == 1 && to[skip + i] != 1 ? getAffineConstantExpr(0, context)
                                                   : getAffineDimExpr(skip + i, context));
  return AffineMap::get(to.size(), 0, exprs, context);
}

AffineMap weir::onnx::keepLoops(MLIRContext *context, int64_t rank,
                                ArrayRef<int64_t> loops) {
  SmallVector<AffineExpr> exprs;
  for (int64_t loop : loops)
    exprs.push_back(getAffineDimExpr(loop, context));
  return AffineMap::get(rank, 0, exprs, context);
}

Tensor Emit::tensor(Value original) const {
  return {rw.getRemappedValue(original),
          mlir::cast<TensorType>(original.getType()).getElementType()};
}

LogicalResult Emit::refuse(const Twine &why) const {
  op->setAttr("weir.refused", StringAttr::get(op->getContext(), why));
  return failure();
}

Value Emit::empty(ArrayRef<int64_t> shape, Type element) {
  return tensor::EmptyOp::create(rw, loc, shape, storedType(element));
}

Tensor Emit::fill(ArrayRef<int64_t> shape, Type element, double value) {
  Value scalar = Scalars(rw, loc).constant(storedType(element), value);
  Value init = empty(shape, element);
  return {
      linalg::FillOp::create(rw, loc, ValueRange{scalar}, ValueRange{init}).getResult(0),
      element};
}

Tensor Emit::constant(ElementsAttr value) {
  Type element = value.getElementType();
  auto constant = ConstantOp::create(rw, loc, value);
  return {rw.getRemappedValue(constant), element};
}

/// The scalar that all elements of a constant operand have, if it is one.
static std::optional<TypedAttr> getSplat(Value value) {
  ElementsAttr attr = weir::getConstantElements(value);
  if (!attr || !attr.isSplat() || !attr.getElementType().isIntOrFloat())
    return std::nullopt;
  if (auto dense = dyn_cast<DenseElementsAttr>(attr))
    return dense.getSplatValue<TypedAttr>();
  return std::nullopt;
}

static Value load(Scalars &s, Value stored, Type element) {
  if (element.isInteger(1))
    return s.notEqual(stored, s.constant(stored, 0));
  return s.convert(stored, computedType(element), false);
}

static Value store(Scalars &s, Value computed, Type element) {
  if (element.isInteger(1) && computed.getType().isInteger(1))
    return arith::ExtUIOp::create(s.b, s.loc, storedType(element), computed);
  return s.convert(computed, storedType(element), false);
}

Tensor Emit::generic(Value init, Type element, ArrayRef<Tensor> operands,
                     ArrayRef<AffineMap> maps, AffineMap resultMap,
                     ArrayRef<IteratorKind> kinds, bool accumulate, Body body) {
  SmallVector<Value> inputs;
  SmallVector<AffineMap> allMaps;
  SmallVector<std::optional<TypedAttr>> splats;
  for (auto [operand, map] : llvm::zip(operands, maps)) {
    splats.push_back(accumulate ? std::nullopt : getSplat(operand.value));
    if (splats.back())
      continue;
    inputs.push_back(operand.value);
    allMaps.push_back(map);
  }
  allMaps.push_back(resultMap);
  bool isUnsigned = llvm::any_of(
      operands, [](const Tensor &t) { return t.element.isUnsignedInteger(); });
  auto build = [&](OpBuilder &b, Location at, ValueRange args) {
    Scalars s(b, at, isUnsigned);
    SmallVector<Value> values;
    size_t next = 0;
    for (auto [operand, splat] : llvm::zip(operands, splats)) {
      Value stored =
          splat ? Value(arith::ConstantOp::create(b, at, *splat)) : args[next++];
      values.push_back(load(s, stored, operand.element));
    }
    if (accumulate)
      values.push_back(load(s, args.back(), element));
    linalg::YieldOp::create(b, at, store(s, body(s, values), element));
  };
  auto op = linalg::GenericOp::create(rw, loc, TypeRange{init.getType()}, inputs,
                                      ValueRange{init}, allMaps, kinds, build);
  return {op.getResult(0), element};
}

Tensor Emit::map(ArrayRef<int64_t> shape, Type element, ArrayRef<Tensor> operands,
                 ArrayRef<AffineMap> maps, Body body) {
  SmallVector<IteratorKind> kinds(shape.size(), IteratorKind::parallel);
  AffineMap identity = rw.getMultiDimIdentityMap(shape.size());
  return generic(empty(shape, element), element, operands, maps, identity, kinds,
                 /*accumulate=*/false, body);
}

Tensor Emit::map(ArrayRef<int64_t> shape, Type element, ArrayRef<Tensor> operands,
                 Body body) {
  SmallVector<AffineMap> maps;
  for (const Tensor &operand : operands)
    maps.push_back(broadcastMap(rw.getContext(), operand.shape(), shape));
  return map(shape, element, operands, maps, body);
}

Tensor Emit::reduce(ArrayRef<int64_t> shape, Type element, ArrayRef<Tensor> operands,
                    ArrayRef<AffineMap> maps, AffineMap resultMap,
                    ArrayRef<IteratorKind> kinds, double init, Body body) {
  Value start = fill(shape, element, init).value;
  return generic(start, element, operands, maps, resultMap, kinds, /*accumulate=*/true,
                 body);
}

Tensor Emit::reduce(Tensor x, ArrayRef<int64_t> dims, Type element, double init,
                    Body body) {
  SmallVector<int64_t> kept, shape;
  SmallVector<IteratorKind> kinds;
  for (auto [dim, size] : llvm::enumerate(x.shape())) {
    bool isReduced = llvm::is_contained(dims, static_cast<int64_t>(dim));
    kinds.push_back(isReduced ? IteratorKind::reduction : IteratorKind::parallel);
    if (isReduced)
      continue;
    kept.push_back(dim);
    shape.push_back(size);
  }
  AffineMap identity = rw.getMultiDimIdentityMap(x.rank());
  return reduce(shape, element, {x}, {identity},
                keepLoops(rw.getContext(), x.rank(), kept), kinds, init, body);
}

Tensor Emit::contract(ArrayRef<int64_t> shape, ArrayRef<Tensor> operands,
                      ArrayRef<AffineMap> maps, AffineMap resultMap,
                      ArrayRef<IteratorKind> kinds) {
  Type element = operands.front().element;
  Type computed = computedType(element);
  Type accumulated = isa<FloatType>(computed) ? computed : element;
  Tensor sum = reduce(shape, accumulated, operands, maps, resultMap, kinds, 0,
                      [](Scalars &s, ValueRange v) {
                        Value product = v[0];
                        for (Value factor : v.drop_front().drop_back())
                          product = s.mul(product, factor);
                        return s.add(v.back(), product);
                      });
  return cast(sum, element);
}

Tensor Emit::cast(Tensor x, Type element) {
  if (x.element == element)
    return x;
  return map(x.shape(), element, {x}, [&](Scalars &s, ValueRange v) {
    return s.convert(v[0], computedType(element), element.isUnsignedInteger());
  });
}

Tensor Emit::reshape(Tensor x, ArrayRef<int64_t> shape) {
  auto from = mlir::cast<RankedTensorType>(x.value.getType());
  auto to = RankedTensorType::get(shape, from.getElementType());
  if (from == to)
    return x;
  auto groups = getReassociationIndicesForReshape(from, to);
  if (groups && from.getRank() > to.getRank())
    return {tensor::CollapseShapeOp::create(rw, loc, to, x.value, *groups), x.element};
  if (groups && from.getRank() < to.getRank())
    return {tensor::ExpandShapeOp::create(rw, loc, to, x.value, *groups), x.element};
  Tensor flat = reshape(x, {from.getNumElements()});
  return reshape(flat, shape);
}

Tensor Emit::transpose(Tensor x, ArrayRef<int64_t> perm) {
  SmallVector<int64_t> shape;
  SmallVector<AffineExpr> exprs(perm.size());
  for (auto [to, from] : llvm::enumerate(perm)) {
    shape.push_back(x.shape()[from]);
    exprs[from] = rw.getAffineDimExpr(to);
  }
  AffineMap map = AffineMap::get(perm.size(), 0, exprs, rw.getContext());
  if (map.isIdentity())
    return x;
  Tensor raw = {x.value,
                mlir::cast<RankedTensorType>(x.value.getType()).getElementType()};
  Tensor moved = this->map(shape, raw.element, {raw}, {map},
                           [](Scalars &, ValueRange v) { return v[0]; });
  return {moved.value, x.element};
}

Tensor Emit::broadcast(Tensor x, ArrayRef<int64_t> shape) {
  if (x.shape() == shape)
    return x;
  return map(shape, x.element, {x}, [](Scalars &, ValueRange v) { return v[0]; });
}

static SmallVector<OpFoldResult> toFoldResults(OpBuilder &b, ArrayRef<int64_t> values) {
  return getAsIndexOpFoldResult(b.getContext(), values);
}

Tensor Emit::slice(Tensor x, ArrayRef<int64_t> offsets, ArrayRef<int64_t> sizes,
                   ArrayRef<int64_t> strides) {
  return {tensor::ExtractSliceOp::create(rw, loc, x.value, toFoldResults(rw, offsets),
                                         toFoldResults(rw, sizes),
                                         toFoldResults(rw, strides)),
          x.element};
}

Tensor Emit::insert(Tensor x, Tensor into, ArrayRef<int64_t> offsets) {
  SmallVector<int64_t> ones(x.rank(), 1);
  return {tensor::InsertSliceOp::create(
              rw, loc, x.value, into.value, toFoldResults(rw, offsets),
              toFoldResults(rw, x.shape()), toFoldResults(rw, ones)),
          x.element};
}
