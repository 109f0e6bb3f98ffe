//===- Compress.h - Attentions of a model that cost less --------------------===//
// What `--rewrite=dct` and `--rewrite=cast` do between preparing a model and running it:
//
//   attentions are raised -> calibrated -> rewritten -> measured against the original
//
// An approximation is never silent: there is trained data for it, or data to measure it
// on, or the user has said that it is wanted.

#ifndef WEIR_RUNNER_COMPRESS_H
#define WEIR_RUNNER_COMPRESS_H

#include "mlir/IR/BuiltinOps.h"
#include "weir/Transforms/CompressedAttention.h"
#include "weir/Transforms/MakeContinual.h"
#include "llvm/Support/raw_ostream.h"
#include <vector>

namespace weir {

enum class Compression { Dct, Cast };

struct CompressOptions {
  Compression kind = Compression::Dct;
  /// Options of the pass, as it prints them: "variant=resample keep=16".
  std::string pass;
  /// `[NAME=]FILE.npy`: data to choose by and to measure on.
  std::vector<std::string> calibration;
  /// `NAME=FILE.npy`: what is streamed, and inputs without a token axis.
  std::vector<std::string> streams, statics;
  /// The user wants other numbers without knowing how far they are off.
  bool approximate = false;
};

/// An error over all windows: of the Euclidean norm, and of the largest element.
struct MeasuredError {
  double norm = 0, largest = 0;
  /// The root of the mean square and the largest, in standard deviations of the original.
  double rmsOfSpread = 0, largestOfSpread = 0;
};

struct CompressReport {
  Compression kind = Compression::Dct;
  std::vector<CompressedAttention> attentions;
  /// What errors were measured on; "" where they were not.
  std::string measuredOn;
  int64_t numWindows = 0;
  /// Of the result of each attention, none of those left alone; and of each output.
  std::vector<std::optional<MeasuredError>> layers;
  std::vector<std::pair<std::string, MeasuredError>> outputs;
  int64_t macsBefore = 0, macsAfter = 0;       ///< multiply-accumulates of the window
  int64_t scratchBefore = 0, scratchAfter = 0; ///< bytes of temporaries; 0 not planned

  /// That of one of `attentions`; null where none was measured.
  const MeasuredError *errorOf(size_t attention) const {
    bool isMeasured = attention < layers.size() && layers[attention];
    return isMeasured ? &*layers[attention] : nullptr;
  }
};

/// Rewrites `@window`, which is prepared and takes tokens along `axes`.
mlir::FailureOr<CompressReport> compressModel(mlir::ModuleOp module,
                                              const ArgumentAxes &axes,
                                              const CompressOptions &options);

/// What errors there are, a line each, or that none were measured.
void printErrors(llvm::raw_ostream &os, const CompressReport &report);

} // namespace weir

#endif // WEIR_RUNNER_COMPRESS_H
