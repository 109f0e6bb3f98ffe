//===- PrepareModel.h - From an imported model to a canonical window ------===//

#ifndef WEIR_PIPELINES_PREPAREMODEL_H
#define WEIR_PIPELINES_PREPAREMODEL_H

#include "weir/Transforms/MakeContinual.h"

namespace weir {

/// What the user knows of the streams and no file says.
enum class Assumption {
  NoPadding ///< ids that a model counts tokens by never hold its padding
};

struct PrepareOptions {
  /// Tokens of the window; may be left out where the model fixes it.
  std::optional<int64_t> window;
  /// `NAME=SIZE` of symbolic dimensions, `INPUT:AXIS=SIZE` of any.
  llvm::SmallVector<std::string> dims;
  /// `INPUT=NUMBER` of inputs that always hold one number; they are no inputs any more.
  llvm::SmallVector<std::string> fixed;
  llvm::SmallVector<Assumption> assumptions;
  /// `INPUT=AXIS` of streamed inputs; inferred where left out.
  llvm::SmallVector<std::string> tokenAxes;
  /// Tokens that enter per step.
  int64_t chunk = 1;
  /// Rows of position tables to keep where that is more than the window has, as
  /// attributes of the ops that add them (getFullTableName).
  int64_t tableRows = 0;
};

/// Fixes all sizes of `@window`, folds and canonicalizes it. Dynamic dimensions that
/// neither the window nor `dims` binds become 1, with a warning. Returns the token axis
/// of every input: those named, or else the one choice under which queries meet keys.
mlir::FailureOr<ArgumentAxes> prepareModel(mlir::ModuleOp module,
                                           const PrepareOptions &options);

/// `axes` in the form of `ContinualOptions::tokenAxes`.
llvm::SmallVector<std::string> nameTokenAxes(mlir::func::FuncOp window,
                                             const ArgumentAxes &axes);

} // namespace weir

#endif // WEIR_PIPELINES_PREPAREMODEL_H
