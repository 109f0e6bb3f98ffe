//===- ExportGraph.h - One function, one graph ----------------------------===//

#ifndef WEIR_LIB_TARGET_ONNX_EXPORTGRAPH_H
#define WEIR_LIB_TARGET_ONNX_EXPORTGRAPH_H

#include "Exporter.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include <set>

namespace weir {

class GraphExporter {
public:
  GraphExporter(mlir::func::FuncOp function, const ExportOptions &options, int64_t opset)
      : function(function), options(options), opset(opset),
        inputs(function.getNumArguments()), outputs(function.getNumResults()) {}

  /// Fills the members below; reports what cannot be written.
  llvm::LogicalResult run();

  source::Graph graph;
  llvm::SmallVector<StatePort> states;
  std::set<std::string> domains; ///< of nodes, beside the default one

private:
  llvm::LogicalResult nameInterface();
  llvm::LogicalResult nameResults(mlir::Operation *op);
  llvm::LogicalResult exportConstant(onnx::ConstantOp op);
  llvm::LogicalResult exportOp(mlir::Operation *op);
  void exportOutputs();

  mlir::func::FuncOp function;
  const ExportOptions &options;
  int64_t opset;
  std::vector<std::string> inputs, outputs;
  NameSet used, usedNodes;
  llvm::DenseMap<mlir::Value, std::string> names;
  llvm::DenseMap<mlir::Attribute, std::string> constants;
};

} // namespace weir

#endif // WEIR_LIB_TARGET_ONNX_EXPORTGRAPH_H
