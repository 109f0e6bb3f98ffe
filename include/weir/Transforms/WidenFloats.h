//===- WidenFloats.h - Compute 16-bit floats in 32 bits -------------------===//

#ifndef WEIR_TRANSFORMS_WIDENFLOATS_H
#define WEIR_TRANSFORMS_WIDENFLOATS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace weir {

/// Computes `function` in f32 where it computes in f16 or bf16. Arguments and results
/// keep their types, explicit casts round as before. A function that holds such values
/// outside of the onnx dialect stays as it is.
void widenFloats(mlir::func::FuncOp function);

} // namespace weir

#endif // WEIR_TRANSFORMS_WIDENFLOATS_H
