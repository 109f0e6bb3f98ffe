//===- RaiseToOnnx.h - From step functions to plain ONNX operators --------===//

#ifndef WEIR_PIPELINES_RAISETOONNX_H
#define WEIR_PIPELINES_RAISETOONNX_H

#include <cstdint>

namespace mlir {
class OpPassManager;
}

namespace weir {

struct RaiseToOnnxOptions {
  /// Operators that came later become older ones, where they can.
  int64_t opset = 17;
  /// Join the floating-point states into one tensor.
  bool packStates = false;
};

/// What comes before `exportOnnx`: every function of a module holds `onnx` ops alone,
/// states that nobody reads are gone, and so are repeated and dead ops.
void buildRaiseToOnnxPipeline(mlir::OpPassManager &manager,
                              const RaiseToOnnxOptions &options);

} // namespace weir

#endif // WEIR_PIPELINES_RAISETOONNX_H
