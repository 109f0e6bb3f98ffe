//===- StepPlanFrequencies.cpp - Transforms that a step updates -----------===//
// The tokens that leave are read of the rings as the step before left them.

#include "weir/Analysis/Frequencies.h"
#include "weir/Analysis/StepPlan.h"

using namespace mlir;
using namespace weir;

PlanNode *StepPlan::makeFrequencies(Value value, bool fromNothing) {
  Operation *op = value.getDefiningOp();
  std::optional<TokenAxis> axis = findFrequencyAxis(op, flows);
  if (!axis)
    return nullptr;
  PlanNode node(PlanNode::Kind::Frequencies, value, op);
  node.axis = *axis;
  node.type = cast<RankedTensorType>(value.getType());
  Value tokens = op->getOperand(0);
  if (fromNothing) {
    node.operands.push_back(demand(tokens, windowOrder(*axis)));
    return add(std::move(node));
  }
  node.operands.push_back(demand(tokens, {Rows::newest(*axis)}));
  {
    ScopeGuard guard(*this, PlanNode::Before);
    node.operands.push_back(demand(tokens, {Rows::range(0, axis->chunk)}));
  }
  hasUpdates = true;
  return add(std::move(node));
}

bool StepPlan::updatesFrequencies() const {
  return llvm::any_of(nodes, [](const PlanNode &node) {
    return node.kind == PlanNode::Kind::Frequencies;
  });
}

PlanNode *StepPlan::makeUpdate(Value value, bool fromNothing) {
  if (PlanNode *node = makeFrequencies(value, fromNothing))
    return node;
  return makeRetroactive(value, fromNothing);
}
