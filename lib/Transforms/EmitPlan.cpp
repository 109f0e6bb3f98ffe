//===- EmitPlan.cpp - Turn the nodes of a plan into ops -------------------===//

#include "EmitPlan.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/HostTensor.h"

using namespace mlir;
using namespace weir;

int64_t weir::skippedTokens(const TokenAxis &axis) {
  return (axis.chunk - axis.tokens % axis.chunk) % axis.chunk;
}

ElementsAttr weir::alignTable(ElementsAttr table, const TokenAxis &axis) {
  SmallVector<int64_t> rows;
  for (int64_t row = 0; row < axis.numRows(); ++row) {
    int64_t token = (row - axis.lead + axis.tokens - skippedTokens(axis)) % axis.tokens;
    rows.push_back(axis.isToken(row) ? axis.lead + token : row);
  }
  return selectRows(table, axis, rows);
}

Value PlanEmitter::cloneStill(Value value) {
  if (Value known = still.lookupOrNull(value))
    return known;
  Operation *op = value.getDefiningOp();
  for (Value operand : op->getOperands())
    cloneStill(operand);
  builder.clone(*op, still);
  return still.lookup(value);
}

Value PlanEmitter::emitStill(const PlanNode &node) {
  ElementsAttr constant = node.axes.empty() ? nullptr : getConstantElements(node.value);
  if (!constant)
    return emitStillRows(node, cloneStill(node.value));
  if (node.isRecycled)
    constant = alignTable(constant, node.axes.front());
  else
    for (auto [axis, rows] : llvm::zip_equal(node.axes, node.region))
      if (!rows.isAll() && !rows.isWindowOrder(axis.numRows()))
        constant = selectRows(constant, axis, rows.getPositions());
  if (!constant)
    return nullptr;
  Operation *op = node.value.getDefiningOp();
  Operation *made = op->getDialect()->materializeConstant(
      builder, constant, constant.getType(), op->getLoc());
  if (!made)
    return nullptr;
  Value value = made->getResult(0);
  if (node.isRecycled)
    return node.region[0].isAll()
               ? value
               : RingReadOp::create(builder, op->getLoc(), node.type, value, step,
                                    AxisAttr::get(builder.getContext(), node.axes[0]),
                                    node.region[0].getPositions());
  for (auto [axis, rows] : llvm::zip_equal(node.axes, node.region))
    if (rows.isAll() && !isUniform(constant, axis))
      value = RollOp::create(builder, op->getLoc(), value, step,
                             AxisAttr::get(builder.getContext(), axis));
  return value;
}

/// Rows of a still value whose elements are not known at compile time.
Value PlanEmitter::emitStillRows(const PlanNode &node, Value value) {
  for (auto [axis, rows] : llvm::zip_equal(node.axes, node.region)) {
    auto type = cast<RankedTensorType>(value.getType());
    if (rows.isAll()) {
      value = RollOp::create(builder, loc, value, step,
                             AxisAttr::get(builder.getContext(), axis));
      continue;
    }
    SmallVector<int64_t> shape(type.getShape());
    shape[axis.dim] = restrictedSize(shape[axis.dim], axis, rows);
    value = SelectRowsOp::create(builder, loc, type.clone(shape), value, axis.dim,
                                 axis.inner, axis.numRows(), rows.getPositions());
  }
  return value;
}

LogicalResult PlanEmitter::emitApply(const PlanNode &node) {
  SmallVector<Value> operands;
  for (const PlanNode *operand : node.operands)
    operands.push_back(values.lookup(operand));
  if (node.kind == PlanNode::Kind::Whole) {
    Value &result = wholeResults[{node.op, node.resultNumber}];
    if (!result) {
      Operation *clone = builder.clone(*node.op);
      clone->setOperands(operands);
      for (OpResult made : clone->getResults())
        wholeResults[{node.op, made.getResultNumber()}] = made;
    }
    values[&node] = wholeResults[{node.op, node.resultNumber}];
    return success();
  }
  RowsRequest request{operands, node.type, node.axes, node.region,
                      *flows.getTransfer(node.op)};
  FailureOr<Value> made =
      cast<TokenFlowOpInterface>(node.op).buildOnRows(builder, request);
  if (failed(made))
    return node.op->emitOpError("cannot be computed on some rows only");
  values[&node] = *made;
  return success();
}

LogicalResult PlanEmitter::emitNode(const PlanNode &node) {
  MLIRContext *context = builder.getContext();
  auto operand = [&] { return values.lookup(node.operands.front()); };
  auto axis = [&] { return AxisAttr::get(context, node.axis); };
  Location at = node.value.getLoc();
  switch (node.kind) {
  case PlanNode::Kind::Nothing:
  case PlanNode::Kind::NewTokens:
  case PlanNode::Kind::Window:
  case PlanNode::Kind::Push: {
    // Arguments are mapped already; a ring now becomes what the push leaves.
    if (node.kind == PlanNode::Kind::Push && pushes)
      values[&node] = RingPushOp::create(builder, at, operand(), values.lookup(&node),
                                         step, axis(), node.to.getPositions());
    return success();
  }
  case PlanNode::Kind::Still:
    values[&node] = emitStill(node);
    if (!values[&node])
      return mlir::emitError(at) << "a constant without readable elements varies along the "
                              "token axis";
    return success();
  case PlanNode::Kind::Apply:
  case PlanNode::Kind::Whole:
    return emitApply(node);
  case PlanNode::Kind::Read:
    values[&node] = RingReadOp::create(builder, at, node.type, operand(), step, axis(),
                                       node.to.getPositions());
    return success();
  case PlanNode::Kind::Roll:
    values[&node] = RollOp::create(builder, at, operand(), step, axis());
    return success();
  case PlanNode::Kind::Select: {
    SmallVector<int64_t> indices;
    for (int64_t position : node.to.getPositions())
      indices.push_back(llvm::find(node.from.getPositions(), position) -
                        node.from.getPositions().begin());
    values[&node] = SelectRowsOp::create(builder, at, node.type, operand(), node.axis.dim,
                                         node.axis.inner,
                                         node.from.size(node.axis.numRows()), indices);
    return success();
  }
  }
  return failure();
}

LogicalResult PlanEmitter::emit() {
  for (const PlanNode &node : plan.getNodes())
    if (failed(emitNode(node)))
      return failure();
  return success();
}
