//===- LowerToCpu.h - From step functions to the LLVM dialect -------------===//
// Two stages. `weir-bufferize` takes functions of `onnx` and `weir` ops with states as
// values to functions
//
//   void f(inputs..., states..., outputs..., scratch)
//
// of static memrefs that update their states in place. `weir-to-cpu` makes vector loops
// and LLVM code of them.

#ifndef WEIR_PIPELINES_LOWERTOCPU_H
#define WEIR_PIPELINES_LOWERTOCPU_H

#include <cstdint>

namespace mlir {
class DialectRegistry;
class OpPassManager;
} // namespace mlir

namespace weir {

void buildBufferizePipeline(mlir::OpPassManager &pm);
/// `lanes`: f32 elements of a vector register.
void buildToCpuPipeline(mlir::OpPassManager &pm, int64_t lanes);

/// Dialects and interface implementations that the stages need.
void registerCpuDialects(mlir::DialectRegistry &registry);
/// Registers both stages as pass pipelines.
void registerCpuPipelines();

} // namespace weir

#endif // WEIR_PIPELINES_LOWERTOCPU_H
