//===- Import.h - Read ONNX files -----------------------------------------===//
// The result is a module with one function `@window` of `onnx` ops in canonical form
// (the spelling of the newest opset). Arguments carry `weir.input` and, where the file
// states a shape, `weir.dims` (the names of symbolic dimensions, "" elsewhere); results
// carry `weir.output` and, where only the file states their shape, `weir.dims` (names and
// sizes). Functions of the model, and If on constants, are inlined. A model
// with states as inputs and outputs becomes `@step` and `@init` instead.

#ifndef WEIR_TARGET_ONNX_IMPORT_H
#define WEIR_TARGET_ONNX_IMPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace weir {

/// Reads `path`, and its external data from the same folder. Null after an error, which
/// the context's diagnostics have reported; no file content crashes it. Large constants
/// share the file's bytes, so external data must not change while the module lives.
mlir::OwningOpRef<mlir::ModuleOp> importOnnx(llvm::StringRef path,
                                             mlir::MLIRContext *context);

/// The same for bytes in memory; `path` names them in messages and locations, and its
/// folder holds their external data.
mlir::OwningOpRef<mlir::ModuleOp>
importOnnxBytes(llvm::StringRef bytes, llvm::StringRef path, mlir::MLIRContext *context);

/// Whether the file is ONNX by its extension or its first bytes.
bool isOnnxFile(llvm::StringRef path);

} // namespace weir

#endif // WEIR_TARGET_ONNX_IMPORT_H
