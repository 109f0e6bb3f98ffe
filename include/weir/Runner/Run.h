//===- Run.h - Compile a model and run it on a stream ---------------------===//
// What `weir-run` does, as a function. Messages go to standard error as
// `FILE: error: ...`, results to files and standard output.

#ifndef WEIR_RUNNER_RUN_H
#define WEIR_RUNNER_RUN_H

#include "weir/Pipelines/LoadModel.h"
#include "weir/Runner/Compress.h"
#include "weir/Runner/Explain.h"
#include "llvm/Support/raw_ostream.h"

namespace weir {

/// What the process returns.
enum class Outcome { Done = 0, Refused = 1, Usage = 2, Differs = 3 };

struct RunOptions {
  ModelOptions model;
  /// Step by step, or every window through `@window`.
  bool continual = true;
  /// How attentions are made cheaper; none: they stay what they are. Its files are those
  /// below.
  std::optional<CompressOptions> compress;
  /// `NAME=FILE.npy`: inputs with, and without, a token axis.
  std::vector<std::string> streams, statics;
  /// `[NAME=]FILE.npy`: what the error of narrow weights is measured on.
  std::vector<std::string> calibration;
  std::string output; // OUT.npz, "" for none
  bool verify = false;
  /// What steps are compared with; none: what they are made to equal.
  std::optional<Semantics> against;
  double tolerance = 2e-5;
  bool verifySlides = false;
  bool prove = false;
  std::optional<ExplainFormat> explain;
  bool bench = false;
  std::string report; // file for the explanation as JSON, "" for none
};

Outcome runModel(const RunOptions &options, llvm::raw_ostream &out);

} // namespace weir

#endif // WEIR_RUNNER_RUN_H
