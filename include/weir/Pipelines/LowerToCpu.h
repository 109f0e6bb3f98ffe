//===- LowerToCpu.h - From step functions to the LLVM dialect -------------===//
// Two stages. `weir-bufferize` takes functions of `onnx` and `weir` ops with states as
// values to functions
//
//   void f(inputs..., states..., outputs..., [member of a team,] scratch)
//
// of static memrefs that update their states in place. `weir-to-cpu` makes vector loops
// and LLVM code of them.

#ifndef WEIR_PIPELINES_LOWERTOCPU_H
#define WEIR_PIPELINES_LOWERTOCPU_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "weir/Support/VectorUnit.h"
#include "weir/Transforms/TeamOptions.h"

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace weir {

/// Reports functions on values that no machine code can be called with.
llvm::LogicalResult checkCompilable(mlir::ModuleOp module);

/// How states get into place. One-shot analysis refuses some programs that are right;
/// each way down takes more of them and copies more.
enum class InPlace {
  Tight, ///< producers write into their destination
  Loose, ///< they need not
  Copied ///< each state is read from a copy made at entry
};

/// Where temporaries are: passes between the two change what there is of them.
enum class Temporaries {
  Planned,  ///< in the scratch argument
  Allocated ///< ops of their own: planning is to follow
};

/// Gives states the shapes that attentions read fastest: the beginning of
/// `buildBufferizePipeline`, which finds nothing left to do after it.
void buildStatesPipeline(mlir::OpPassManager &pm);
/// The first part of `weir-bufferize`: to linalg, weights in panels. What it has made it
/// leaves as it is.
void buildPackPipeline(mlir::OpPassManager &pm);
void buildBufferizePipeline(mlir::OpPassManager &pm, InPlace inPlace = InPlace::Tight,
                            Temporaries temporaries = Temporaries::Planned);
/// Tries all three ways in turn on `module`; reports what the last one says.
llvm::LogicalResult bufferizeModule(mlir::OwningOpRef<mlir::ModuleOp> &module,
                                    Temporaries temporaries = Temporaries::Planned);
/// Shares work out to `team` and gives temporaries their places.
void buildPlanPipeline(mlir::OpPassManager &pm, const TeamOptions &team);

void buildToCpuPipeline(mlir::OpPassManager &pm, VectorUnit vectors);

/// Dialects and interface implementations that the stages need.
void registerCpuDialects(mlir::DialectRegistry &registry);
/// Registers both stages as pass pipelines.
void registerCpuPipelines();

} // namespace weir

#endif // WEIR_PIPELINES_LOWERTOCPU_H
