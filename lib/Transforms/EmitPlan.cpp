//===- EmitPlan.cpp - Turn the nodes of a plan into ops -------------------===//

#include "EmitPlan.h"
#include "RecycledTable.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"
#include "weir/Analysis/Frequencies.h"
#include "weir/Dialect/Weir/Slots.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/HostTensor.h"

using namespace mlir;
using namespace weir;

Value PlanEmitter::cloneStill(Value value) {
  if (Value known = still.lookupOrNull(value))
    return known;
  Operation *op = value.getDefiningOp();
  for (Value operand : op->getOperands())
    cloneStill(operand);
  builder.clone(*op, still);
  return still.lookup(value);
}

/// A constant of the dialect that `like` comes from; null where it makes none.
Value PlanEmitter::emitConstant(Value like, ElementsAttr elements) {
  Operation *op = like.getDefiningOp();
  Operation *made = elements ? op->getDialect()->materializeConstant(
                                   builder, elements, elements.getType(), op->getLoc())
                             : nullptr;
  return made ? made->getResult(0) : nullptr;
}

Value PlanEmitter::emitStill(const PlanNode &node) {
  ElementsAttr constant = node.axes.empty() ? nullptr : getConstantElements(node.value);
  if (!constant)
    return emitStillRows(node, cloneStill(node.value));
  if (node.isRecycled)
    return emitRecycled(node);
  for (auto [axis, rows] : llvm::zip_equal(node.axes, node.region))
    if (!rows.isAll() && !rows.isSlot() && !rows.isWindowOrder(axis.numRows()))
      constant = selectRows(constant, axis, rows.getPositions());
  Value value = emitConstant(node.value, constant);
  // One row first: it is cheaper to roll.
  for (auto [axis, rows] : llvm::zip_equal(node.axes, node.region))
    if (value && rows.isSlot())
      value = emitSlotOfWindow(value, axis);
  for (auto [axis, rows] : llvm::zip_equal(node.axes, node.region))
    if (value && rows.isAll() && !isUniform(constant, axis))
      value = emitRoll(node.value.getLoc(), value, axis);
  return value;
}

/// A position table stays in slot order in either layout: its rows follow the tokens.
Value PlanEmitter::emitRecycled(const PlanNode &node) {
  const TokenAxis &axis = node.axes.front();
  RecycledTable table = RecycledTable::get(node.op, node.value, axis, period);
  Value constant = emitConstant(node.value, table.rows);
  if (!constant)
    return nullptr;
  Rows rows = node.region.front();
  bool isWindow = table.axis == axis; // then its slots are those of the tokens
  if (isWindow && rows.isSlot())
    return emitSlot(constant, axis);
  if (isWindow && rows.isAll() && layout == StateOrder::Ring)
    return constant;
  Rows wanted = rows.isAll() || rows.isSlot() ? Rows::range(0, axis.numRows()) : rows;
  Location at = node.value.getLoc();
  Value value = table.emitRows(builder, at, constant, step, axis, wanted);
  if (rows.isSlot())
    return emitSlotOfWindow(value, axis);
  return rows.isAll() ? emitRoll(at, value, axis) : value;
}

/// Rows of a still value whose elements are not known at compile time.
Value PlanEmitter::emitStillRows(const PlanNode &node, Value value) {
  for (auto [axis, rows] : llvm::zip_equal(node.axes, node.region)) {
    auto type = cast<RankedTensorType>(value.getType());
    if (rows.isSlot()) {
      value = emitSlotOfWindow(value, axis);
      continue;
    }
    if (rows.isAll()) {
      value = emitRoll(loc, value, axis);
      continue;
    }
    SmallVector<int64_t> shape(type.getShape());
    shape[axis.dim] = restrictedSize(shape[axis.dim], axis, rows);
    value = SelectRowsOp::create(builder, loc, type.clone(shape), value, axis.dim,
                                 axis.inner, axis.numRows(), rows.getPositions());
  }
  return value;
}

Value PlanEmitter::emitPush(const PlanNode &node) {
  Value rows = values.lookup(node.operands.front()), state = values.lookup(&node);
  Location at = node.value.getLoc();
  auto axis = AxisAttr::get(builder.getContext(), node.axis);
  if (layout == StateOrder::Shift)
    return ShiftPushOp::create(builder, at, rows, state, axis, node.to.getPositions());
  return RingPushOp::create(builder, at, rows, state, step, axis, node.to.getPositions());
}

