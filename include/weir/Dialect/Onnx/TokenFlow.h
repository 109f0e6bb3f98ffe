//===- TokenFlow.h - Token flow of the onnx ops ---------------------------===//

#ifndef WEIR_DIALECT_ONNX_TOKENFLOW_H
#define WEIR_DIALECT_ONNX_TOKENFLOW_H

#include "mlir/IR/DialectRegistry.h"

namespace weir::onnx {

/// Attaches TokenFlowOpInterface to the onnx ops when their dialect is loaded.
void registerTokenFlowModels(mlir::DialectRegistry &registry);

} // namespace weir::onnx

#endif // WEIR_DIALECT_ONNX_TOKENFLOW_H
