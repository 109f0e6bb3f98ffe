//===- CountStep.h - What a step would cost -------------------------------===//

#ifndef WEIR_TRANSFORMS_COUNTSTEP_H
#define WEIR_TRANSFORMS_COUNTSTEP_H

#include "weir/Transforms/MakeContinual.h"

namespace weir {

/// Multiply-accumulates of a step of `window`, which is left as it is: the step is made,
/// of a copy, and counted. The function need not be in a module.
int64_t countStepMacs(mlir::func::FuncOp window, const ArgumentAxes &axes,
                      const ContinualOptions &options);

} // namespace weir

#endif // WEIR_TRANSFORMS_COUNTSTEP_H
