//===- Prove.h - Is the step the window, as a formula? --------------------===//

#ifndef WEIR_LIB_RUNNER_PROVE_H
#define WEIR_LIB_RUNNER_PROVE_H

#include "Streams.h"

namespace weir {

struct Proof {
  int64_t numSteps = 0;
  /// Elements that were compared, and those that differ.
  int64_t numElements = 0, numWrong = 0;
  std::string firstWrong; // output and step of the first
};

/// Runs `@step` and the window function of `module` on a stream of random numbers of a
/// finite field (FieldNumber.h) and compares all outputs of `numWindows` steps, bit for
/// bit. A step that is no rearrangement of its window escapes with a probability of
/// about 2^-31 an element that it gets wrong. Fails, with an error, where the model
/// cannot be computed in a field.
///
/// `window`: the function whose outputs count; the first full window ends `warmup` steps
/// after the stream begins, which starts `skipped` tokens early.
mlir::FailureOr<Proof> proveSteps(mlir::ModuleOp module, const ArgumentAxes &axes,
                                  llvm::ArrayRef<Port> inputs, llvm::StringRef window,
                                  int64_t warmup, int64_t skipped, int64_t numWindows);

} // namespace weir

#endif // WEIR_LIB_RUNNER_PROVE_H
