//===- StepPlan.cpp - What one step computes, reads and keeps -------------===//

#include "weir/Analysis/StepPlan.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "weir/Support/HostTensor.h"
#include <numeric>

using namespace mlir;
using namespace weir;

RowRegion weir::windowOrder(ArrayRef<TokenAxis> axes) {
  RowRegion region;
  for (const TokenAxis &axis : axes)
    region.push_back(Rows::range(0, axis.numRows()));
  return region;
}

static bool isWindowOrder(const RowRegion &region, ArrayRef<TokenAxis> axes) {
  return llvm::all_of(llvm::zip_equal(region, axes), [](auto pair) {
    auto &[rows, axis] = pair;
    return rows.isWindowOrder(axis.numRows());
  });
}

static RankedTensorType restrict(RankedTensorType type, ArrayRef<TokenAxis> axes,
                                 const RowRegion &region) {
  return type.clone(restrictedShape(type.getShape(), axes, region));
}

StepPlan::StepPlan(func::FuncOp function, const TokenFlowAnalysis &flows, Options options)
    : function(function), flows(flows), options(std::move(options)) {
  auto size = [&] {
    size_t total = wholeDemands.size();
    for (const auto &entry : ringDemands)
      total += entry.second.size();
    return total;
  };
  // What is asked for only grows, and is bounded by all rows of all values.
  for (size_t before = size() + 1; before != size();) {
    before = size();
    build();
  }
}

void StepPlan::build() {
  nodes.clear();
  memo.clear();
  applied.clear();
  rings.clear();
  wholes.clear();
  results.clear();
  keptNodes.clear();
  numScopes = PlanNode::FirstBody;
  hasUpdates = false;
  for (Value value : function.getBody().front().getTerminator()->getOperands()) {
    const TokenFlow &flow = flows.getFlow(value);
    PlanNode *node = flow.isStill ? nullptr : demand(value, windowOrder(flow.axes));
    for (const TokenAxis &axis : node ? ArrayRef(flow.axes) : ArrayRef<TokenAxis>())
      node = mask(node, axis, Rows::range(0, axis.numRows()), AbsentToken::Zero);
    results.push_back(node);
  }
  for (Value value : options.kept)
    keptNodes.push_back(
        demand(value, RowRegion(flows.getFlow(value).axes.size(), Rows::all())));
  for (Value value : options.keptUpdates)
    keptNodes.push_back(makeUpdate(value, /*fromNothing=*/true));
}

/// What does not depend on the slot of a body is computed once, outside.
unsigned StepPlan::scopeOf(const RowRegion &region) const {
  bool dependsOnSlot =
      llvm::any_of(region, [](const Rows &rows) { return rows.isSlot(); });
  return scope >= PlanNode::FirstBody && !dependsOnSlot ? PlanNode::Now : scope;
}

bool StepPlan::slides(Value value) const {
  return options.isIncremental && flows.getFlow(value).slides();
}

PlanNode *StepPlan::add(PlanNode node) {
  node.scope = scope;
  nodes.push_back(std::move(node));
  return &nodes.back();
}

PlanNode *StepPlan::lookUp(const std::map<Key, PlanNode *> &known, const Key &key) {
  auto found = known.find(key);
  return found == known.end() ? nullptr : found->second;
}

PlanNode *StepPlan::demand(Value value, const RowRegion &region) {
  ScopeGuard guard(*this, scopeOf(region));
  Key key = keyOf(value, region);
  if (PlanNode *known = lookUp(memo, key))
    return known;
  PlanNode *node = makeRows(value, region);
  memo[key] = node;
  return node;
}

//===----------------------------------------------------------------------===//
// Rows of a value
//===----------------------------------------------------------------------===//

/// Which token axes of the result do not come from an operand? The op makes them, in
/// window order.
static SmallVector<bool> findMadeAxes(const FlowTransfer &transfer) {
  SmallVector<bool> made(transfer.axes.size(), true);
  for (ArrayRef<AxisUse> uses : transfer.uses)
    for (const AxisUse &use : uses)
      if (use.map.getKind() != RowMap::Kind::All &&
          use.map.getKind() != RowMap::Kind::Pick)
        made[use.map.getResultAxis()] = false;
  return made;
}

/// Can the op give its rows in window order at no extra cost, but not in slot order?
static bool prefersWindowOrder(const FlowTransfer &transfer) {
  if (transfer.isWhole || llvm::is_contained(findMadeAxes(transfer), true))
    return true;
  for (ArrayRef<AxisUse> uses : transfer.uses)
    for (const AxisUse &use : uses)
      switch (use.map.getKind()) {
      case RowMap::Kind::Group:
      case RowMap::Kind::Window:
        return true;
      case RowMap::Kind::Offset:
        if (transfer.axes[use.map.getResultAxis()].tokens != use.axis.tokens)
          return true;
        break;
      default:
        break;
      }
  return false;
}

