//===- RowMapper.cpp - Push a map along tokens through projections --------===//

#include "RowMapper.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/HostTensor.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

Value weir::makeTokenMap(OpBuilder &builder, Location location, Value value, int64_t dim,
                         const TokenMap &map) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> shape(type.getShape());
  shape[dim] = map.kept;
  auto mapped = type.clone(shape);
  switch (map.kind) {
  case TokenMap::Kind::Dct:
    return DctOp::create(builder, location, mapped, value, dim);
  case TokenMap::Kind::Resample:
    return builder.createOrFold<ResampleOp>(location, mapped, value, dim);
  case TokenMap::Kind::Pool:
    return builder.createOrFold<PoolOp>(location, mapped, value, dim);
  }
  llvm_unreachable("all kinds are listed");
}

Value weir::invertDct(OpBuilder &builder, const RowsOf &tokens, Value few) {
  Location location = few.getLoc();
  OnnxBuilder make(builder, location);
  auto type = cast<RankedTensorType>(tokens.value.getType());
  ArrayRef<int64_t> shape = *getStaticShape(few);
  RowView after = *RowView::get(type.getShape(), tokens.axis);
  RowView before = after;
  before.shape[after.rows] =
      after.shape[after.rows] * shape[tokens.axis.dim] / type.getDimSize(tokens.axis.dim);
  Value made = IdctOp::create(builder, location, type.clone(after.shape),
                              make.reshape(few, before.shape), after.rows);
  return make.reshape(made, type.getShape());
}

/// The op that makes the rows, if the map goes on to what it makes them of: whatever is
/// linear up to the projection, then only views.
LinearOp RowMapper::getPassed(const RowsOf &rows, bool isProjected) {
  LinearOp linear = tokenMap.isPushed ? getLinearOp(rows, flows) : LinearOp();
  if (!linear)
    return {};
  if (isProjected)
    return linear.isView() && linear.carriers.size() == 1 ? linear : LinearOp();
  // Constants that meet the map as they are, or weights, say one thing of all rows.
  if (!tokenMap.mapsBiases || weights)
    for (OpOperand *added : linear.getAdded())
      if (!isUniform(linear, *added) || (weights && linear.getAxis(*added)))
        return {};
  return areProjected(rows, flows) ? linear : LinearOp();
}

/// What the map is applied to in the end, and what is then made of it, in order.
void RowMapper::collect(const RowsOf &rows, bool isProjected,
                        SmallVectorImpl<RowsOf> &sources,
                        SmallVectorImpl<LinearOp> &made) {
  LinearOp linear = getPassed(rows, isProjected);
  if (!linear) {
    sources.push_back(rows);
    return;
  }
  for (OpOperand *carrier : linear.carriers)
    collect(linear.getRows(*carrier), isProjected || linear.isProduct(), sources, made);
  made.push_back(linear);
}

/// Can the weights of `keys` stand beside all that they are made of?
bool RowMapper::place(const RowsOf &keys) {
  SmallVector<RowsOf> sources;
  SmallVector<LinearOp> made;
  collect(keys, /*isProjected=*/false, sources, made);
  if (!weights->place(sources, made, keys))
    return false;
  auto hasView = [&](const RowsOf &rows) {
    return weights->getView(rows.value, rows.axis, *getStaticShape(rows.value))
        .has_value();
  };
  return llvm::all_of(sources, hasView) && llvm::all_of(made, [&](LinearOp &linear) {
           return linear.getAdded().empty() ||
                  hasView({linear.op->getResult(0), linear.getAxis()});
         });
}

/// Applies the map to the rows as they are.
Value RowMapper::mapHere(const RowsOf &rows, bool isWeighed) {
  Location location = rows.value.getLoc();
  OnnxBuilder make(builder, location);
  Shape shape(*getStaticShape(rows.value));
  RowView view = *RowView::get(shape, rows.axis);
  if (isWeighed)
    view = *weights->getView(rows.value, rows.axis, shape);
  Value value = make.reshape(rows.value, view.shape);
  if (isWeighed)
    value = make.mul(value, KeyWeights::fit(make, weights->asMatrix(make), view));
  RowRegion kept = {Rows::range(0, tokenMap.kept)};
  return make.reshape(makeTokenMap(builder, location, value, view.rows, tokenMap),
                      restrictedShape(shape, rows.axis, kept));
}

