//===- Registration.h - Everything that Weir adds to a host ---------------===//

#ifndef WEIR_PIPELINES_REGISTRATION_H
#define WEIR_PIPELINES_REGISTRATION_H

#include "mlir/IR/DialectRegistry.h"

namespace weir {

/// Weir's dialects and the interface models of their ops. The onnx namespace stays with
/// the host where it has one already.
void registerWeirDialects(mlir::DialectRegistry &registry);

/// All passes and pipelines of Weir.
void registerWeirPasses();

} // namespace weir

#endif // WEIR_PIPELINES_REGISTRATION_H
