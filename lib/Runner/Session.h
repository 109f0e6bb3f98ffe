//===- Session.h - Call a model's functions on streams --------------------===//

#ifndef WEIR_LIB_RUNNER_SESSION_H
#define WEIR_LIB_RUNNER_SESSION_H

#include "Streams.h"

namespace weir {

/// A function with memory for each of its ports.
class BoundFunction {
public:
  explicit BoundFunction(const CompiledFunction &function);

  void call() { function.call(addresses); }
  llvm::ArrayRef<Port> getPorts() const { return function.getPorts(); }
  std::vector<char> &getBuffer(size_t port) { return buffers[port]; }
  /// What the ports hold.
  llvm::ArrayRef<std::vector<char>> getBuffers() const { return buffers; }
  /// Fills the inputs with `count` tokens of each stream, from `first` on.
  void feed(const Streams &streams, int64_t first, int64_t count);
  /// Hands on the states that `other` has too.
  void copyStatesTo(BoundFunction &other);

private:
  std::vector<char> *findState(llvm::StringRef name);

  const CompiledFunction &function;
  std::vector<std::vector<char>> buffers;
  llvm::SmallVector<void *> addresses;
};

/// Runs `@window` (or `@window_recycled`, which takes the step) on whole windows.
class WindowSession {
public:
  WindowSession(const CompiledFunction &function, const Streams &streams, int64_t warmup)
      : bound(function), streams(streams), warmup(warmup) {}
  /// Computes window `index` of the stream.
  void run(int64_t index);
  BoundFunction bound;

private:
  const Streams &streams;
  int64_t warmup;
};

/// Runs `@step` token by token, from `@init` on.
class StepSession {
public:
  /// `skipped`: tokens before the stream's first one that fill up the first chunk.
  StepSession(const CompiledModule &module, const Streams &streams, int64_t skipped);
  /// Sets the state to that of a stream without tokens.
  void reset();
  /// Takes in the next tokens.
  void advance();
  BoundFunction bound;

private:
  const Streams &streams;
  BoundFunction init;
  int64_t skipped, next = 0;
};

/// Outputs of all windows, [steps, output shape...] each.
class Recorder {
public:
  explicit Recorder(llvm::ArrayRef<Port> ports);
  void record(BoundFunction &bound);
  std::vector<std::pair<std::string, NpyArray>> take() { return std::move(arrays); }

private:
  std::vector<std::pair<std::string, NpyArray>> arrays;
};

} // namespace weir

#endif // WEIR_LIB_RUNNER_SESSION_H