Value PlanEmitter::emitRead(Location at, RankedTensorType type, Value ring,
                            const TokenAxis &axis, const Rows &rows) {
  if (layout == StateOrder::Ring)
    return RingReadOp::create(builder, at, type, ring, step,
                              AxisAttr::get(builder.getContext(), axis),
                              rows.getPositions());
  if (rows.isWindowOrder(axis.numRows()))
    return ring;
  return SelectRowsOp::create(builder, at, type, ring, axis.dim, axis.inner,
                              axis.numRows(), rows.getPositions());
}

/// Brings rows in window order into the order that states have.
Value PlanEmitter::emitRoll(Location at, Value window, const TokenAxis &axis) {
  if (layout == StateOrder::Shift)
    return window;
  return RollOp::create(builder, at, window, step,
                        AxisAttr::get(builder.getContext(), axis));
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
  // A request speaks of the first result; others that share its axes come with it.
  RankedTensorType type = node.type;
  if (node.resultNumber != 0)
    type = RankedTensorType::get(type.getShape(),
                                 getElementTypeOrSelf(node.op->getResult(0)));
  RowsRequest request{operands, type, node.axes, node.region,
                      *flows.getTransfer(node.op)};
  FailureOr<Value> made =
      cast<TokenFlowOpInterface>(node.op).buildOnRows(builder, request);
  if (failed(made))
    return node.op->emitOpError("cannot be computed on some rows only");
  values[&node] = node.resultNumber == 0
                      ? *made
                      : Value(made->getDefiningOp()->getResult(node.resultNumber));
  return success();
}

LogicalResult PlanEmitter::emitNode(const PlanNode &node) {
  auto operand = [&] { return values.lookup(node.operands.front()); };
  auto axis = [&] { return AxisAttr::get(builder.getContext(), node.axis); };
  Location at = node.value.getLoc();
  switch (node.kind) {
  case PlanNode::Kind::Nothing:
  case PlanNode::Kind::NewTokens:
  case PlanNode::Kind::Window:
  case PlanNode::Kind::Push: {
    // Arguments are mapped already; a ring now becomes what the push leaves.
    if (node.kind == PlanNode::Kind::Push && updates)
      values[&node] = emitPush(node);
    return success();
  }
  case PlanNode::Kind::Still:
    values[&node] = emitStill(node);
    if (!values[&node])
      return mlir::emitError(at)
             << "a constant without readable elements varies along the "
                "token axis";
    return success();
  case PlanNode::Kind::Apply:
  case PlanNode::Kind::Whole:
    return emitApply(node);
  case PlanNode::Kind::Read:
    values[&node] = emitRead(at, node.type, operand(), node.axis, node.to);
    return success();
  case PlanNode::Kind::Roll:
    values[&node] = emitRoll(at, operand(), node.axis);
    return success();
  case PlanNode::Kind::Mask: {
    Rows rows = node.to;
    if (rows.isAll() && layout == StateOrder::Shift)
      rows = Rows::range(0, node.axis.numRows());
    DenseI64ArrayAttr positions =
        rows.isAll() ? nullptr : builder.getDenseI64ArrayAttr(rows.getPositions());
    values[&node] = MaskAbsentOp::create(builder, at, node.type, node.fill, operand(),
                                         step, axis(), positions);
    return success();
  }
  case PlanNode::Kind::Rescale:
    values[&node] = ScaleToPresentOp::create(builder, at, operand(), step, axis());
    return success();
  case PlanNode::Kind::Slot:
    values[&node] = emitSlot(operand(), node.axis);
    return success();
  case PlanNode::Kind::Retroactive:
    return emitUpdate(node);
  case PlanNode::Kind::Frequencies:
    emitFrequencies(node);
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

/// The row in the slot of the body, of a value in slot order.
Value PlanEmitter::emitSlot(Value value, const TokenAxis &axis) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> shape(type.getShape());
  SmallVector<OpFoldResult> offsets(shape.size(), builder.getIndexAttr(0)), sizes,
      ones(shape.size(), builder.getIndexAttr(1));
  int64_t outer = axis.numOuter(shape[axis.dim]);
  shape[axis.dim] = axis.inner;
  for (int64_t size : shape)
    sizes.push_back(builder.getIndexAttr(size));
  Value rows;
  for (int64_t i = 0; i < outer; ++i) {
    Value first = arith::ConstantIndexOp::create(builder, loc, i * axis.numRows());
    Value row = arith::AddIOp::create(builder, loc, first, slot);
    Value inner = arith::ConstantIndexOp::create(builder, loc, axis.inner);
    offsets[axis.dim] = arith::MulIOp::create(builder, loc, row, inner).getResult();
    Value one = tensor::ExtractSliceOp::create(builder, loc, type.clone(shape), value,
                                               offsets, sizes, ones);
    rows = rows ? tensor::ConcatOp::create(builder, loc, axis.dim, ValueRange{rows, one})
                      .getResult()
                : one;
  }
  return rows;
}

/// The same of a value in window order: the slot's row by its position.
Value PlanEmitter::emitSlotOfWindow(Value value, const TokenAxis &axis) {
  auto constant = [&](int64_t number) {
    return arith::ConstantIndexOp::create(builder, loc, number);
  };
  auto add = [&](Value x, Value y) -> Value {
    return arith::AddIOp::create(builder, loc, x, y);
  };
  Value token = add(slot, constant(-axis.lead));
  Value position =
      makePosition(builder, loc, token, makeShift(builder, loc, step, axis), axis.tokens);
  Value isToken = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult, token,
                                        constant(axis.tokens));
  Value outer = slot;
  slot = arith::SelectOp::create(builder, loc, isToken,
                                 add(position, constant(axis.lead)), outer);
  Value row = emitSlot(value, axis);
  slot = outer;
  return row;
}

