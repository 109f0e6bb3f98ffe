//===- AttentionWeights.h - Spell what makes weights of scores ------------===//

#ifndef WEIR_DIALECT_ONNX_ATTENTIONWEIGHTS_H
#define WEIR_DIALECT_ONNX_ATTENTIONWEIGHTS_H

#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Interfaces/Enums.h"

namespace weir::onnx {

/// f(scores), over the last dimension where f normalizes.
mlir::Value makeWeights(OnnxBuilder &make, AttentionFunction function,
                        mlir::Value scores);

} // namespace weir::onnx

#endif // WEIR_DIALECT_ONNX_ATTENTIONWEIGHTS_H
