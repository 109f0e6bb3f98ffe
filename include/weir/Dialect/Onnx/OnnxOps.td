//===- OnnxOps.td - All ops of the onnx dialect ---------------------------===//

#ifndef WEIR_DIALECT_ONNX_ONNXOPS_TD
#define WEIR_DIALECT_ONNX_ONNXOPS_TD

include "weir/Dialect/Onnx/OnnxElementwiseOps.td"
include "weir/Dialect/Onnx/OnnxContractionOps.td"
include "weir/Dialect/Onnx/OnnxShapeOps.td"
include "weir/Dialect/Onnx/OnnxQuantizationOps.td"
include "weir/Dialect/Onnx/OnnxReductionOps.td"

#endif // WEIR_DIALECT_ONNX_ONNXOPS_TD
