//===- AdviseStep.h - What would make a step cheaper ----------------------===//

#ifndef WEIR_LIB_TRANSFORMS_ADVISESTEP_H
#define WEIR_LIB_TRANSFORMS_ADVISESTEP_H

#include "weir/Transforms/MakeContinual.h"

namespace weir {

/// What `options` say of the facts about values.
TokenFlowAnalysis::Options getFlowOptions(const ContinualOptions &options);

/// The plan with the fewest multiply-accumulates among those that the options allow.
std::unique_ptr<StepPlan> planStep(mlir::func::FuncOp window,
                                   const TokenFlowAnalysis &flows,
                                   const ContinualOptions &options);

/// Where the step that `report` tells of takes more than a quarter of the window, plans
/// it again under each choice that could be made differently. Returns those that save a
/// tenth of it or more, the cheapest first. Changes nothing.
std::vector<Advice> adviseStep(mlir::func::FuncOp window, const ArgumentAxes &axes,
                               const ContinualOptions &options, const StepReport &report);

} // namespace weir

#endif // WEIR_LIB_TRANSFORMS_ADVISESTEP_H
