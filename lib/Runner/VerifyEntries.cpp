//===- VerifyEntries.cpp - Do all ways into a step agree? -----------------===//

#include "VerifyEntries.h"

using namespace mlir;
using namespace weir;

bool weir::hasAllEntries(const CompiledModule &module) {
  return module.lookup("push") && module.lookup("predict") && module.lookup("prime");
}

Recorder weir::runPushes(const CompiledModule &module, const Streams &streams,
                         int64_t warmup, int64_t skipped) {
  BoundFunction init(*module.lookup("init")), push(*module.lookup("push")),
      predict(*module.lookup("predict"));
  Recorder recorder(predict.getPorts());
  init.call();
  init.copyStatesTo(push);
  for (int64_t i = 0; i < warmup - 1 + streams.numWindows; ++i) {
    push.feed(streams, i * streams.chunk - skipped, streams.chunk);
    push.call();
    if (i + 1 < warmup)
      continue;
    push.copyStatesTo(predict);
    predict.call();
    recorder.record(predict);
  }
  return recorder;
}

Recorder weir::runPrimed(const CompiledModule &module, const Streams &streams,
                         int64_t warmup, int64_t skipped, int64_t count) {
  BoundFunction prime(*module.lookup("prime")), step(*module.lookup("step"));
  Recorder recorder(prime.getPorts());
  prime.feed(streams, 0, streams.tokens);
  prime.call();
  recorder.record(prime);
  prime.copyStatesTo(step);
  for (int64_t i = 1; i < count; ++i) {
    step.feed(streams, (warmup - 1 + i) * streams.chunk - skipped, streams.chunk);
    step.call();
    recorder.record(step);
  }
  return recorder;
}
