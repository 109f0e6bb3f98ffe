//===- Verify.h - Is the step what the window is? -------------------------===//

#ifndef WEIR_LIB_RUNNER_VERIFY_H
#define WEIR_LIB_RUNNER_VERIFY_H

#include "weir/Support/Npy.h"

namespace weir {

struct Difference {
  double largest = 0; ///< difference of two elements, infinite where only one is NaN
  double scale = 0;   ///< largest element of the window's outputs
  double unit = 0;    ///< last place of outputs of 16 bits, in units of the output
  double relative() const { return scale > 0 ? largest / scale : largest; }
};

/// As one line.
void print(llvm::raw_ostream &os, const Difference &difference);

using Outputs = llvm::ArrayRef<std::pair<std::string, NpyArray>>;

/// Outputs without their first `count` steps.
std::vector<std::pair<std::string, NpyArray>> dropSteps(Outputs outputs, int64_t count);

/// Compares the recorded outputs of steps with those of windows, of the same shapes.
Difference compareOutputs(Outputs steps, Outputs windows);

} // namespace weir

#endif // WEIR_LIB_RUNNER_VERIFY_H
