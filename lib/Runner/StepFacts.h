//===- StepFacts.h - What a step says of itself ---------------------------===//

#ifndef WEIR_LIB_RUNNER_STEPFACTS_H
#define WEIR_LIB_RUNNER_STEPFACTS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "weir/Transforms/MakeContinual.h"

namespace weir {

/// The attributes of a `@step`; see EmitStep.h for what they mean.
struct StepFacts {
  int64_t ready = 0;   ///< steps until there are outputs
  int64_t full = 0;    ///< until they equal what the step is said to
  int64_t skipped = 0; ///< tokens by which the first step is ahead of the stream
  std::optional<Semantics> semantics;

  /// All zero where there is no step.
  static StepFacts of(mlir::func::FuncOp step);
  /// Steps until as many tokens have come as a window of `axis` holds.
  int64_t windowSteps(const TokenAxis &axis) const;
  /// Tokens of the stream that have come with the first step that counts.
  int64_t firstTokens(const TokenAxis &axis) const { return full * axis.chunk - skipped; }
};

} // namespace weir

#endif // WEIR_LIB_RUNNER_STEPFACTS_H
