//===- FixedMap.cpp - Constant matrices along one dimension of a tensor ---===//

#include "FixedMap.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/TensorTypes.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

static bool isConstantMatrix(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() == 2 && getConstantElements(value);
}

std::optional<FixedMap> FixedMap::match(Value value, bool isShared) {
  FixedMap map;
  map.type = dyn_cast<RankedTensorType>(value.getType());
  auto usable = [&](Value made) {
    return (isShared && made == value) || made.hasOneUse();
  };
  if (!map.type || !usable(value))
    return std::nullopt;
  Value made = value;
  if (auto transpose = made.getDefiningOp<TransposeOp>()) {
    made = transpose->getOperand(0);
    if (!usable(made) || !transpose.getPerm())
      return std::nullopt;
    ArrayAttr perm = *transpose.getPerm();
    for (Attribute from : perm)
      map.perm.push_back(cast<IntegerAttr>(from).getInt());
  }
  map.rows = made.getDefiningOp<SelectRowsOp>();
  if (map.rows) {
    made = map.rows.getValue();
    if (!made.hasOneUse())
      return std::nullopt;
  }
  map.op = made.getDefiningOp();
  int64_t dim = -1;
  if (isa_and_nonnull<DctOp, IdctOp, ResampleOp>(map.op)) {
    dim = map.op->getAttrOfType<IntegerAttr>("dim").getInt();
    map.source = map.op->getOperand(0);
  } else if (auto product = dyn_cast_or_null<MatMulOp>(map.op)) {
    bool isLeft = isConstantMatrix(product.getA());
    map.isRight = !isLeft && isConstantMatrix(product.getB());
    map.source = isLeft ? product.getB() : product.getA();
    if ((!isLeft && !map.isRight) || !isa<RankedTensorType>(map.source.getType()) ||
        typeOf(map.source).getRank() < 2 || getConstantElements(map.source))
      return std::nullopt;
    map.matrix = isLeft ? product.getA() : product.getB();
    dim = typeOf(made).getRank() - (isLeft ? 2 : 1);
  }
  if (dim < 0 || typeOf(made).getRank() != typeOf(map.source).getRank())
    return std::nullopt;
  if (map.rows &&
      (static_cast<int64_t>(map.rows.getDim()) != dim || map.rows.getInner() != 1 ||
       static_cast<int64_t>(map.rows.getExtent()) != typeOf(made).getDimSize(dim)))
    return std::nullopt;
  map.dim = map.perm.empty() ? dim : llvm::find(map.perm, dim) - map.perm.begin();
  return map;
}

int64_t FixedMap::countMacsOn(int64_t elements) const { return elements * sizeTo(); }

/// That of a resampling is made of two transforms.
int64_t FixedMap::countAdjointMacsOn(int64_t elements, int64_t made) const {
  if (isa<ResampleOp>(op))
    return elements * sizeTo() + made * sizeTo();
  return elements * sizeFrom();
}

Value FixedMap::buildSource(OnnxBuilder &b) const {
  return perm.empty() ? source : b.transpose(source, perm);
}

/// The type of `value` with `size` entries in dimension `dim`.
static RankedTensorType resize(Value value, int64_t dim, int64_t size) {
  SmallVector<int64_t> shape(typeOf(value).getShape());
  shape[dim] = size;
  return typeOf(value).clone(shape);
}

Value FixedMap::apply(OnnxBuilder &b, OpBuilder &builder, Value value,
                      int64_t along) const {
  Value made;
  if (matrix) {
    // C X along columns is X C^T along rows.
    bool isLeft = along == typeOf(value).getRank() - 2;
    Value factor = isLeft != isRight ? matrix : b.transposeMatrix(matrix);
    made = isLeft ? b.matMul(factor, value) : b.matMul(value, factor);
  } else {
    int64_t all = typeOf(op->getResult(0))
                      .getDimSize(op->getAttrOfType<IntegerAttr>("dim").getInt());
    RankedTensorType wide = resize(value, along, all);
    OperationState state(op->getLoc(), op->getName());
    state.addOperands(value);
    state.addTypes(wide);
    state.addAttribute("dim", builder.getI64IntegerAttr(along));
    made = builder.create(state)->getResult(0);
  }
  if (!rows)
    return made;
  SelectRowsOp select = rows;
  RankedTensorType some = resize(made, along, select.getIndices().size());
  return SelectRowsOp::create(builder, select.getLoc(), some, made, along, 1,
                              select.getExtent(), select.getIndices());
}

bool FixedMap::hasAdjoint() const { return !rows; }

Value FixedMap::applyAdjoint(OnnxBuilder &b, OpBuilder &builder, Value value,
                             int64_t along) const {
  Location loc = op->getLoc();
  int64_t from = sizeFrom(), to = sizeTo();
  if (matrix) {
    bool isLeft = along == typeOf(value).getRank() - 2;
    Value factor = isLeft != isRight ? b.transposeMatrix(matrix) : matrix;
    return isLeft ? b.matMul(factor, value) : b.matMul(value, factor);
  }
  if (isa<DctOp>(op))
    return IdctOp::create(builder, loc, resize(value, along, from), value, along);
  if (isa<IdctOp>(op))
    return DctOp::create(builder, loc, resize(value, along, from), value, along);
  // R = sqrt(m/n) D_m^T D, and so R^T = sqrt(m/n) D^T D_m.
  Value frequencies = DctOp::create(builder, loc, typeOf(value), value, along);
  Value wide =
      IdctOp::create(builder, loc, resize(value, along, from), frequencies, along);
  Type element = typeOf(value).getElementType();
  return b.mul(wide, b.scalar(std::sqrt(static_cast<double>(to) / from), element));
}
