//===- OnnxInput.h - weir-opt on an ONNX file -----------------------------===//

#ifndef WEIR_TOOLS_ONNXINPUT_H
#define WEIR_TOOLS_ONNXINPUT_H

#include "llvm/ADT/StringRef.h"

namespace mlir {
class DialectRegistry;
}
namespace llvm {
struct LogicalResult;
}

namespace weir {
/// Imports `input`, runs the passes of the command line and prints what they leave,
/// as the options of mlir-opt say.
llvm::LogicalResult optimizeOnnx(llvm::StringRef input, llvm::StringRef output,
                                 mlir::DialectRegistry &registry);
} // namespace weir

#endif // WEIR_TOOLS_ONNXINPUT_H
