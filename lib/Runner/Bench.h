//===- Bench.h - Time a call -----------------------------------------------===//

#ifndef WEIR_LIB_RUNNER_BENCH_H
#define WEIR_LIB_RUNNER_BENCH_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/raw_ostream.h"

namespace weir {

/// Calls `work` until half a second or 1000 calls have passed, 5 at least, and prints
/// `NAME <min> us min, <median> us median`.
void printTiming(llvm::raw_ostream &os, llvm::StringRef name,
                 llvm::function_ref<void()> work);

} // namespace weir

#endif // WEIR_LIB_RUNNER_BENCH_H
