//===- StepPlan.h - What one step computes, reads and keeps ---------------===//
// Demand-driven: asked for rows of the outputs, the plan asks each op which rows of its
// operands that needs. Where a sliding value is asked for more than its new rows it
// reads a ring; that is all the state there is. The plan changes no IR.

#ifndef WEIR_ANALYSIS_STEPPLAN_H
#define WEIR_ANALYSIS_STEPPLAN_H

#include "weir/Analysis/TokenFlow.h"
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
    Apply,     ///< `op` on rows `region`
    Whole,     ///< result `resultNumber` of `op` on the whole window, in window order
    Push,      ///< the ring of `value`, its dirty rows `to` just written
    Read,      ///< rows `to` of operand 0, which is in slot order along `axis`
    Roll,      ///< operand 0, in window order along `axis`, put into slot order
    Select,    ///< rows `to` of operand 0, which holds rows `from` of `axis`
    Nothing    ///< an operand of which no row is needed
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
  /// Still: a position table whose rows follow their tokens.
  bool isRecycled = false;
};

class StepPlan {
public:
  struct Options {
    /// False: the plain window function, demanded rows only; nothing is kept.
    bool isIncremental = true;
    /// Values wanted beside the results, all of their rows in slot order.
    llvm::SmallVector<mlir::Value> kept;
  };
  StepPlan(mlir::func::FuncOp function, const TokenFlowAnalysis &flows, Options options);
  StepPlan(const StepPlan &) = delete;

  /// In an order in which operands come first.
  const std::deque<PlanNode> &getNodes() const { return nodes; }
  /// One for each result of the function; null for a result that is still.
  llvm::ArrayRef<const PlanNode *> getResults() const { return results; }
  /// One for each of `Options::kept`.
  llvm::ArrayRef<const PlanNode *> getKept() const { return keptNodes; }
  /// Multiply-accumulates of one step.
  int64_t countMacs() const;
  /// Bytes of all rings.
  int64_t countStateBytes() const;

private:
  using Key = std::pair<void *, RowRegion>;

  void build();
  bool slides(mlir::Value value) const;

  PlanNode *demand(mlir::Value value, const RowRegion &region);
  PlanNode *makeRows(mlir::Value value, const RowRegion &region);
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
  llvm::SmallVector<int64_t> dirtyRows(mlir::Value value, bool neededOnly);
  PlanNode *add(PlanNode node);
  static PlanNode *lookUp(const std::map<Key, PlanNode *> &known, const Key &key);

  mlir::func::FuncOp function;
  const TokenFlowAnalysis &flows;
  Options options;
  std::deque<PlanNode> nodes;
  llvm::SmallVector<const PlanNode *> results, keptNodes;
  std::map<Key, PlanNode *> memo;    ///< rows of values, rings included
  std::map<Key, PlanNode *> applied; ///< rows that an op computes
  llvm::MapVector<mlir::Value, PlanNode *> rings;
  std::map<mlir::Operation *, llvm::SmallVector<PlanNode *>> wholes;
  /// Found by building until nothing new is asked for: values asked for as a whole, and
  /// the rows that are ever read of each ring.
  std::set<void *> wholeDemands;
  std::map<void *, std::set<int64_t>> ringDemands;
};

/// All rows of every axis, in window order.
RowRegion windowOrder(llvm::ArrayRef<TokenAxis> axes);

} // namespace weir

#endif // WEIR_ANALYSIS_STEPPLAN_H