/// A constant that is added to rows, as it is added to mapped ones.
Value RowMapper::mapAdded(const LinearOp &linear, OpOperand &constant) {
  if (weights)
    return weighAdded(linear, constant);
  OnnxBuilder make(builder, linear.op->getLoc());
  std::optional<TokenAxis> axis = linear.getAxis(constant);
  ElementsAttr elements = getConstantElements(constant.get());
  // Rows of R sum to 1, and those of means do.
  bool staysSame = !tokenMap.mapsBiases || tokenMap.kind != TokenMap::Kind::Dct;
  if (staysSame && isUniform(linear, constant)) {
    auto kept = llvm::to_vector(llvm::seq<int64_t>(0, tokenMap.kept));
    return axis ? make.constant(selectRows(elements, *axis, kept)) : constant.get();
  }
  // Equal rows become different ones: give them a dimension.
  auto result = cast<RankedTensorType>(linear.op->getResult(0).getType());
  TokenAxis place = linear.getAxis();
  auto type = cast<RankedTensorType>(elements.getType());
  Shape shape(type.getShape());
  shape.insert(shape.begin(), result.getRank() - shape.size(), 1);
  FailureOr<HostTensor> tensor = HostTensor::get(elements);
  if (failed(tensor))
    return Value();
  return make.constant(mapConstantRows(tensor->reinterpret(type.clone(shape)), place,
                                       result.getDimSize(place.dim), tokenMap));
}

/// (D w) b^T, with weights w of the rows.
Value RowMapper::weighAdded(const LinearOp &linear, OpOperand &constant) {
  Location location = linear.op->getLoc();
  OnnxBuilder make(builder, location);
  Value result = linear.op->getResult(0);
  TokenAxis axis = linear.getAxis();
  RowRegion kept = {Rows::range(0, tokenMap.kept)};
  Shape shape = restrictedShape(*getStaticShape(result), axis, kept);
  RowView view = *weights->getView(result, withRows(axis, tokenMap.kept), shape);
  if (!mappedWeights)
    mappedWeights =
        makeTokenMap(builder, location, weights->asMatrix(make), /*dim=*/1, tokenMap);
  // The constant, which has one row for all, in the view.
  Shape added(*getStaticShape(constant.get()));
  added.insert(added.begin(), shape.size() - added.size(), 1);
  int64_t parts = view.shape.size() - shape.size() + 1; // of the rows' dimension
  added.insert(added.begin() + axis.dim, parts - 1, 1);
  Value product = make.mul(KeyWeights::fit(make, mappedWeights, view),
                           make.reshape(constant.get(), added));
  Shape full(*getStaticShape(product)), merged;
  for (int64_t part = axis.dim; part < axis.dim + parts; ++part)
    full[part] = view.shape[part];
  if (full != *getStaticShape(product))
    product = make.make<ExpandOp>(product, make.ints(full));
  for (int64_t dim = 0, part = 0, rank = shape.size(); dim < rank; ++dim) {
    int64_t count = dim == axis.dim ? parts : 1;
    merged.push_back(*countElements(ArrayRef(full).slice(part, count)));
    part += count;
  }
  return make.reshape(product, merged);
}

Value RowMapper::mapRows(const RowsOf &rows, bool isProjected) {
  Value &mapped = known[{rows.value, rows.axis.dim}];
  if (mapped)
    return mapped;
  LinearOp linear = getPassed(rows, isProjected);
  if (!linear)
    return mapped = mapHere(rows, weights.has_value());
  SmallVector<Value> operands(linear.op->getOperands());
  for (OpOperand *carrier : linear.carriers)
    operands[carrier->getOperandNumber()] =
        mapRows(linear.getRows(*carrier), isProjected || linear.isProduct());
  for (OpOperand *added : linear.getAdded())
    operands[added->getOperandNumber()] = mapAdded(linear, *added);
  Value built = linear.build(builder, operands, tokenMap.kept);
  return known[{rows.value, rows.axis.dim}] = built;
}

Value RowMapper::map(const RowsOf &rows) {
  if (!weights || place(rows))
    return mapRows(rows, /*isProjected=*/false);
  OnnxBuilder make(builder, rows.value.getLoc());
  Value weighed = make.mul(rows.value, weights->get());
  TokenAxis axis = rows.axis;
  axis.dim += getStaticShape(weighed)->size() - getStaticShape(rows.value)->size();
  return mapHere({weighed, axis}, /*isWeighed=*/false);
}
