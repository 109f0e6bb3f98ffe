//===- Passes.h - Passes that run what they are given ---------------------===//

#ifndef WEIR_RUNNER_PASSES_H
#define WEIR_RUNNER_PASSES_H

#include "mlir/Pass/Pass.h"

namespace weir {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "weir/Runner/Passes.h.inc"
} // namespace weir

#endif // WEIR_RUNNER_PASSES_H
