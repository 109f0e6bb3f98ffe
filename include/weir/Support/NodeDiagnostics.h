//===- NodeDiagnostics.h - Messages in the terms of the ONNX file ---------===//
// Tools print
//
//   encoder.onnx: error: node '/layer.0/MatMul' (MatMul): shapes 4x8 and 7x3 do not fit
//   note: ...
//   help: ...
//
// An op's name comes from its location, `NameLoc(node, FileLineColLoc(file, 0, 0))`.
// `emitOpError` suffices where there is an op: NodeDiagnosticHandler turns its
// `'onnx.MatMul' op` into `node 'NAME' (MatMul):`. A note that starts with `help: ` is
// printed as help.

#ifndef WEIR_SUPPORT_NODEDIAGNOSTICS_H
#define WEIR_SUPPORT_NODEDIAGNOSTICS_H

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/raw_ostream.h"

namespace weir {

/// The name of the ONNX node (or its first output) that a location comes from, or "".
llvm::StringRef getNodeName(mlir::Location location);

/// The operator as ONNX calls it: `MatMul`, `com.acme.Warp`; other ops by their name.
std::string getOperatorName(mlir::Operation *op);

/// `node 'NAME' (Op)`.
std::string describeNode(mlir::Location location, llvm::StringRef op);
std::string describeNode(mlir::Operation *op);

/// Starts an error about a node that has no op (yet).
mlir::InFlightDiagnostic emitNodeError(mlir::Location location, llvm::StringRef op);
mlir::InFlightDiagnostic emitNodeError(mlir::Operation *op);
mlir::InFlightDiagnostic emitNodeWarning(mlir::Operation *op);

/// Says what the user can do about the error.
void attachHelp(mlir::InFlightDiagnostic &diagnostic, const llvm::Twine &help);

/// Prints diagnostics as shown above while it lives. `file` stands for unknown locations.
class NodeDiagnosticHandler : public mlir::ScopedDiagnosticHandler {
public:
  explicit NodeDiagnosticHandler(mlir::MLIRContext *context,
                                 llvm::raw_ostream &os = llvm::errs(),
                                 llvm::StringRef file = "");
};

} // namespace weir

#endif // WEIR_SUPPORT_NODEDIAGNOSTICS_H
