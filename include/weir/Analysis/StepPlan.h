//===- StepPlan.h - What one step computes, reads and keeps ---------------===//
// Demand-driven: asked for rows of the outputs, the plan asks each op which rows of its
// operands that needs. Where a sliding value is asked for more than its new rows it
// reads a ring; that is all the state there is. The plan changes no IR.

#ifndef WEIR_ANALYSIS_STEPPLAN_H
#define WEIR_ANALYSIS_STEPPLAN_H

#include "weir/Analysis/Retroactive.h"
#include "llvm/ADT/MapVector.h"
#include <deque>
#include <map>
#include <set>

namespace weir {

/// Some rows of one value, and where they come from.
struct PlanNode {
  enum class Kind {
    NewTokens, ///< the argument of the step: the newest rows of an input
    Window,    ///< the argument of a window function: all rows, in window order
    Still,     ///< a constant (or what follows from constants alone) at one use
    Apply,     ///< result `resultNumber` of `op` on rows `region`
    Whole,     ///< result `resultNumber` of `op` on the whole window, in window order
    Push,      ///< the ring of `value`, its dirty rows `to` just written
    Read,      ///< rows `to` of operand 0, which is in slot order along `axis`
    Roll,      ///< operand 0, in window order along `axis`, put into slot order
    Select,    ///< rows `to` of operand 0, which holds rows `from` of `axis`
    Slot,      ///< the row of operand 0 in the slot of the body that the node stands in
    Nothing,   ///< an operand of which no row is needed
    Mask,      ///< operand 0, its rows `to` of `axis` that have not come read as `fill`
    Rescale,   ///< operand 0, a mean over `axis`, of the tokens that have come
    /// What `op` makes of the frequencies of its operand's tokens, updated. Operands: the
    /// rows that enter and those that leave or, where the states are built from nothing,
    /// the window.
    Frequencies,
    /// softmax(S) V in all rows, in slot order, updated. Operands: V, a row of S (in the
    /// body) and, where the states are not built from nothing, the columns of S and the
    /// rows of V that leave, then those that enter.
    Retroactive
  };
  /// When a node is computed.
  enum Scope : unsigned {
    Now,       ///< in the step
    Before,    ///< in the step, on what the step before left
    FirstBody, ///< and above: once for each slot that the body of an update is run for
  };
  PlanNode(Kind kind, mlir::Value value, mlir::Operation *op = nullptr)
      : kind(kind), value(value), op(op) {}

  Kind kind;
  mlir::Value value;
  mlir::Operation *op;
  unsigned resultNumber = 0;
  RowRegion region;
  /// The axes that `region` speaks of; for Still, those of the use.
  llvm::SmallVector<TokenAxis, 2> axes;
  llvm::SmallVector<PlanNode *, 3> operands;
  mlir::RankedTensorType type;
  TokenAxis axis;
  Rows from, to;
  AbsentToken fill = AbsentToken::Unknown;
  unsigned scope = Now;
  unsigned body = 0; ///< of Retroactive: the scope of its body
  /// Still: a position table whose rows follow their tokens; `op` adds it.
  bool isRecycled = false;
};

class StepPlan {
public:
  struct Options {
    /// False: the plain window function, demanded rows only; nothing is kept.
    bool isIncremental = true;
    /// How attentions that a step may update are updated; none: they are not.
    std::optional<RetroactiveForm> retroactive;
    /// Are the frequencies of tokens updated?
    bool updatesFrequencies = false;
    /// Steps before the first full window compute what the function would on the tokens
    /// that have come.
    bool masksAbsent = false;
    /// Values wanted beside the results, all of their rows in slot order.
    llvm::SmallVector<mlir::Value> kept;
    /// Values that steps update, whose states are wanted, built from nothing.
    llvm::SmallVector<mlir::Value> keptUpdates;
  };
  StepPlan(mlir::func::FuncOp function, const TokenFlowAnalysis &flows, Options options);
  StepPlan(const StepPlan &) = delete;

  /// In an order in which operands come first.
  const std::deque<PlanNode> &getNodes() const { return nodes; }
  /// One for each result of the function; null for a result that is still.
  llvm::ArrayRef<const PlanNode *> getResults() const { return results; }
  /// One for each of `Options::kept`, then of `Options::keptUpdates`.
  llvm::ArrayRef<const PlanNode *> getKept() const { return keptNodes; }
  /// Of a node of kind Retroactive.
  const RetroactiveMatch &getMatch(const PlanNode &node) const {
    return *matches.find(node.op)->second;
  }
  std::optional<RetroactiveForm> getRetroactiveForm() const {
    return options.retroactive;
  }
  /// Does a step update values by what leaves and what enters?
  bool updatesValues() const { return hasUpdates; }
  bool updatesFrequencies() const;
  /// Multiply-accumulates of one step in which no row of an update is built again, and
  /// of one in which all are.
  int64_t countMacs() const;
  int64_t countWorstMacs() const;
  /// Bytes of all rings and of the states of updates.
  int64_t countStateBytes() const;

private:
  using Key = std::tuple<void *, RowRegion, unsigned>;

