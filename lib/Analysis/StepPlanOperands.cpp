//===- StepPlanOperands.cpp - What an op on some rows reads ---------------===//

#include "weir/Analysis/StepPlan.h"

using namespace mlir;
using namespace weir;

/// The rows that hold `rows` of an axis refined into `fineness` for one; `refined` is set
/// to what they are of the refined axis. Slot order is the same in both.
static Rows coarsen(const Rows &rows, int64_t fineness, Rows &refined) {
  refined = rows;
  if (rows.isAll() || fineness == 1)
    return rows;
  refined = Rows::all();
  if (rows.isSlot())
    return Rows::all();
  std::set<int64_t> held;
  SmallVector<int64_t> parts;
  for (int64_t row : rows.getPositions())
    held.insert(row / fineness);
  for (int64_t row : held)
    for (int64_t part = 0; part < fineness; ++part)
      parts.push_back(row * fineness + part);
  refined = Rows::list(parts);
  return Rows::list(SmallVector<int64_t>(held.begin(), held.end()));
}

/// Rows of a value whose axes are read as `axes`: each itself or refined, in any order.
PlanNode *StepPlan::demandAs(Value value, ArrayRef<TokenAxis> axes,
                             const RowRegion &region) {
  const TokenFlow &flow = flows.getFlow(value);
  RowRegion coarse(flow.axes.size()), held = region;
  for (auto [axis, rows, refined] : llvm::zip_equal(axes, region, held)) {
    unsigned index = *flow.axisReadAs(axis);
    coarse[index] = coarsen(rows, axis.tokens / flow.axes[index].tokens, refined);
  }
  return convert(demand(value, coarse), axes, held, region);
}

PlanNode *StepPlan::makeOperand(OpOperand &operand, ArrayRef<AxisUse> uses,
                                const FlowTransfer &transfer, const RowRegion &computed) {
  const TokenFlow &flow = flows.getFlow(operand.get());
  SmallVector<TokenAxis> axes;
  RowRegion region;
  for (const AxisUse &use : uses) {
    axes.push_back(use.axis);
    region.push_back(use.map.operandRows(use.axis, transfer.axes, computed));
  }
  if (flow.isStill)
    return makeStill(operand, axes, region);
  if (llvm::any_of(llvm::zip_equal(axes, region), [](auto pair) {
        auto &[axis, rows] = pair;
        return rows.size(axis.numRows()) == 0;
      }))
    return add(PlanNode(PlanNode::Kind::Nothing, operand.get()));
  bool carriesAll =
      axes.size() == flow.axes.size() && llvm::all_of(axes, [&](const TokenAxis &axis) {
        return flow.axisReadAs(axis).has_value();
      });
  if (!carriesAll) {
    // The use sees an axis that the value does not know of: all of it, then cut.
    PlanNode *whole = demand(operand.get(), windowOrder(flow.axes));
    return convert(whole, axes, windowOrder(axes), region);
  }
  PlanNode *node = demandAs(operand.get(), axes, region);
  for (auto [use, rows] : llvm::zip_equal(uses, region)) {
    RowMap::Kind kind = use.map.getKind();
    if (kind == RowMap::Kind::All || kind == RowMap::Kind::Normalize ||
        kind == RowMap::Kind::Window)
      node = mask(node, use.axis, rows, transfer.absent);
  }
  return node;
}

PlanNode *StepPlan::makeStill(OpOperand &operand, ArrayRef<TokenAxis> axes,
                              const RowRegion &region) {
  ScopeGuard guard(*this, scopeOf(region));
  PlanNode node(PlanNode::Kind::Still, operand.get());
  node.axes.assign(axes.begin(), axes.end());
  node.region = region;
  node.isRecycled = options.isIncremental && flows.isRecycled(operand);
  node.op = node.isRecycled ? operand.getOwner() : nullptr;
  if (auto type = dyn_cast<RankedTensorType>(operand.get().getType()))
    node.type = type.clone(restrictedShape(type.getShape(), axes, region));
  return add(std::move(node));
}
