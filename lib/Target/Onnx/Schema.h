//===- Schema.h - Operand, attribute and result names of an op ------------===//
// Made from the ops' definitions (Schemas.td). Worked example, LayerNormalization:
// operands X, Scale, B (optional); attributes axis, epsilon, stash_type (all optional);
// results Y, Mean (optional), InvStdDev (optional).

#ifndef WEIR_LIB_TARGET_ONNX_SCHEMA_H
#define WEIR_LIB_TARGET_ONNX_SCHEMA_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <optional>

namespace weir {

struct Schema {
  enum class Arity { Required, Optional, Variadic };
  struct Field {
    llvm::StringRef name;
    Arity arity;
  };
  llvm::SmallVector<Field> operands, attributes, results;

  /// The position of an operand, if there is one of that name.
  std::optional<unsigned> findOperand(llvm::StringRef name) const;
  bool hasAttribute(llvm::StringRef name) const;
};

/// The schema of an ONNX operator of the default domain; null if the dialect has no op
/// for it.
const Schema *findSchema(llvm::StringRef op);

} // namespace weir

#endif // WEIR_LIB_TARGET_ONNX_SCHEMA_H
