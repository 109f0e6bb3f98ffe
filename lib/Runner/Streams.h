//===- Streams.h - A model's inputs, token by token -----------------------===//

#ifndef WEIR_LIB_RUNNER_STREAMS_H
#define WEIR_LIB_RUNNER_STREAMS_H

#include "weir/Interfaces/TokenAxis.h"
#include "weir/Runner/CompiledModule.h"
#include "weir/Support/Npy.h"
#include "weir/Transforms/MakeContinual.h"

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

/// Files that feed a model, `NAME=FILE.npy` each.
struct InputFiles {
  llvm::ArrayRef<std::string> streams;       ///< for inputs with a token axis
  llvm::ArrayRef<std::string> statics;       ///< for those without
  llvm::StringRef streamOption = "--stream"; ///< by which the former are given
};

/// Inputs of `@window` (its `ports`) from the files. Every input must be fed, by arrays
/// of its type; errors go to `location`. Steps are counted from the one that needs
/// `firstTokens`, none: a window.
mlir::FailureOr<Streams> loadStreams(const InputFiles &files, llvm::ArrayRef<Port> ports,
                                     const ArgumentAxes &axes,
                                     std::optional<int64_t> firstTokens,
                                     mlir::Location location);

/// Samples, a stream each, whose windows do not overlap. A file holds one sample, or
/// several along one more leading axis, or along a leading axis in which the model takes
/// one. `FILE.npy` without a name is for the only input with a token axis.
mlir::FailureOr<std::vector<Streams>> loadSamples(const InputFiles &files,
                                                  llvm::ArrayRef<Port> ports,
                                                  const ArgumentAxes &axes,
                                                  mlir::Location location);

/// Random inputs, for measuring.
Streams makeRandomStreams(llvm::ArrayRef<Port> ports, const ArgumentAxes &axes,
                          int64_t numWindows);

} // namespace weir

#endif // WEIR_LIB_RUNNER_STREAMS_H
