//===- VerifyStream.h - Is the step what the whole stream makes? ----------===//

#ifndef WEIR_LIB_RUNNER_VERIFYSTREAM_H
#define WEIR_LIB_RUNNER_VERIFYSTREAM_H

#include "Streams.h"
#include "Verify.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "weir/Pipelines/LoadModel.h"

namespace weir {

/// What steps are held against: the original model on all tokens so far.
struct WholeStream {
  /// The model as it was read, and the function on a window that steps were made from.
  mlir::ModuleOp original;
  mlir::func::FuncOp window;
  const ArgumentAxes &axes;
  const ModelOptions &options;
  /// Stream, or Deep for the model whose attentions see a window each.
  Semantics against;
  const Streams &streams;
  /// Tokens that have come with the first of the compared steps.
  int64_t firstTokens;
};

struct WholeComparison {
  Difference difference;
  /// Outputs without tokens are compared at some steps: their names, and these steps,
  /// counted from the first compared one.
  std::vector<std::string> sampled;
  llvm::SmallVector<int64_t> steps;
};

/// Compiles the original for the length of the stream and compares row by row; for
/// outputs that have no token axis, for the lengths of some prefixes. Fails, with an
/// error, where the original cannot be prepared for another length.
mlir::FailureOr<WholeComparison> compareWithWhole(WholeStream whole, Outputs steps);

} // namespace weir

#endif // WEIR_LIB_RUNNER_VERIFYSTREAM_H
