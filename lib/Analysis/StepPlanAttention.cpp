//===- StepPlanAttention.cpp - Attentions that a step updates -------------===//
// What leaves is computed on the rings as the step before left them, what enters on those
// of this step, and one query's scores in a body that is run for the slots that need it.

#include "weir/Analysis/StepPlan.h"

using namespace mlir;
using namespace weir;

/// Before the step all that slides is in rings; for one slot too, of which a row is
/// taken.
PlanNode *StepPlan::makeRowsApart(Value value, const RowRegion &region) {
  const TokenFlow &flow = flows.getFlow(value);
  bool hasRing = region.size() == 1 && flow.slides() &&
                 !flows.getTransfer(value.getDefiningOp())->isView;
  if (!hasRing)
    return applyOp(value, region);
  if (scope == PlanNode::Before)
    return readRing(value, region[0]);
  return convert(demand(value, {Rows::all()}), flow.axes, {Rows::all()}, region);
}

PlanNode *StepPlan::makeRetroactive(Value value, bool fromNothing) {
  Operation *op = value.getDefiningOp();
  auto [found, isNew] = matches.try_emplace(op);
  if (isNew)
    found->second = matchRetroactive(value, flows);
  // A shadow counts the steps until its key leaves: only as the oldest.
  if (!found->second || (options.retroactive == RetroactiveForm::Shadow &&
                         !found->second->replacesOldest()))
    return nullptr;
  RetroactiveMatch match = *found->second;
  PlanNode node(PlanNode::Kind::Retroactive, value, op);
  node.axes.assign(flows.getFlow(value).axes.begin(), flows.getFlow(value).axes.end());
  node.region = {Rows::all()};
  node.type = cast<RankedTensorType>(value.getType());
  node.body = numScopes++;
  auto columns = [&](const Rows &keys) -> SmallVector<PlanNode *, 2> {
    return {mask(demand(match.scores, {Rows::all(), keys}), match.keys, keys,
                 AbsentToken::Lowest),
            demandAs(match.values, match.tokens, {keys})};
  };
  SmallVector<PlanNode *, 2> leaving, entering;
  if (!fromNothing) {
    {
      ScopeGuard guard(*this, PlanNode::Before);
      leaving = columns(match.leavingKeys());
    }
    entering = columns(match.enteringKeys());
  }
  node.operands.push_back(demand(match.values, {Rows::all()}));
  {
    ScopeGuard guard(*this, node.body);
    node.operands.push_back(mask(demand(match.scores, {Rows::slot(), Rows::all()}),
                                 match.keys, Rows::all(), AbsentToken::Lowest));
  }
  hasUpdates = true;
  node.operands.append(leaving);
  node.operands.append(entering);
  return add(std::move(node));
}
