//===- TokenFlowElementwise.cpp - Token flow of elementwise ops -----------===//
// The result carries the union of the operands' axes, aligned from the right as
// broadcasting does; every operand is asked for the same rows.

#include "TokenFlow.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// Axes of a result of `rank` into which the operands broadcast; fails where two differ.
static bool unionAxes(Operation *op, Flows operands, int64_t rank,
                      SmallVectorImpl<TokenAxis> &axes) {
  for (auto [value, flow] : llvm::zip_equal(op->getOperands(), operands))
    for (const TokenAxis &axis : flow.axes) {
      int64_t shift = rank - static_cast<int64_t>(shapeOf(value).size());
      if (!addAxis(axes, axis.inDim(axis.dim + shift)))
        return false;
    }
  return true;
}

static Linearity linearityOf(Operation *op) {
  if (isa<AddOp, SumOp>(op))
    return Linearity::Adds;
  if (isa<SubOp>(op))
    return Linearity::Subtracts;
  if (isa<NegOp>(op))
    return Linearity::Negates;
  if (isa<MulOp>(op))
    return Linearity::Multiplies;
  if (isa<DivOp>(op))
    return Linearity::Divides;
  return isa<IdentityOp>(op) ? Linearity::Moves : Linearity::None;
}

static FlowTransfer elementwiseFlow(Operation *op, Flows operands) {
  if (!hasStaticShapes(op))
    return FlowTransfer::whole("its shape is not fixed");
  FlowTransfer transfer;
  int64_t rank = shapeOf(op->getResult(0)).size();
  if (!unionAxes(op, operands, rank, transfer.axes))
    return FlowTransfer::whole("the token axes of the operands do not line up");
  transfer.uses.resize(op->getNumOperands());
  for (OpOperand &operand : op->getOpOperands()) {
    if (isa<NoneType>(operand.get().getType()))
      continue;
    ArrayRef<int64_t> shape = shapeOf(operand.get());
    int64_t shift = rank - static_cast<int64_t>(shape.size());
    for (auto [index, axis] : llvm::enumerate(transfer.axes)) {
      int64_t dim = axis.dim - shift;
      if (dim >= 0 && shape[dim] != 1)
        transfer.uses[operand.getOperandNumber()].push_back(
            {axis.inDim(dim), RowMap::same(index)});
    }
  }
  transfer.linearity = linearityOf(op);
  transfer.isAdditive = isa<AddOp, SubOp, SumOp>(op);
  transfer.band = elementwiseBand(op, operands, transfer);
  return transfer;
}

/// Operands that span the dimension and carry no tokens there should; where only
/// constants span it, the op itself does.
static SmallVector<AxisWant> adoptInElementwise(Operation *op, Flows operands,
                                                const TokenAxis &axis,
                                                FlowTransfer &transfer) {
  SmallVector<AxisWant> wants, constants;
  int64_t rank = shapeOf(op->getResult(0)).size();
  for (auto [index, flow] : llvm::enumerate(operands)) {
    if (isa<NoneType>(op->getOperand(index).getType()))
      continue;
    ArrayRef<int64_t> shape = shapeOf(op->getOperand(index));
    int64_t dim = axis.dim - (rank - static_cast<int64_t>(shape.size()));
    if (dim >= 0 && shape[dim] != 1)
      (flow.isStill ? constants : wants)
          .push_back({static_cast<unsigned>(index), axis.inDim(dim)});
  }
  if (!wants.empty())
    return wants;
  unsigned added = transfer.insertAxis(axis);
  for (const AxisWant &constant : constants)
    transfer.uses[constant.operand].push_back({constant.axis, RowMap::same(added)});
  for (auto &uses : transfer.uses) // in the order of the axes, as masks are read
    llvm::sort(uses, [](const AxisUse &a, const AxisUse &b) { return a.axis < b.axis; });
  transfer.band = elementwiseBand(op, operands, transfer);
  return {};
}

namespace {
template <typename OpT>
struct ElementwiseFlow : TokenFlowOpInterface::ExternalModel<ElementwiseFlow<OpT>, OpT> {
  FlowTransfer transferTokenFlow(Operation *op, Flows operands) const {
    return elementwiseFlow(op, operands);
  }
  SmallVector<AxisWant> adoptAxis(Operation *op, Flows operands, const TokenAxis &axis,
                                  FlowTransfer &transfer) const {
    return adoptInElementwise(op, operands, axis, transfer);
  }
};
} // namespace

void onnx::attachElementwiseFlow(MLIRContext *context) {
  attachAll<ElementwiseFlow, AddOp, SubOp, MulOp, DivOp, PowOp, PReluOp, ModOp, AndOp,
            OrOp, XorOp, EqualOp, GreaterOp, GreaterOrEqualOp, LessOp, LessOrEqualOp,
            MaxOp, MinOp, SumOp, AbsOp, NegOp, SqrtOp, ExpOp, LogOp, ReciprocalOp, ErfOp,
            TanhOp, SigmoidOp, ReluOp, FloorOp, CeilOp, RoundOp, SignOp, CosOp, SinOp,
            SoftplusOp, SoftsignOp, MishOp, HardSwishOp, IdentityOp, NotOp, LeakyReluOp,
            EluOp, SeluOp, HardSigmoidOp, SwishOp, GeluOp, IsNaNOp, IsInfOp, CastOp,
            ClipOp, WhereOp>(context);
}
