//===- StepReport.cpp - What a rewrite chose, and what it saves -----------===//

#include "weir/Analysis/StepReport.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace weir;

/// Multiply-accumulates of every op as it stands.
static int64_t countWindowMacs(func::FuncOp function) {
  int64_t macs = 0;
  for (Operation &op : function.getBody().front())
    if (auto interface = dyn_cast<TokenFlowOpInterface>(op))
      macs += interface.countMacs(llvm::to_vector(op.getOperandTypes()),
                                  op.getResult(0).getType());
  return macs;
}

/// The use of `op`'s operand 0 that normalises a token axis against queries.
static const AxisUse *getKeyUse(Operation *op, const TokenFlowAnalysis &flows) {
  const FlowTransfer *transfer = flows.getTransfer(op);
  if (!transfer || transfer->axes.size() != 2 || transfer->uses.empty())
    return nullptr;
  for (const AxisUse &use : transfer->uses[0])
    if (use.map.getKind() == RowMap::Kind::Normalize)
      return &use;
  return nullptr;
}

/// Do the values that the weights `op` are contracted with slide?
static bool weighsSlidingValues(Operation *op, const TokenFlowAnalysis &flows) {
  SmallVector<Value> worklist = {op->getResult(0)};
  while (!worklist.empty()) {
    Value weights = worklist.pop_back_val();
    for (OpOperand &use : weights.getUses()) {
      const FlowTransfer *transfer = flows.getTransfer(use.getOwner());
      if (!transfer || transfer->isWhole)
        continue;
      bool contracts = llvm::any_of(
          transfer->uses[use.getOperandNumber()], [](const AxisUse &axisUse) {
            return axisUse.map.getKind() == RowMap::Kind::All;
          });
      if (!contracts) {
        worklist.push_back(use.getOwner()->getResult(0));
        continue;
      }
      for (Value other : use.getOwner()->getOperands())
        if (other != weights && flows.getFlow(other).slides())
          return true;
    }
  }
  return false;
}

static AttentionReport describeAttention(const PlanNode &node, const AxisUse &key,
                                         const TokenFlowAnalysis &flows) {
  AttentionReport report;
  report.node = getNodeName(node.op);
  const Rows &rows = node.region[1 - key.map.getResultAxis()];
  const TokenFlow &scores = flows.getFlow(node.op->getOperand(0));
  bool isAll = rows.isAll() ||
               rows.isWindowOrder(node.axes[1 - key.map.getResultAxis()].numRows());
  report.rows = isAll ? "all" : rows.str();
  report.scoresSlide = scores.slides();
  report.valuesSlide = weighsSlidingValues(node.op, flows);
  report.form = isAll ? "regular" : "rows";
  report.reason = scores.slides() ? "" : scores.reason;
  return report;
}

StepReport weir::makeStepReport(func::FuncOp function, const TokenFlowAnalysis &flows,
                                const StepPlan &plan) {
  StepReport report;
  report.macsStep = plan.countMacs();
  report.stateBytes = plan.countStateBytes();
  report.macsWindow = countWindowMacs(function);
  report.macsWindowPruned =
      StepPlan(function, flows, {/*isIncremental=*/false}).countMacs();
  llvm::SetVector<Operation *> culprits;
  for (const PlanNode &node : plan.getNodes()) {
    bool computes =
        node.kind == PlanNode::Kind::Apply || node.kind == PlanNode::Kind::Whole;
    if (!computes)
      continue;
    if (node.kind == PlanNode::Kind::Apply)
      if (const AxisUse *key = getKeyUse(node.op, flows))
        report.attentions.push_back(describeAttention(node, *key, flows));
    const TokenFlow &flow = flows.getFlow(node.value);
    bool isWide = llvm::any_of(llvm::zip_equal(node.axes, node.region), [](auto pair) {
      auto &[axis, rows] = pair;
      return rows.size(axis.numRows()) > axis.chunk;
    });
    if (flow.culprit && (isWide || node.kind == PlanNode::Kind::Whole))
      culprits.insert(flow.culprit);
  }
  for (Operation *op : culprits)
    report.blame.push_back({getNodeName(op), op->getName().stripDialect().str(),
                            flows.getFlow(op->getResult(0)).reason});
  return report;
}
