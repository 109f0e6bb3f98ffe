//===- LinearRows.cpp - Rows that are made linearly of rows ---------------===//

#include "LinearRows.h"
#include "weir/Support/HostTensor.h"

using namespace mlir;
using namespace weir;

TokenAxis LinearOp::getAxis() const {
  const TokenAxis &own = transfer->axes[axis];
  return isRefined ? own.refined() : own;
}

std::optional<TokenAxis> LinearOp::getAxis(const OpOperand &operand) const {
  for (const AxisUse &use :
       transfer->uses[const_cast<OpOperand &>(operand).getOperandNumber()])
    if (use.map.getKind() == RowMap::Kind::Same && use.map.getResultAxis() == axis)
      return isRefined ? use.axis.refined() : use.axis;
  return std::nullopt;
}

SmallVector<OpOperand *, 1> LinearOp::getAdded() const {
  SmallVector<OpOperand *, 1> added;
  if (isSum())
    for (OpOperand &operand : op->getOpOperands())
      if (!llvm::is_contained(carriers, &operand))
        added.push_back(&operand);
  return added;
}

TokenAxis weir::withRows(TokenAxis axis, int64_t count) {
  axis.lead = axis.tail = 0;
  axis.tokens = count;
  axis.chunk = 1;
  return axis;
}

Value LinearOp::build(OpBuilder &builder, ArrayRef<Value> operands, int64_t count) const {
  SmallVector<TokenAxis, 2> axes(transfer->axes);
  axes[axis] = getAxis();
  RowRegion region(axes.size(), Rows::all());
  region[axis] = Rows::range(0, count);
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  auto restricted = type.clone(restrictedShape(type.getShape(), axes, region));
  FailureOr<Value> built = cast<TokenFlowOpInterface>(op).buildOnRows(
      builder, {operands, restricted, axes, region, *transfer});
  return succeeded(built) ? *built : Value();
}

bool weir::isUniform(const LinearOp &op, const OpOperand &constant) {
  std::optional<TokenAxis> axis = op.getAxis(constant);
  return !axis || isUniform(getConstantElements(constant.get()), *axis);
}

/// Is `op` linear in its carriers, given its constants?
static bool isLinear(const LinearOp &op) {
  if (op.isProduct()) // of rows and weights, which are the same for all rows
    return op.carriers.size() == 1 && op.transfer->uses.size() == 2 &&
           op.transfer->uses[1 - op.carriers[0]->getOperandNumber()].empty();
  SmallVector<OpOperand *> constants;
  for (OpOperand &operand : op.op->getOpOperands())
    if (!llvm::is_contained(op.carriers, &operand))
      constants.push_back(&operand);
  bool haveNoRows = llvm::none_of(
      constants, [&](OpOperand *constant) { return op.getAxis(*constant); });
  auto areFactors = [&] {
    return op.carriers.size() == 1 && llvm::all_of(constants, [&](OpOperand *constant) {
             return isUniform(op, *constant);
           });
  };
  switch (op.transfer->linearity) {
  case Linearity::None:
    return false;
  case Linearity::Moves:
  case Linearity::Negates:
    return haveNoRows;
  case Linearity::Adds:
  case Linearity::Subtracts:
    return true;
  case Linearity::Multiplies:
    return areFactors();
  case Linearity::Divides:
    return areFactors() && op.carriers[0]->getOperandNumber() == 0;
  }
  llvm_unreachable("all kinds are listed");
}

LinearOp weir::getLinearOp(const RowsOf &rows, const TokenFlowAnalysis &flows) {
  LinearOp linear;
  Operation *op = rows.value.getDefiningOp();
  linear.transfer = op ? flows.getTransfer(op) : nullptr;
  if (!linear.transfer || linear.transfer->isWhole || op->getNumResults() != 1)
    return {};
  ArrayRef<TokenAxis> axes = linear.transfer->axes;
  while (linear.axis < axes.size() && axes[linear.axis] != rows.axis &&
         axes[linear.axis].refined() != rows.axis)
    ++linear.axis;
  if (linear.axis == axes.size())
    return {};
  linear.isRefined = axes[linear.axis] != rows.axis;
  linear.op = op;
  for (OpOperand &operand : op->getOpOperands()) {
    ArrayRef<AxisUse> uses = linear.transfer->uses[operand.getOperandNumber()];
    bool keepsRows = llvm::all_of(
        uses, [](const AxisUse &use) { return use.map.getKind() == RowMap::Kind::Same; });
    bool isAbsent = isa<NoneType>(operand.get().getType());
    if (isAbsent || (keepsRows && getConstantElements(operand.get())))
      continue;
    if (!keepsRows || !linear.getAxis(operand))
      return {};
    // Rows of one token are told apart by their places in it, which stay.
    for (const AxisUse &use : uses)
      if (linear.isRefined && use.axis.inner != axes[linear.axis].inner)
        return {};
    linear.carriers.push_back(&operand);
  }
  return !linear.carriers.empty() && isLinear(linear) ? linear : LinearOp();
}

bool weir::areProjected(const RowsOf &rows, const TokenFlowAnalysis &flows) {
  LinearOp linear = getLinearOp(rows, flows);
  if (!linear || linear.isProduct())
    return static_cast<bool>(linear);
  return llvm::all_of(linear.carriers, [&](OpOperand *carrier) {
    return areProjected(linear.getRows(*carrier), flows);
  });
}

void weir::collectProjections(const RowsOf &rows, const TokenFlowAnalysis &flows,
                              llvm::SetVector<Operation *> &found) {
  LinearOp linear = getLinearOp(rows, flows);
  if (!linear || !areProjected(rows, flows))
    return;
  if (linear.isProduct()) {
    found.insert(linear.op);
    return;
  }
  for (OpOperand *carrier : linear.carriers)
    collectProjections(linear.getRows(*carrier), flows, found);
}
