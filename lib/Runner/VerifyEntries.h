//===- VerifyEntries.h - Do all ways into a step agree? -------------------===//

#ifndef WEIR_LIB_RUNNER_VERIFYENTRIES_H
#define WEIR_LIB_RUNNER_VERIFYENTRIES_H

#include "Session.h"
#include "Verify.h"

namespace weir {

/// Has the module, beside `@step`, the functions that `Entries::All` asks for?
bool hasAllEntries(const CompiledModule &module);

/// Outputs of `@predict` after each `@push`, from the first full window on.
Recorder runPushes(const CompiledModule &module, const Streams &streams, int64_t warmup,
                   int64_t skipped);

/// Outputs of `@prime` on the first window, then of steps from its states: of `count` in
/// all. A window takes `warmup` steps.
Recorder runPrimed(const CompiledModule &module, const Streams &streams, int64_t warmup,
                   int64_t skipped, int64_t count);

} // namespace weir

#endif // WEIR_LIB_RUNNER_VERIFYENTRIES_H
