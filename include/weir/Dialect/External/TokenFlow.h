//===- TokenFlow.h - Token flow of upstream dialects ----------------------===//
// linalg on tensors, and the tensor ops around it, as other front ends print them.

#ifndef WEIR_DIALECT_EXTERNAL_TOKENFLOW_H
#define WEIR_DIALECT_EXTERNAL_TOKENFLOW_H

namespace mlir {
class DialectRegistry;
}

namespace weir {

/// Attaches TokenFlowOpInterface to the ops of linalg and tensor.
void registerExternalTokenFlowModels(mlir::DialectRegistry &registry);

} // namespace weir

#endif // WEIR_DIALECT_EXTERNAL_TOKENFLOW_H