LogicalResult PlanEmitter::emitBody(const PlanNode &node, Region &region) {
  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(&region, {}, builder.getIndexType(), loc);
  slot = block->getArgument(0);
  if (failed(emitScope(node.body)))
    return failure();
  slot = nullptr;
  YieldOp::create(builder, loc, values.lookup(node.operands[1]));
  return success();
}

/// The states after the step, and from them the attention in slot order.
LogicalResult PlanEmitter::emitUpdate(const PlanNode &node) {
  const RetroactiveMatch &match = plan.getMatch(node);
  SmallVector<Value> &current = states[&node];
  MLIRContext *context = builder.getContext();
  if (updates) {
    auto type = cast<FloatType>(node.type.getElementType());
    // Relative error of a normalizer above which its row is built again.
    double tolerance = type.isF32() ? 5e-6 : 1e-14;
    SmallVector<Value> columns;
    for (const PlanNode *operand : ArrayRef(node.operands).drop_front(2))
      columns.push_back(values.lookup(operand));
    size_t half = columns.size() / 2;
    const Margins &fresh = match.newQueries;
    bool isNewest = fresh.left == 0 && fresh.right == match.queries.chunk;
    DenseI64ArrayAttr built =
        isNewest ? nullptr : builder.getDenseI64ArrayAttr({fresh.left, fresh.right});
    auto update = RetroactiveAttentionOp::create(
        builder, node.op->getLoc(), TypeRange(ValueRange(current)),
        *plan.getRetroactiveForm(), values.lookup(node.operands[0]), step, current,
        ArrayRef(columns).take_front(half), ArrayRef(columns).drop_front(half),
        AxisAttr::get(context, match.queries), AxisAttr::get(context, match.keys),
        llvm::APFloat(tolerance), built);
    if (failed(emitBody(node, update.getBody())))
      return failure();
    current.assign(update.getResults().begin(), update.getResults().end());
  }
  values[&node] = WeightedMeanOp::create(builder, node.op->getLoc(),
                                         current[RetroactiveAttentionOp::Weighted],
                                         current[RetroactiveAttentionOp::Normalizer]);
  return success();
}

/// The sums after the step, and from them the frequencies of the window.
void PlanEmitter::emitFrequencies(const PlanNode &node) {
  SmallVector<Value> &current = states[&node];
  Location at = node.op->getLoc();
  auto axis = AxisAttr::get(builder.getContext(), node.axis);
  if (updates) {
    bool isBuilt = node.operands.size() == 1;
    auto update =
        SlidingDctOp::create(builder, at, values.lookup(node.operands[0]), step,
                             current[0], current[1], current[2], current[3],
                             isBuilt ? Value() : values.lookup(node.operands[1]), axis);
    current.assign(update.getResults().begin(), update.getResults().end());
  }
  auto op = cast<FrequencyOpInterface>(node.op);
  Value frequencies = DctReadOp::create(builder, at, current[0], current[1], step, axis,
                                        llvm::APFloat(op.getFrequencyScale()));
  values[&node] = op.buildFromFrequencies(builder, frequencies);
}

LogicalResult PlanEmitter::emitScope(unsigned wanted) {
  for (const PlanNode &node : plan.getNodes())
    if (node.scope == wanted && failed(emitNode(node)))
      return failure();
  return success();
}

LogicalResult PlanEmitter::emit() {
  // First what reads the rings as the step before left them.
  if (plan.updatesValues()) {
    Value now = step;
    Value one = arith::ConstantIndexOp::create(builder, loc, 1);
    step = arith::SubIOp::create(builder, loc, now, one);
    if (failed(emitScope(PlanNode::Before)))
      return failure();
    step = now;
  }
  return emitScope(PlanNode::Now);
}
