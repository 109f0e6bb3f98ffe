//===- Calibrate.h - What attentions are made to keep, by data ------------===//

#ifndef WEIR_LIB_RUNNER_CALIBRATE_H
#define WEIR_LIB_RUNNER_CALIBRATE_H

#include "Streams.h"

namespace weir {

/// What is written to each weir.attention of a window; see `weir-calibrate`.
struct Calibration {
  /// Choose weir.keep, the rows of which this part of the energy is left; 0: do not.
  double energy = 0;
  /// Make weir.surrogates, this many of them; 0: do not.
  int64_t clusters = 0;
  /// Surrogates of each head for itself.
  bool perHead = false;
};

/// The smallest m for which frequencies 1 .. m - 1 hold `part` of the energy of 1 .. n -
/// 1 in each of `spectra`; the constant part, which all m hold, does not count.
int64_t chooseKept(llvm::ArrayRef<std::vector<double>> spectra, double part);

/// Writes attributes to every weir.attention of `@window` by what the windows of
/// `samples` give.
llvm::LogicalResult calibrateAttentions(mlir::ModuleOp module,
                                        llvm::ArrayRef<Streams> samples,
                                        const Calibration &options);

} // namespace weir

#endif // WEIR_LIB_RUNNER_CALIBRATE_H
