//===- Passes.h - Passes that are pipelines with a decision ---------------===//

#ifndef WEIR_PIPELINES_PASSES_H
#define WEIR_PIPELINES_PASSES_H

#include "mlir/Pass/Pass.h"
#include "weir/Pipelines/PrepareModel.h"

namespace weir {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "weir/Pipelines/Passes.h.inc"
} // namespace weir

#endif // WEIR_PIPELINES_PASSES_H