  /// Nodes made while it lives are computed in another scope.
  class ScopeGuard {
  public:
    ScopeGuard(StepPlan &plan, unsigned scope) : plan(plan), outer(plan.scope) {
      plan.scope = scope;
    }
    ~ScopeGuard() { plan.scope = outer; }

  private:
    StepPlan &plan;
    unsigned outer;
  };

  void build();
  bool slides(mlir::Value value) const;
  Key keyOf(mlir::Value value, const RowRegion &region) const {
    return {value.getAsOpaquePointer(), region, scope};
  }
  unsigned scopeOf(const RowRegion &region) const;

  PlanNode *demand(mlir::Value value, const RowRegion &region);
  PlanNode *demandAs(mlir::Value value, llvm::ArrayRef<TokenAxis> axes,
                     const RowRegion &region);
  PlanNode *makeRows(mlir::Value value, const RowRegion &region);
  PlanNode *makeRowsApart(mlir::Value value, const RowRegion &region);
  PlanNode *makeRetroactive(mlir::Value value, bool fromNothing);
  PlanNode *makeFrequencies(mlir::Value value, bool fromNothing);
  PlanNode *makeUpdate(mlir::Value value, bool fromNothing);
  PlanNode *makeArgumentRows(mlir::BlockArgument argument, const RowRegion &region);
  PlanNode *applyOp(mlir::Value value, const RowRegion &region);
  PlanNode *applyWhole(mlir::Value value, const FlowTransfer &transfer,
                       const RowRegion &region);
  PlanNode *makeOperand(mlir::OpOperand &operand, llvm::ArrayRef<AxisUse> uses,
                        const FlowTransfer &transfer, const RowRegion &computed);
  PlanNode *makeStill(mlir::OpOperand &operand, llvm::ArrayRef<TokenAxis> axes,
                      const RowRegion &region);
  PlanNode *readRing(mlir::Value value, const Rows &rows);
  PlanNode *getRing(mlir::Value value);
  PlanNode *convert(PlanNode *node, llvm::ArrayRef<TokenAxis> axes, const RowRegion &from,
                    const RowRegion &to);
  PlanNode *mask(PlanNode *node, const TokenAxis &axis, const Rows &rows,
                 AbsentToken fill);
  PlanNode *rescale(PlanNode *node, const FlowTransfer &transfer);
  PlanNode *convertAxis(PlanNode *node, const TokenAxis &axis, const Rows &from,
                        const Rows &to);
  llvm::SmallVector<int64_t> dirtyRows(mlir::Value value, bool neededOnly);
  PlanNode *add(PlanNode node);
  int64_t
  countMacs(llvm::function_ref<int64_t(const RetroactiveMatch &)> builtRows) const;
  static PlanNode *lookUp(const std::map<Key, PlanNode *> &known, const Key &key);

  mlir::func::FuncOp function;
  const TokenFlowAnalysis &flows;
  Options options;
  std::deque<PlanNode> nodes;
  llvm::SmallVector<const PlanNode *> results, keptNodes;
  unsigned scope = PlanNode::Now, numScopes = PlanNode::FirstBody;
  bool hasUpdates = false;
  llvm::DenseMap<mlir::Operation *, std::optional<RetroactiveMatch>> matches;
  std::map<Key, PlanNode *> memo;    ///< rows of values, rings included
  std::map<Key, PlanNode *> applied; ///< rows that an op computes
  llvm::MapVector<mlir::Value, PlanNode *> rings;
  std::map<mlir::Operation *, llvm::SmallVector<PlanNode *>> wholes;
  /// Found by building until nothing new is asked for: values asked for as a whole, and
  /// the rows that are ever read of each ring.
  std::set<void *> wholeDemands;
  std::map<void *, std::set<int64_t>> ringDemands;
};

/// What an updated attention keeps, in the order of the op that updates it: names, and
/// types that follow from `scores` and the attention's `result`.
llvm::SmallVector<std::pair<llvm::StringRef, mlir::RankedTensorType>>
retroactiveStates(RetroactiveForm form, mlir::RankedTensorType scores,
                  mlir::RankedTensorType result);

/// Multiply-accumulates of one run of the op that a node applies.
int64_t countMacs(const PlanNode &node);

/// All rows of every axis, in window order.
RowRegion windowOrder(llvm::ArrayRef<TokenAxis> axes);

} // namespace weir

#endif // WEIR_ANALYSIS_STEPPLAN_H