PlanNode *StepPlan::makeRows(Value value, const RowRegion &region) {
  const TokenFlow &flow = flows.getFlow(value);
  if (auto argument = dyn_cast<BlockArgument>(value))
    return makeArgumentRows(argument, region);
  if (scope != PlanNode::Now)
    return makeRowsApart(value, region);
  const FlowTransfer *transfer = flows.getTransfer(value.getDefiningOp());
  bool isSingle = region.size() == 1;
  if (isSingle && region[0].isAll())
    wholeDemands.insert(value.getAsOpaquePointer());
  if (isSingle && slides(value) && !transfer->isView &&
      !region[0].isSubsetOf(dirtyRows(value, /*neededOnly=*/false)))
    return readRing(value, region[0]);
  RowRegion all(region.size(), Rows::all());
  if (options.isIncremental && !region.empty() && isWindowOrder(region, flow.axes) &&
      !prefersWindowOrder(*transfer))
    return convert(demand(value, all), flow.axes, all, region);
  if (isSingle && !region[0].isAll() && !slides(value) &&
      wholeDemands.count(value.getAsOpaquePointer()))
    return convert(demand(value, all), flow.axes, all, region);
  if (isSingle && region[0].isAll() && options.retroactive && options.isIncremental)
    if (PlanNode *updated = makeRetroactive(value, /*fromNothing=*/false))
      return updated;
  if (region.empty() && options.updatesFrequencies && options.isIncremental)
    if (PlanNode *updated = makeFrequencies(value, /*fromNothing=*/false))
      return updated;
  return applyOp(value, region);
}

PlanNode *StepPlan::makeArgumentRows(BlockArgument argument, const RowRegion &region) {
  const TokenAxis &axis = flows.getFlow(argument).axes.front();
  auto type = cast<RankedTensorType>(argument.getType());
  PlanNode node(PlanNode::Kind::Window, argument);
  node.axes = {axis};
  node.type = type;
  if (!options.isIncremental || axis.chunk == axis.tokens) {
    node.region = windowOrder(axis);
    RowRegion whole = node.region;
    PlanNode *window = nullptr;
    {
      ScopeGuard guard(*this, PlanNode::Now);
      PlanNode *&known = memo[keyOf(argument, whole)];
      if (!known)
        known = add(node);
      window = known;
    }
    return convert(window, axis, whole, region);
  }
  if (region[0].isSlot())
    return convert(demand(argument, {Rows::all()}), axis, {Rows::all()}, region);
  Rows newest = Rows::newest(axis);
  if (region[0] != newest || scope == PlanNode::Before)
    return readRing(argument, region[0]);
  node.kind = PlanNode::Kind::NewTokens;
  node.region = region;
  node.type = restrict(type, axis, region);
  return add(node);
}

//===----------------------------------------------------------------------===//
// Rings
//===----------------------------------------------------------------------===//

SmallVector<int64_t> StepPlan::dirtyRows(Value value, bool neededOnly) {
  const TokenFlow &flow = flows.getFlow(value);
  const TokenAxis &axis = flow.axes.front();
  const Margins &margins = flow.margins.front();
  const std::set<int64_t> &needed = ringDemands[value.getAsOpaquePointer()];
  SmallVector<int64_t> rows;
  for (int64_t row = 0; row < axis.numRows(); ++row) {
    int64_t token = row - axis.lead;
    bool isLeft = axis.isToken(row) && token < margins.left;
    bool isRight = axis.isToken(row) && token >= axis.tokens - margins.right;
    if (!axis.isToken(row) || isRight || (isLeft && (!neededOnly || needed.count(row))))
      rows.push_back(row);
  }
  return rows;
}

PlanNode *StepPlan::getRing(Value value) {
  auto found = rings.find(value);
  if (found != rings.end())
    return found->second;
  ScopeGuard guard(*this, PlanNode::Now);
  const TokenAxis &axis = flows.getFlow(value).axes.front();
  Rows dirty = Rows::list(dirtyRows(value, /*neededOnly=*/true));
  PlanNode *source =
      isa<BlockArgument>(value) ? demand(value, {dirty}) : applyOp(value, {dirty});
  PlanNode node(PlanNode::Kind::Push, value);
  node.axes = {axis};
  node.axis = axis;
  node.to = dirty;
  node.operands = {source};
  node.region = {Rows::all()};
  node.type = cast<RankedTensorType>(value.getType());
  PlanNode *ring = add(node);
  rings[value] = ring;
  return ring;
}

