//===- Exporter.h - From IR to the plain model ----------------------------===//

#ifndef WEIR_LIB_TARGET_ONNX_EXPORTER_H
#define WEIR_LIB_TARGET_ONNX_EXPORTER_H

#include "Model.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "weir/Support/NameSet.h"
#include "weir/Target/Onnx/Export.h"

namespace weir {

/// A state of a function: `argument` and `result` are -1 where there is none.
struct StatePort {
  std::string state; // what `weir.state` says
  int64_t argument = -1, result = -1;
  std::string input, output; // its names in the file
};

/// The states of `function` in order, named in the style of `names`.
llvm::SmallVector<StatePort> nameStates(mlir::func::FuncOp function, StateNames names,
                                        NameSet &used);

/// One op as a node in the spelling of `opset`; its names are filled in by the caller.
/// Fails, with an error at the op, when the opset cannot say it.
mlir::FailureOr<source::Node> exportNode(mlir::Operation *op, int64_t opset);
/// The oldest opset in which exportNode succeeds.
mlir::FailureOr<int64_t> oldestOpsetOf(mlir::Operation *op);

/// A constant as a tensor without a name. Fails, with an error at `location`.
mlir::FailureOr<source::Tensor> exportTensor(mlir::ElementsAttr elements,
                                             mlir::Location location);

/// What a function is, for the file's metadata and, as JSON, for STEM.json.
struct Manifest {
  std::vector<std::pair<std::string, std::string>> metadata;
  std::string json;
};
mlir::FailureOr<Manifest> describe(mlir::func::FuncOp function,
                                   const source::Graph &graph,
                                   llvm::ArrayRef<StatePort> states,
                                   const ExportOptions &options, int64_t opset);

/// `tensor<2x?xf32>` as the type of `name`; `stated` (or null) holds what is known of
/// sizes that are not: `weir.dims`.
mlir::FailureOr<source::ValueInfo> exportType(llvm::StringRef name, mlir::Type type,
                                              mlir::ArrayAttr stated,
                                              mlir::Location location);

} // namespace weir

#endif // WEIR_LIB_TARGET_ONNX_EXPORTER_H
