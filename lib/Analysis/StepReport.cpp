//===- StepReport.cpp - What a rewrite chose, and what it saves -----------===//

#include "weir/Analysis/StepReport.h"
#include "weir/Support/NodeDiagnostics.h"
#include <set>

using namespace mlir;
using namespace weir;

int64_t weir::countWindowMacs(func::FuncOp function) {
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
      bool contracts = llvm::any_of(transfer->uses[use.getOperandNumber()],
                                    [](const AxisUse &axisUse) {
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

namespace {
/// Query rows of one softmax that a step computes, in one or several pieces.
struct AskedQueries {
  std::set<int64_t> rows;
  bool areAll = false;
  bool areUpdated = false;

  void add(const Rows &asked, int64_t numRows) {
    areAll |= asked.isAll();
    rows.insert(asked.getPositions().begin(), asked.getPositions().end());
    areAll |= static_cast<int64_t>(rows.size()) == numRows;
  }
  std::string str() const {
    return areAll ? "all"
                  : Rows::list(SmallVector<int64_t>(rows.begin(), rows.end())).str();
  }
};
} // namespace

static AttentionReport describeAttention(Operation *op, const AskedQueries &queries,
                                         const TokenFlowAnalysis &flows) {
  AttentionReport report;
  report.node = getNodeName(op);
  const TokenFlow &scores = flows.getFlow(op->getOperand(0));
  report.rows = queries.str();
  report.scoresSlide = scores.slides();
  report.valuesSlide = weighsSlidingValues(op, flows);
  report.form = queries.areUpdated ? "retroactive" : queries.areAll ? "regular" : "rows";
  report.reason = scores.slides() ? "" : scores.reason;
  return report;
}

/// Does `op` leave no token axis, yet as much as it was given: tokens, not a summary?
static bool hidesTokens(Operation *op, const TokenFlowAnalysis &flows) {
  if (!flows.getFlow(op->getResult(0)).axes.empty())
    return false;
  auto size = [](Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    return type && type.hasStaticShape() ? type.getNumElements() : 0;
  };
  return llvm::all_of(op->getOperands(), [&](Value operand) {
    return flows.getFlow(operand).isStill || size(operand) <= size(op->getResult(0));
  });
}

/// Does the node compute tokens that a step before has computed, or all of them?
static bool recomputesTokens(const PlanNode &node, const TokenFlowAnalysis &flows) {
  if (node.kind == PlanNode::Kind::Whole)
    return llvm::any_of(node.op->getOperands(), [&](Value operand) {
      return !flows.getFlow(operand).axes.empty();
    });
  // A new query meets all keys; only old queries meet them again.
  return !node.axes.empty() &&
         llvm::all_of(llvm::zip_equal(node.axes, node.region), [](auto pair) {
           auto &[axis, rows] = pair;
           return rows.size(axis.numRows()) > axis.chunk + axis.lead + axis.tail;
         });
}

/// What would let the values behind `op` slide.
static std::string adviseOn(Operation *op, const TokenFlowAnalysis &flows) {
  bool addsTable =
      llvm::any_of(flows.getPositionTables(), [&](const PositionTable &table) {
        return table.use->getOwner() == op;
      });
  if (addsTable)
    return "use positions=recycle, or train with relative or rotary positions";
  const FlowTransfer *transfer = flows.getTransfer(op);
  if (!transfer || transfer->isWhole)
    return "what treats each token alike, or reads neighbours at fixed distances (a "
           "convolution), slides: put that in its place, or move the node behind the "
           "last attention";
  if (getKeyUse(op, flows))
    return "train with attention in a band: each token then sees some neighbours instead "
           "of the window; where all rows come out, ask for fewer (rows=last)";
  if (transfer->isMatrixProduct)
    return "a weight for each distance between two tokens (a convolution) slides, a "
           "weight for each pair of positions does not";
  return "statistics of the window change with each token: those of each token alone, "
         "or fixed ones as of batch normalization, slide; or move the node behind the "
         "last attention";
}

/// The ops because of which the step computes what it has computed before, the dearest
/// first; the first in the function among equals. A summary of tokens, such as their
/// mean, is new at each step, and so is what follows from it: `summariesToo` counts that.
static std::vector<BlameReport> findBlame(const TokenFlowAnalysis &flows,
                                          const StepPlan &plan, bool summariesToo) {
  llvm::MapVector<Operation *, int64_t> macsOf;
  for (const PlanNode &node : plan.getNodes()) {
    bool computes =
        node.kind == PlanNode::Kind::Apply || node.kind == PlanNode::Kind::Whole;
    if (!computes)
      continue;
    Operation *culprit = flows.getFlow(node.value).culprit;
    if (!culprit)
      continue;
    int64_t macs = countMacs(node);
    bool isHidden =
        node.axes.empty() && macs > 0 && (summariesToo || hidesTokens(culprit, flows));
    if (isHidden || recomputesTokens(node, flows))
      macsOf[culprit] += macs;
  }
  auto culprits = macsOf.takeVector();
  llvm::sort(culprits, [](const auto &a, const auto &b) {
    return a.second != b.second ? a.second > b.second : a.first->isBeforeInBlock(b.first);
  });
  std::vector<BlameReport> blame;
  for (auto [op, macs] : culprits)
    blame.push_back({getNodeName(op), getOperatorName(op),
                     flows.getFlow(op->getResult(0)).reason, adviseOn(op, flows), macs,
                     op->getLoc()});
  return blame;
}

StepReport weir::makeStepReport(func::FuncOp function, const TokenFlowAnalysis &flows,
                                const StepPlan &plan) {
  StepReport report;
  report.macsStep = plan.countMacs();
  report.macsStepWorst = plan.countWorstMacs();
  report.stateBytes = plan.countStateBytes();
  report.macsWindow = countWindowMacs(function);
  StepPlan::Options windowOnly;
  windowOnly.isIncremental = false;
  report.macsWindowPruned = StepPlan(function, flows, windowOnly).countMacs();
  llvm::MapVector<Operation *, AskedQueries> attentions;
  for (const PlanNode &node : plan.getNodes()) {
    if (node.kind == PlanNode::Kind::Retroactive) {
      AskedQueries &queries = attentions[plan.getMatch(node).softmax];
      queries.areAll = queries.areUpdated = true;
    }
    if (node.kind == PlanNode::Kind::Apply)
      if (const AxisUse *key = getKeyUse(node.op, flows)) {
        unsigned query = 1 - key->map.getResultAxis();
        attentions[node.op].add(node.region[query], node.axes[query].numRows());
      }
  }
  for (const auto &[op, queries] : attentions) {
    report.attentions.push_back(describeAttention(op, queries, flows));
    report.isRounded |= flows.getFlow(op->getOperand(0)).isRounded;
  }
  report.blame = findBlame(flows, plan, /*summariesToo=*/report.savesLittle());
  return report;
}
