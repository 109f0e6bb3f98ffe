//===- VerifyEntries.cpp - Do all ways into a step agree? -----------------===//

#include "VerifyEntries.h"

using namespace mlir;
using namespace weir;

bool weir::hasAllEntries(const CompiledModule &module) {
  return module.lookup("push") && module.lookup("predict") && module.lookup("prime");
}

/// Copies the states of one function to those of another.
static void copyStates(BoundFunction &from, BoundFunction &to) {
  for (auto [i, port] : llvm::enumerate(from.getPorts()))
    if (port.kind == Port::State)
      if (std::vector<char> *state = to.findState(port.name))
        llvm::copy(from.getBuffer(i), state->begin());
}

static void feed(BoundFunction &bound, const Streams &streams, int64_t first,
                 int64_t count) {
  for (auto [i, port] : llvm::enumerate(bound.getPorts()))
    if (port.kind == Port::Input)
      streams.find(port.name).copyTokens(first, count, bound.getBuffer(i).data());
}

Recorder weir::runPushes(const CompiledModule &module, const Streams &streams,
                         int64_t warmup, int64_t skipped) {
  BoundFunction init(*module.lookup("init")), push(*module.lookup("push")),
      predict(*module.lookup("predict"));
  Recorder recorder(predict.getPorts());
  init.call();
  copyStates(init, push);
  for (int64_t i = 0; i < warmup - 1 + streams.numWindows; ++i) {
    feed(push, streams, i * streams.chunk - skipped, streams.chunk);
    push.call();
    if (i + 1 < warmup)
      continue;
    copyStates(push, predict);
    predict.call();
    recorder.record(predict);
  }
  return recorder;
}

Recorder weir::runPrimed(const CompiledModule &module, const Streams &streams,
                         int64_t warmup, int64_t skipped) {
  BoundFunction prime(*module.lookup("prime")), step(*module.lookup("step"));
  Recorder recorder(prime.getPorts());
  feed(prime, streams, 0, streams.tokens);
  prime.call();
  recorder.record(prime);
  copyStates(prime, step);
  for (int64_t i = 1; i < streams.numWindows; ++i) {
    feed(step, streams, (warmup - 1 + i) * streams.chunk - skipped, streams.chunk);
    step.call();
    recorder.record(step);
  }
  return recorder;
}
