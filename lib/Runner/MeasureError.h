//===- MeasureError.h - How far a rewritten model is from its original ----===//

#ifndef WEIR_LIB_RUNNER_MEASUREERROR_H
#define WEIR_LIB_RUNNER_MEASUREERROR_H

#include "Streams.h"
#include "mlir/IR/OwningOpRef.h"
#include "weir/Runner/Compress.h"

namespace weir {

/// The same of compiled modules.
std::vector<MeasuredError> measureErrors(const CompiledModule &original,
                                         const CompiledModule &rewritten,
                                         llvm::ArrayRef<Streams> samples);

/// Runs `@window` of both modules, which return as many values of the same shapes, on
/// every window of the samples. One entry for each result.
mlir::FailureOr<std::vector<MeasuredError>>
measureErrors(mlir::ModuleOp original, mlir::ModuleOp rewritten,
              llvm::ArrayRef<Streams> samples);

} // namespace weir

#endif // WEIR_LIB_RUNNER_MEASUREERROR_H
