//===- Export.h - Write ONNX files ----------------------------------------===//
// A function of `onnx` ops becomes a graph of flat, standard operators. Arguments and
// results keep the names that `weir.input`, `weir.output` and `weir.state` give them;
// states are inputs `past_*` and outputs `present_*` of the same type.

#ifndef WEIR_TARGET_ONNX_EXPORT_H
#define WEIR_TARGET_ONNX_EXPORT_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <optional>

namespace weir {

/// How the inputs and outputs that hold states are called.
enum class StateNames {
  Weir,               ///< past_0_key -> present_0_key
  HuggingFace,        ///< past_key_values.0.key -> present.0.key
  ContinualInference, ///< s0 -> ns0
};

struct ExportOptions {
  /// Without one, the oldest from 17 on that has all operators.
  std::optional<int64_t> opset;
  StateNames stateNames = StateNames::Weir;
  /// Weights go to STEM.onnx.data, as they do anyway where the file would pass 2 GiB.
  bool externalData = false;
  /// SHA-256 of the file that the function was made from, in hexadecimal; "" if unknown.
  std::string sourceHash;
};

struct ExportedFunction {
  mlir::func::FuncOp function;
  std::string path;
};

/// Writes each function to its path and what it means to STEM.json beside it. All files
/// take their places when all are complete; after an error none has changed.
llvm::LogicalResult exportOnnx(llvm::ArrayRef<ExportedFunction> functions,
                               const ExportOptions &options);

} // namespace weir

#endif // WEIR_TARGET_ONNX_EXPORT_H
