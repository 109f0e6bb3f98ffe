//===- EmitPlan.h - Turn the nodes of a plan into ops ---------------------===//

#ifndef WEIR_LIB_TRANSFORMS_EMITPLAN_H
#define WEIR_LIB_TRANSFORMS_EMITPLAN_H

#include "mlir/IR/IRMapping.h"
#include "weir/Analysis/StepPlan.h"
#include "weir/Transforms/MakeContinual.h"

namespace weir {

/// Emits a plan at the builder's insertion point, into a function that has values for
/// the plan's inputs and rings.
class PlanEmitter {
public:
  /// `step`: the counter, an index, by which slots are found.
  PlanEmitter(mlir::OpBuilder &builder, const TokenFlowAnalysis &flows,
              const StepPlan &plan, const ContinualOptions &options, mlir::Value step)
      : builder(builder), flows(flows), plan(plan), layout(options.layout),
        period(options.period), step(step) {}

  /// Gives a node of kind NewTokens or Window its value, a Push its ring before the push.
  void set(const PlanNode *node, mlir::Value value) { values[node] = value; }
  /// Gives an argument that no step changes its value.
  void setStill(mlir::BlockArgument argument, mlir::Value value) {
    still.map(argument, value);
  }
  /// Gives a node of an update its states before the step.
  void setStates(const PlanNode *node, llvm::ArrayRef<mlir::Value> before) {
    states[node].assign(before.begin(), before.end());
  }
  /// States are those after the step already: they are read, not updated.
  void keepStates() { updates = false; }

  mlir::LogicalResult emit();

  mlir::Value get(const PlanNode *node) const { return values.lookup(node); }
  llvm::ArrayRef<mlir::Value> getStates(const PlanNode *node) const {
    return states.find(node)->second;
  }
  /// A still value of the window: constants are cloned, and so is what follows from them.
  mlir::Value cloneStill(mlir::Value value);
  /// Rows of a value that holds all of them in the order that states have.
  mlir::Value emitRead(mlir::Location at, mlir::RankedTensorType type, mlir::Value ring,
                       const TokenAxis &axis, const Rows &rows);

private:
  mlir::LogicalResult emitNode(const PlanNode &node);
  mlir::LogicalResult emitApply(const PlanNode &node);
  mlir::LogicalResult emitUpdate(const PlanNode &node);
  void emitFrequencies(const PlanNode &node);
  mlir::LogicalResult emitBody(const PlanNode &node, mlir::Region &region);
  mlir::LogicalResult emitScope(unsigned wanted);
  mlir::Value emitSlot(mlir::Value value, const TokenAxis &axis);
  mlir::Value emitSlotOfWindow(mlir::Value value, const TokenAxis &axis);
  mlir::Value emitStill(const PlanNode &node);
  mlir::Value emitStillRows(const PlanNode &node, mlir::Value value);
  mlir::Value emitConstant(mlir::Value like, mlir::ElementsAttr elements);
  mlir::Value emitRecycled(const PlanNode &node);
  mlir::Value emitPush(const PlanNode &node);
  mlir::Value emitRoll(mlir::Location at, mlir::Value window, const TokenAxis &axis);

  mlir::OpBuilder &builder;
  const TokenFlowAnalysis &flows;
  const StepPlan &plan;
  StateOrder layout;
  int64_t period; ///< of recycled tables, 0 for the window
  mlir::Value step;
  mlir::Value slot; ///< of the body that is emitted
  bool updates = true;
  mlir::Location loc = builder.getUnknownLoc();
  llvm::DenseMap<const PlanNode *, mlir::Value> values;
  llvm::DenseMap<const PlanNode *, llvm::SmallVector<mlir::Value>> states;
  std::map<std::pair<mlir::Operation *, unsigned>, mlir::Value> wholeResults;
  mlir::IRMapping still;
};

} // namespace weir

#endif // WEIR_LIB_TRANSFORMS_EMITPLAN_H
