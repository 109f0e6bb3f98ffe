//===- Normalize.h - From the spelling of an opset to the canonical one ---===//
// Most of ONNX's changes are an attribute that became an input of the same name; that is
// one rule for all ops. The rest is a table: operator, last opset that it concerns, rule.

#ifndef WEIR_LIB_TARGET_ONNX_NORMALIZE_H
#define WEIR_LIB_TARGET_ONNX_NORMALIZE_H

#include "Importer.h"

namespace weir {

/// Gives the node the form that the dialect's op has, or builds its results.
llvm::LogicalResult normalize(PendingNode &node);

} // namespace weir

#endif // WEIR_LIB_TARGET_ONNX_NORMALIZE_H
