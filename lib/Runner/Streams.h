//===- Streams.h - A model's inputs from files ----------------------------===//

#ifndef WEIR_LIB_RUNNER_STREAMS_H
#define WEIR_LIB_RUNNER_STREAMS_H

#include "weir/Runner/CompiledModule.h"
#include "weir/Runner/Run.h"
#include "weir/Support/Npy.h"

namespace weir {

/// An input of the model, with the array that feeds it.
struct FedInput {
  std::string name;
  std::optional<TokenAxis> axis; // none: the same array for every step
  NpyArray array;

  /// Copies tokens [first, first + count) of every repetition; those outside the stream
  /// are zeros. An input without tokens is copied whole.
  void copyTokens(int64_t first, int64_t count, char *to) const;
};

/// All inputs of a model, and how windows lie on the stream: window s holds the tokens
/// [s * chunk, s * chunk + tokens). `numWindows` of them fit, or as many steps that need
/// fewer tokens than a window.
struct Streams {
  std::vector<FedInput> inputs;
  int64_t tokens = 0, chunk = 1, numWindows = 0;

  const FedInput &find(llvm::StringRef name) const;
};

/// Inputs of `@window` (its `ports`) from the files that the options name. Every input
/// must be fed, by arrays of its type; errors go to `location`. Steps are counted from
/// the one that needs `firstTokens`, none: a window.
mlir::FailureOr<Streams> loadStreams(const RunOptions &options,
                                     llvm::ArrayRef<Port> ports, const ArgumentAxes &axes,
                                     std::optional<int64_t> firstTokens,
                                     mlir::Location location);

/// Random inputs, for measuring.
Streams makeRandomStreams(llvm::ArrayRef<Port> ports, const ArgumentAxes &axes,
                          int64_t numWindows);

} // namespace weir

#endif // WEIR_LIB_RUNNER_STREAMS_H
