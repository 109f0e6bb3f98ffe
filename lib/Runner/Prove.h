//===- Prove.h - Is the step the window, as a formula? --------------------===//

#ifndef WEIR_LIB_RUNNER_PROVE_H
#define WEIR_LIB_RUNNER_PROVE_H

#include "StepFacts.h"

namespace weir {

struct Proof {
  int64_t numSteps = 0;
  /// Elements that were compared, and those that differ.
  int64_t numElements = 0, numWrong = 0;
  std::string firstWrong; // output and step of the first
};

/// Runs `@step`, which says `facts` of itself, and the window function of `module` on a
/// stream of random numbers of a finite field (FieldNumber.h) and compares all outputs,
/// bit for bit, at so many steps that each slot of a ring is overwritten and read at
/// every phase. A step that is no rearrangement of its window escapes with a probability
/// of about 2^-31 an element that it gets wrong. Fails, with an error, where the model
/// cannot be computed in a field.
mlir::FailureOr<Proof> proveSteps(mlir::ModuleOp module, const ArgumentAxes &axes,
                                  const StepFacts &facts);

} // namespace weir

#endif // WEIR_LIB_RUNNER_PROVE_H
