//===- Refusal.h - Operators that cannot be evaluated, and what to do -----===//

#ifndef WEIR_DIALECT_ONNX_REFUSAL_H
#define WEIR_DIALECT_ONNX_REFUSAL_H

#include "mlir/IR/Operation.h"

namespace weir::onnx {

/// Why an operator cannot be evaluated, and what the model's author can do:
///   LSTM: "keeps a state from token to token ...", "split the model at this node ..."
struct Refusal {
  std::string reason, help;
};

/// None for an operator of the dialect.
std::optional<Refusal> findRefusal(mlir::Operation *op);

/// Reports the refusal of `op` as an error, if there is one; success where there is none.
llvm::LogicalResult refuseUnknown(mlir::Operation *op);

} // namespace weir::onnx

#endif // WEIR_DIALECT_ONNX_REFUSAL_H
