//===- Passes.h - Passes over models and step functions -------------------===//

#ifndef WEIR_TRANSFORMS_PASSES_H
#define WEIR_TRANSFORMS_PASSES_H

#include "mlir/Pass/Pass.h"
#include "weir/Support/WeightKind.h"
#include "weir/Transforms/CastAttention.h"
#include "weir/Transforms/MakeContinual.h"

namespace weir {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "weir/Transforms/Passes.h.inc"
} // namespace weir

#endif // WEIR_TRANSFORMS_PASSES_H