PlanNode *StepPlan::readRing(Value value, const Rows &rows) {
  const TokenAxis &axis = flows.getFlow(value).axes.front();
  std::set<int64_t> &needed = ringDemands[value.getAsOpaquePointer()];
  if (rows.isAll())
    for (int64_t row = 0; row < axis.numRows(); ++row)
      needed.insert(row);
  else
    needed.insert(rows.getPositions().begin(), rows.getPositions().end());
  return convert(getRing(value), axis, {Rows::all()}, {rows});
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

/// The rows that the op really computes when `region` is asked for.
static RowRegion widen(const FlowTransfer &transfer, const RowRegion &region) {
  RowRegion computed = region;
  for (auto [axis, rows, isMade] :
       llvm::zip_equal(transfer.axes, computed, findMadeAxes(transfer)))
    if (isMade && (rows.isAll() || rows.isSlot()))
      rows = Rows::range(0, axis.numRows());
  for (ArrayRef<AxisUse> uses : transfer.uses)
    for (const AxisUse &use : uses) {
      RowMap::Kind kind = use.map.getKind();
      if (kind == RowMap::Kind::All || kind == RowMap::Kind::Pick)
        continue;
      unsigned index = use.map.getResultAxis();
      const TokenAxis &axis = transfer.axes[index];
      Rows asked = use.map.operandRows(use.axis, transfer.axes, region);
      if (kind == RowMap::Kind::Normalize && asked.isAll())
        computed[index] = Rows::all();
      else if (region[index].isAll() && !asked.isAll())
        computed[index] = Rows::range(0, axis.numRows());
    }
  return computed;
}

PlanNode *StepPlan::applyOp(Value value, const RowRegion &region) {
  Operation *op = value.getDefiningOp();
  const FlowTransfer &transfer = *flows.getTransfer(op);
  if (transfer.isWhole)
    return applyWhole(value, transfer, region);
  RowRegion computed = widen(transfer, region);
  // A ring and a reader of its new rows ask for the same.
  Key key = keyOf(value, computed);
  if (PlanNode *known = lookUp(applied, key))
    return convert(known, transfer.axes, computed, region);
  PlanNode node(PlanNode::Kind::Apply, value, op);
  node.resultNumber = cast<OpResult>(value).getResultNumber();
  node.region = computed;
  node.axes.assign(transfer.axes.begin(), transfer.axes.end());
  node.type = restrict(cast<RankedTensorType>(value.getType()), transfer.axes, computed);
  for (OpOperand &operand : op->getOpOperands())
    node.operands.push_back(makeOperand(
        operand, transfer.uses[operand.getOperandNumber()], transfer, computed));
  PlanNode *made = rescale(add(std::move(node)), transfer);
  applied[key] = made;
  return convert(made, transfer.axes, computed, region);
}

PlanNode *StepPlan::applyWhole(Value value, const FlowTransfer &transfer,
                               const RowRegion &region) {
  Operation *op = value.getDefiningOp();
  SmallVector<PlanNode *> &made = wholes[op];
  if (made.empty()) {
    SmallVector<PlanNode *, 3> operands;
    for (OpOperand &operand : op->getOpOperands()) {
      const TokenFlow &flow = flows.getFlow(operand.get());
      operands.push_back(flow.isStill ? makeStill(operand, {}, {})
                                      : demand(operand.get(), windowOrder(flow.axes)));
    }
    for (OpResult result : op->getResults()) {
      PlanNode node(PlanNode::Kind::Whole, result, op);
      node.resultNumber = result.getResultNumber();
      node.operands = operands;
      node.axes.assign(transfer.axes.begin(), transfer.axes.end());
      node.region = windowOrder(transfer.axes);
      node.type = dyn_cast<RankedTensorType>(result.getType());
      wholes[op].push_back(add(std::move(node)));
    }
  }
  PlanNode *node = wholes[op][cast<OpResult>(value).getResultNumber()];
  return convert(node, transfer.axes, node->region, region);
}

PlanNode *StepPlan::convert(PlanNode *node, ArrayRef<TokenAxis> axes,
                            const RowRegion &from, const RowRegion &to) {
  for (auto [axis, have, want] : llvm::zip_equal(axes, from, to)) {
    if (have == want)
      continue;
    // A slot is one of slot order.
    if (want.isSlot() && !have.isAll()) {
      ScopeGuard guard(*this, PlanNode::Now);
      node = convertAxis(node, axis, have, Rows::all());
      node = convertAxis(node, axis, Rows::all(), want);
    } else {
      node = convertAxis(node, axis, have, want);
    }
  }
  return node;
}

PlanNode *StepPlan::convertAxis(PlanNode *node, const TokenAxis &axis, const Rows &from,
                                const Rows &to) {
  PlanNode step(PlanNode::Kind::Select, node->value);
  if (to.isSlot())
    step.kind = PlanNode::Kind::Slot;
  else if (from.isAll())
    step.kind = PlanNode::Kind::Read;
  else if (to.isAll())
    step.kind = PlanNode::Kind::Roll;
  step.operands = {node};
  step.axis = axis;
  step.from = from;
  step.to = to;
  SmallVector<int64_t> shape(node->type.getShape());
  shape[axis.dim] = shape[axis.dim] / from.size(axis.numRows()) * to.size(axis.numRows());
  step.type = node->type.clone(shape);
  return add(std::move(step));
}
