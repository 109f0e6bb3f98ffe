//===- Uniform.cpp - Values that are alike along a dimension --------------===//

#include "Uniform.h"
#include "Match.h"
#include "mlir/IR/IRMapping.h"
#include "weir/Analysis/TokenFlow.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/TensorTypes.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

static bool isElementwise(Operation *op) {
  return isa<AddOp, SubOp, MulOp, DivOp, AndOp, OrOp, XorOp, NotOp, NegOp, EqualOp,
             GreaterOp, GreaterOrEqualOp, LessOp, LessOrEqualOp, MaxOp, MinOp, SumOp,
             WhereOp, CastOp, IdentityOp>(op);
}

/// Where dimension `dim` of an op's result stands in an operand: nothing before its
/// first dimension; none for an op that says nothing of it.
static std::optional<int64_t> operandDim(OpOperand &operand, int64_t dim) {
  Operation *op = operand.getOwner();
  ArrayRef<int64_t> to = shapeOf(op->getResult(0));
  if (isElementwise(op) || isa<ExpandOp>(op))
    return dim - static_cast<int64_t>(to.size() - shapeOf(operand.get()).size());
  if (auto transpose = dyn_cast<TransposeOp>(op))
    return getPermutation(transpose)[dim];
  if (!isa<ReshapeOp>(op))
    return std::nullopt;
  ArrayRef<int64_t> from = shapeOf(operand.get());
  int64_t stride = *countElements(to.drop_front(dim + 1)), behind = 1;
  for (int64_t i = from.size() - 1; i >= 0; behind *= from[i--])
    if (behind == stride && from[i] == to[dim])
      return i;
  return std::nullopt;
}

/// The operands that hold numbers: a shape is none.
static MutableArrayRef<OpOperand> dataOperands(Operation *op) {
  return isa<ExpandOp, ReshapeOp>(op) ? op->getOpOperands().take_front(1)
                                      : op->getOpOperands();
}

static bool isFlat(Value value, int64_t dim) {
  return dim < 0 || shapeOf(value)[dim] == 1;
}

static bool isUniformAlong(Value value, int64_t dim) {
  if (isFlat(value, dim))
    return true;
  if (ElementsAttr constant = getConstantElements(value)) {
    TokenAxis rows;
    rows.dim = dim;
    rows.tokens = shapeOf(value)[dim];
    return isUniform(constant, rows);
  }
  Operation *op = value.getDefiningOp();
  if (!op || op->getNumResults() != 1 || !hasStaticTypes(op))
    return false;
  bool isKnown = isElementwise(op) || isa<ExpandOp, ReshapeOp, TransposeOp>(op);
  return isKnown && llvm::all_of(dataOperands(op), [&](OpOperand &operand) {
           std::optional<int64_t> at = operandDim(operand, dim);
           return at && isUniformAlong(operand.get(), *at);
         });
}

/// The first row of a value that is uniform along `dim`, where it stays with size 1.
static Value firstRow(OnnxBuilder &make, OpBuilder &builder, Value value, int64_t dim) {
  if (isFlat(value, dim))
    return value;
  if (getConstantElements(value))
    return make.slice(value, dim, 0, 1);
  Operation *op = value.getDefiningOp();
  Shape shape(shapeOf(value));
  shape[dim] = 1;
  IRMapping rows;
  SmallVector<Value> operands;
  for (OpOperand &operand : dataOperands(op)) {
    operands.push_back(firstRow(make, builder, operand.get(), *operandDim(operand, dim)));
    rows.map(operand.get(), operands.back());
  }
  if (isa<ReshapeOp>(op))
    return make.reshape(operands[0], shape);
  if (isa<ExpandOp>(op))
    return shapeOf(operands[0]) == ArrayRef<int64_t>(shape)
               ? operands[0]
               : make.make<ExpandOp>(operands[0], make.ints(shape));
  Operation *clone = builder.clone(*op, rows);
  clone->getResult(0).setType(cast<RankedTensorType>(value.getType()).clone(shape));
  return clone->getResult(0);
}

Value weir::dropUniformQueries(OnnxBuilder &make, OpBuilder &builder, Value bias) {
  int64_t queries = static_cast<int64_t>(shapeOf(bias).size()) - 2;
  if (isFlat(bias, queries) || !isUniformAlong(bias, queries))
    return bias;
  return firstRow(make, builder, bias, queries);
}
