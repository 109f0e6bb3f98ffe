//===- VerifySlides.h - Is every claim of sliding true? -------------------===//

#ifndef WEIR_RUNNER_VERIFYSLIDES_H
#define WEIR_RUNNER_VERIFYSLIDES_H

#include "weir/Transforms/MakeContinual.h"

namespace weir {

struct SlideCheck {
  /// Values that the analysis says slide, and were compared.
  unsigned numClaims = 0;
  /// One line for each claim that does not hold: node, op and difference.
  std::vector<std::string> wrong;
};

/// Runs the window function on windows 0, 1, ... `numWindows` - 1, all its values being
/// outputs, and compares every value that is claimed to slide with itself one step
/// before, to 1e-5 of its largest element. `fill(i, buffers)` writes the i-th window of
/// each input, in order. Fails only when the function cannot be compiled.
///
/// End-to-end errors do not show a wrong claim that happens to have little weight; this
/// does.
mlir::FailureOr<SlideCheck>
verifySlides(mlir::ModuleOp module, const ArgumentAxes &axes, int64_t numWindows,
             llvm::function_ref<void(int64_t, llvm::ArrayRef<char *>)> fill);

} // namespace weir

#endif // WEIR_RUNNER_VERIFYSLIDES_H
