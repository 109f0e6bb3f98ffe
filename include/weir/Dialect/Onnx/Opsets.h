//===- Opsets.h - Which opset brought which operator ----------------------===//
// The dialect has each operator in its newest spelling. This table, checked against the
// schemas of the `onnx` package by a test, tells from which opset on that can be said.

#ifndef WEIR_DIALECT_ONNX_OPSETS_H
#define WEIR_DIALECT_ONNX_OPSETS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>

namespace weir::onnx {

/// What Weir writes. Before 13, Softmax and Squeeze meant other things.
inline constexpr int64_t oldestWrittenOpset = 13, newestWrittenOpset = 28;

/// The opset that brought the operator; 13 for all that are older.
int64_t opsetOfOperator(llvm::StringRef op);

/// An attribute or an optional operand that a later opset gave to an operator.
struct Addition {
  llvm::StringRef op, field;
  int64_t opset;
};
llvm::ArrayRef<Addition> getAdditions();

} // namespace weir::onnx

#endif // WEIR_DIALECT_ONNX_OPSETS_H
