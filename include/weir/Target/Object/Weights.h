//===- Weights.h - Constants that stay out of the code --------------------===//

#ifndef WEIR_TARGET_OBJECT_WEIGHTS_H
#define WEIR_TARGET_OBJECT_WEIGHTS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include <string>
#include <vector>

namespace weir {

/// Constants that the code refers to by name; the bytes of all of them can be read.
using NamedWeights = std::vector<std::pair<std::string, mlir::ElementsAttr>>;

/// The constants of a bufferized module; fails, with an error, where one is too large.
mlir::FailureOr<NamedWeights> getWeights(mlir::ModuleOp module);

} // namespace weir

#endif // WEIR_TARGET_OBJECT_WEIGHTS_H
