//===- EmitStep.h - Turn a step plan into functions -----------------------===//

#ifndef WEIR_LIB_TRANSFORMS_EMITSTEP_H
#define WEIR_LIB_TRANSFORMS_EMITSTEP_H

#include "weir/Transforms/MakeContinual.h"

namespace weir {

/// Adds `@step` and `@init` beside `window`:
///
///   @step(inputs {weir.input, weir.axis}, states {weir.state})
///       -> (outputs {weir.output}, states {weir.state})
///   @init() -> (states {weir.state})
///
/// Streamed inputs hold the newest tokens only; the first state, `step`, counts steps.
/// `weir.warmup` of `@step` is the number of steps after which its outputs mean
/// something, `weir.full` of those after which it equals what it is said to (the window
/// is full, or any where it equals the model on the stream so far), `weir.skipped` how
/// many tokens of the first step precede the window; `weir.semantics` is "stream" or
/// "deep" where it does not equal the model on a window.
///
/// With `options.entries` also
///
///   @push(inputs, states) -> (states)             a step without outputs
///   @predict(states) -> (outputs)                 the outputs of the last push
///   @prime(windows) -> (outputs, states)          the first full window at once
///
/// and, among the states, the newest tokens of inputs that have no ring.
/// Fails, with an error at the node, when an op cannot be built on the rows it needs.
llvm::LogicalResult emitStep(mlir::func::FuncOp window, const TokenFlowAnalysis &flows,
                             const StepPlan &plan, const ContinualOptions &options);

/// Adds `@window_recycled`, the window function that a step with recycled position
/// tables equals: `window` with one more argument, tensor<i64> {weir.step}, the step by
/// which tables are read. None where there are no tables.
llvm::LogicalResult emitRecycledWindow(mlir::func::FuncOp window,
                                       const ArgumentAxes &axes,
                                       const ContinualOptions &options);

} // namespace weir

#endif // WEIR_LIB_TRANSFORMS_EMITSTEP_H
