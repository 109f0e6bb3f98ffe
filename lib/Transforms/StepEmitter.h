//===- StepEmitter.h - The functions of a model that runs on a stream -----===//

#ifndef WEIR_LIB_TRANSFORMS_STEPEMITTER_H
#define WEIR_LIB_TRANSFORMS_STEPEMITTER_H

#include "EmitPlan.h"
#include "weir/Support/NameSet.h"

namespace weir {

/// What a step leaves for the next: the counter, a ring, a part of what an update keeps,
/// or the newest tokens of an input without a ring.
struct StepState {
  std::string name;
  mlir::RankedTensorType type;
  const PlanNode *ring = nullptr;
  mlir::BlockArgument input = nullptr;
  const PlanNode *update = nullptr; ///< that keeps it, among others
};

/// What a function takes and gives.
struct Signature {
  enum Inputs { None, Newest, Whole };
  Inputs inputs = None;
  bool takesStates = false, givesOutputs = false, givesStates = false;
};

class StepEmitter {
public:
  StepEmitter(mlir::func::FuncOp window, const TokenFlowAnalysis &flows,
              const StepPlan &plan, const ContinualOptions &options)
      : window(window), flows(flows), plan(plan), options(options),
        builder(window.getContext()) {}

  llvm::LogicalResult emit();

private:
  std::string nameOf(mlir::BlockArgument input);
  void collectStates();
  void setTiming(mlir::func::FuncOp step);
  mlir::func::FuncOp declare(llvm::StringRef name, Signature signature);
  mlir::RankedTensorType inputType(mlir::BlockArgument argument,
                                   Signature::Inputs inputs);
  mlir::Value counterOf(mlir::func::FuncOp function, unsigned firstState);
  mlir::Value toIndex(mlir::Value count);
  void bindInputs(PlanEmitter &emitter, const StepPlan &plan,
                  llvm::function_ref<mlir::Value(mlir::BlockArgument)> valueOf);
  void bindStates(PlanEmitter &emitter, llvm::function_ref<mlir::Value(size_t)> stateAt);
  mlir::Value nextPart(PlanEmitter &emitter, const StepState &state,
                       const PlanNode *node);
  void appendOutputs(PlanEmitter &emitter, const StepPlan &plan,
                     llvm::SmallVectorImpl<mlir::Value> &returned);
  mlir::Value makeCounter(mlir::Value count);
  mlir::Value makeZeros(const StepState &state);
  void finish(mlir::func::FuncOp function, mlir::ValueRange returned);

  void emitInit();
  llvm::LogicalResult emitStep(llvm::StringRef name, bool givesOutputs);
  llvm::LogicalResult emitPredict();
  StepPlan::Options primeOptions();
  void bindZeros(PlanEmitter &emitter, const StepPlan &plan);
  mlir::Value newestOf(mlir::Value input, const StepState &state);
  llvm::LogicalResult emitPrime();

  mlir::func::FuncOp window;
  const TokenFlowAnalysis &flows;
  const StepPlan &plan;
  const ContinualOptions &options;
  mlir::OpBuilder builder;
  mlir::Location loc = builder.getUnknownLoc();
  llvm::SmallVector<StepState> states;
  NameSet names;
  int64_t warmup = 0, skipped = 0;
};

} // namespace weir

#endif // WEIR_LIB_TRANSFORMS_STEPEMITTER_H
