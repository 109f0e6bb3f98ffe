//===- MeasureError.h - How far a rewritten model is from its original ----===//

#ifndef WEIR_LIB_RUNNER_MEASUREERROR_H
#define WEIR_LIB_RUNNER_MEASUREERROR_H

#include "Session.h"
#include "mlir/IR/OwningOpRef.h"
#include "weir/Runner/Compress.h"
#include <functional>

namespace weir {

/// A window, and what is to be done once to its memory.
struct ComparedWindow {
  const CompiledFunction &function;
  std::function<void(BoundFunction &)> prepare = [](BoundFunction &) {};
};

/// Windows of all samples, counted through.
struct WindowRange {
  int64_t first = 0, count = 0;

  bool contains(int64_t window) const {
    return window >= first && window < first + count;
  }
};

int64_t countWindows(llvm::ArrayRef<Streams> samples);
struct WindowLocation {
  const Streams *sample;
  int64_t index;
};
/// Where the window of this number is; there is one.
WindowLocation locateWindow(llvm::ArrayRef<Streams> samples, int64_t number);

/// What a window has returned, output by output.
std::vector<std::vector<double>> readOutputs(BoundFunction &window);
MeasuredError compareNumbers(llvm::ArrayRef<double> original,
                             llvm::ArrayRef<double> rewritten);

/// Compares the outputs that both have, by their places.
std::vector<MeasuredError> measureErrors(const ComparedWindow &original,
                                         const ComparedWindow &rewritten,
                                         llvm::ArrayRef<Streams> samples,
                                         WindowRange range);

/// Runs `@window` of both modules, which return as many values of the same shapes, on
/// every window of the samples. One entry for each result.
mlir::FailureOr<std::vector<MeasuredError>>
measureErrors(mlir::ModuleOp original, mlir::ModuleOp rewritten,
              llvm::ArrayRef<Streams> samples);

} // namespace weir

#endif // WEIR_LIB_RUNNER_MEASUREERROR_H
