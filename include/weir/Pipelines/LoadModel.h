//===- LoadModel.h - From a file to a step function -----------------------===//
// What every tool that takes a model does first:
//
//   registerModelDialects(registry); loadModelDialects(context);
//   OwningOpRef<ModuleOp> module = readModel(path, context);
//   FailureOr<SteppedModel> stepped = makeSteps(*module, options);

#ifndef WEIR_PIPELINES_LOADMODEL_H
#define WEIR_PIPELINES_LOADMODEL_H

#include "mlir/IR/OwningOpRef.h"
#include "weir/Pipelines/PrepareModel.h"
#include "weir/Support/WeightKind.h"
#include "weir/Transforms/TeamOptions.h"
#include <functional>
#include <string>
#include <vector>

namespace weir {

/// A model and how it becomes a step function.
struct ModelOptions {
  std::string path; ///< MODEL.onnx, or IR with a function @window
  PrepareOptions prepare;
  /// `tokenAxes` and `chunk` follow from `prepare`.
  ContinualOptions continual;
  /// Make no steps: compile `@window` itself.
  bool wholeWindows = false;
  TeamOptions team;
  /// Changes the prepared `@window`, which returns the wanted rows, before steps are
  /// made of it; null: nothing does.
  std::function<llvm::LogicalResult(mlir::ModuleOp, const ArgumentAxes &)> rewrite;
  /// How weights are stored; none: as the file says, which is f32 unless it is IR.
  std::optional<WeightKind> weights;
  /// That narrow weights may make, in standard deviations of each output.
  double mostWeightError = 0.02;
  /// `[NAME=]FILE.npy`: what `measure` reads.
  std::vector<std::string> weightData;
  /// Is shown the finished module if its weights are narrow, which it may change to be
  /// less so, and says what there is to tell; null: nobody is.
  std::function<mlir::FailureOr<std::string>(mlir::ModuleOp, const ArgumentAxes &)>
      measure;
};

/// Has the finished module store its weights as `options` want, and measured. What there
/// is to tell the user.
mlir::FailureOr<std::string> narrowWeights(mlir::ModuleOp module,
                                           const ArgumentAxes &axes,
                                           const ModelOptions &options);

/// The dialects that reading and rewriting a model may meet.
void registerModelDialects(mlir::DialectRegistry &registry);
/// Rewrites are called as functions: no pass loads what they build.
void loadModelDialects(mlir::MLIRContext &context);

/// Null after an error.
mlir::OwningOpRef<mlir::ModuleOp> readModel(llvm::StringRef path,
                                            mlir::MLIRContext &context);

/// Computes 16-bit floats in f32 and calls `prepareModel`.
mlir::FailureOr<ArgumentAxes> prepareInFloat32(mlir::ModuleOp module,
                                               const PrepareOptions &options);

struct SteppedModel {
  ArgumentAxes axes;
  /// None where the file held a step function already.
  std::optional<StepReport> report;
};

/// Prepares `@window`, has it return the wanted rows alone, and rewrites it.
mlir::FailureOr<ArgumentAxes> makeWindow(mlir::ModuleOp module,
                                         const ModelOptions &options);

/// Prepares `@window` and adds a step function, unless there is one.
mlir::FailureOr<SteppedModel> makeSteps(mlir::ModuleOp module,
                                        const ModelOptions &options);

} // namespace weir

#endif // WEIR_PIPELINES_LOADMODEL_H
