//===- StepPlanWarmup.cpp - Tokens that have not come yet -----------------===//

#include "weir/Analysis/StepPlan.h"

using namespace mlir;
using namespace weir;

/// Makes tokens that have not come harmless to an op that reads them.
PlanNode *StepPlan::mask(PlanNode *node, const TokenAxis &axis, const Rows &rows,
                         AbsentToken fill) {
  bool isThere = !rows.isAll() && llvm::all_of(rows.getPositions(), [&](int64_t row) {
    return axis.isThereFirst(row);
  });
  if (!options.masksAbsent || !options.isIncremental || isThere)
    return node;
  PlanNode masked(PlanNode::Kind::Mask, node->value);
  masked.operands = {node};
  masked.axis = axis;
  masked.to = rows;
  masked.fill = fill == AbsentToken::Mean ? AbsentToken::Zero : fill;
  masked.type = node->type;
  return add(std::move(masked));
}

/// A mean over tokens divides by those that have come.
PlanNode *StepPlan::rescale(PlanNode *node, const FlowTransfer &transfer) {
  if (!options.masksAbsent || !options.isIncremental ||
      transfer.absent != AbsentToken::Mean)
    return node;
  for (const AxisUse &use : transfer.uses.front()) {
    if (use.map.getKind() != RowMap::Kind::All)
      continue;
    PlanNode scaled(PlanNode::Kind::Rescale, node->value);
    scaled.operands = {node};
    scaled.axis = use.axis;
    scaled.type = node->type;
    node = add(std::move(scaled));
  }
  return node;
}
