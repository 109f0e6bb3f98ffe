//===- ReportSaving.h - Say what a step saves, and what keeps it from more ===//

#ifndef WEIR_LIB_TRANSFORMS_REPORTSAVING_H
#define WEIR_LIB_TRANSFORMS_REPORTSAVING_H

#include "weir/Transforms/MakeContinual.h"

namespace weir {

/// Tells, in remarks, what every softmax over tokens became and who made the rest dear.
void remarkReport(mlir::func::FuncOp window, const StepReport &report);

/// A step that saves little over the window is a warning that names the op to blame, or
/// an error where `options` require more.
llvm::LogicalResult checkSaving(mlir::func::FuncOp window, const StepReport &report,
                                const ContinualOptions &options);

} // namespace weir

#endif // WEIR_LIB_TRANSFORMS_REPORTSAVING_H
