//===- Pads.h - How far a Pad extends each dimension ----------------------===//

#ifndef WEIR_DIALECT_ONNX_PADS_H
#define WEIR_DIALECT_ONNX_PADS_H

#include "weir/Dialect/Onnx/Geometry.h"
#include "weir/Dialect/Onnx/Onnx.h"

namespace weir::onnx {

/// Elements added in front of every dimension, then those added behind; nullopt when they
/// are not constant.
std::optional<Shape> resolvePads(PadOp pad);

} // namespace weir::onnx

#endif // WEIR_DIALECT_ONNX_PADS_H
