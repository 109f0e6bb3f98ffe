//===- ElementTypes.h - ONNX's element types and MLIR's -------------------===//

#ifndef WEIR_LIB_TARGET_ONNX_ELEMENTTYPES_H
#define WEIR_LIB_TARGET_ONNX_ELEMENTTYPES_H

#include "Model.h"
#include "mlir/IR/Types.h"

namespace weir {

struct ElementType {
  mlir::Type type;
  unsigned storedBits; // in the file; below 8, elements are packed
};

/// Nothing for types that have no builtin counterpart (strings) or no known number.
std::optional<ElementType> toElementType(source::DataType type,
                                         mlir::MLIRContext *context);

/// Undefined for types that ONNX does not have.
source::DataType toDataType(mlir::Type type);

/// How a message calls a type: `FLOAT16`.
std::string nameOf(source::DataType type);

} // namespace weir

#endif // WEIR_LIB_TARGET_ONNX_ELEMENTTYPES_H
