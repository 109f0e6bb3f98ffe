//===- OnnxFiles.h - weir-opt from and to ONNX files-----------------------------===//

#ifndef WEIR_TOOLS_ONNXFILES_H
#define WEIR_TOOLS_ONNXFILES_H

#include "llvm/ADT/StringRef.h"

namespace mlir {
class DialectRegistry;
}
namespace llvm {
struct LogicalResult;
}

namespace weir {
/// Reads `input`, ONNX or IR, runs the passes of the command line and writes what they
/// leave: as the options of mlir-opt say, or as ONNX where `output` ends with .onnx.
llvm::LogicalResult optimizeModel(llvm::StringRef input, llvm::StringRef output,
                                  mlir::DialectRegistry &registry);
} // namespace weir

#endif // WEIR_TOOLS_ONNXFILES_H
