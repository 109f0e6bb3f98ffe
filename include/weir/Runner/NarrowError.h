//===- NarrowError.h - What narrow weights do to the outputs --------------===//

#ifndef WEIR_RUNNER_NARROWERROR_H
#define WEIR_RUNNER_NARROWERROR_H

#include "mlir/IR/BuiltinOps.h"
#include "weir/Pipelines/LoadModel.h"
#include "weir/Support/WeightKind.h"
#include "weir/Transforms/MakeContinual.h"
#include "llvm/Support/raw_ostream.h"
#include <vector>

namespace weir {

/// How far an output is from that of f32 weights, in standard deviations of the output.
struct OutputError {
  std::string name;
  double rms = 0, largest = 0;
};

/// Weights that are stored in more bits than was asked for.
struct WiderWeights {
  std::string node; ///< of the ONNX file, whose weights they are
  WeightKind kind;
};

struct NarrowReport {
  WeightKind kind = WeightKind::F32; ///< that was asked for
  int64_t bytes = 0, bytesInF32 = 0; ///< of all constants of the window
  int64_t numWeights = 0;            ///< matrices that could be narrow
  std::vector<WiderWeights> wider;
  /// That was asked for, and that all weights of `kind` would have made.
  double mostError = 0, largestWithout = 0;
  std::string measuredOn;
  int64_t numWindows = 0;
  std::vector<OutputError> outputs;
};

/// Files that an error is measured on, `[NAME=]FILE.npy` and `NAME=FILE.npy`; without
/// the former, random windows.
struct NarrowData {
  llvm::ArrayRef<std::string> calibration, statics;
  /// In standard deviations of each output.
  double mostError = ModelOptions().mostWeightError;
};

/// Runs `@window` of `module`, which says how its weights are stored, and the same with
/// weights in f32. Has the module store in more bits what makes errors too large, and
/// round by what is seen of the data. None of a module without `@window`.
mlir::FailureOr<std::optional<NarrowReport>>
measureNarrowing(mlir::ModuleOp module, const ArgumentAxes &axes, const NarrowData &data);

/// A line for the weights, and one for each output.
void printErrors(llvm::raw_ostream &os, const NarrowReport &report);

} // namespace weir

#endif // WEIR_RUNNER_NARROWERROR_H
