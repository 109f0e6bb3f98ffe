//===- Uniform.h - Values that are alike along a dimension ----------------===//

#ifndef WEIR_LIB_TRANSFORMS_ATTENTION_UNIFORM_H
#define WEIR_LIB_TRANSFORMS_ATTENTION_UNIFORM_H

#include "weir/Dialect/Onnx/OnnxBuilder.h"

namespace weir {

/// A bias [.., queries, keys] as [.., 1, keys] if it is alike for all queries, which ops
/// of what it is made of show; else the bias itself. So a mask of keys that a model
/// expands needs no more memory than keys.
mlir::Value dropUniformQueries(onnx::OnnxBuilder &make, mlir::OpBuilder &builder,
                               mlir::Value bias);

} // namespace weir

#endif // WEIR_LIB_TRANSFORMS_ATTENTION_UNIFORM_H
