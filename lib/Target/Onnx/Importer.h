//===- Importer.h - From the plain model to IR ----------------------------===//
// The graph is walked once. Functions and constant branches are imported in place of the
// node that calls them, each body with a scope of its own; no model is rewritten.

#ifndef WEIR_LIB_TARGET_ONNX_IMPORTER_H
#define WEIR_LIB_TARGET_ONNX_IMPORTER_H

#include "ImportTensor.h"
#include "Model.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace weir {

/// What the names of a graph, or of a function's body, stand for.
struct Scope {
  const Scope *parent = nullptr; // a subgraph reads the names around it
  std::string prefix;            // of node names: "caller/" in an inlined body
  const source::Opsets *opsets = nullptr;
  const std::vector<source::Node> *nodes = nullptr;
  llvm::StringMap<mlir::Value> values;
  llvm::StringMap<const source::Tensor *> initializers;
  llvm::StringMap<const source::ValueInfo *> infos;
  llvm::StringSet<> uses;
  /// The attributes of the call, when this is a function's body.
  std::optional<llvm::StringMap<source::Attribute>> arguments;
};

class Importer;

/// A node on its way to an op: its operands and attributes are converted, and the
/// rules of Normalize.h give them the canonical form.
struct PendingNode {
  Importer &importer;
  mlir::OpBuilder &builder;
  mlir::Location location;
  std::string op;
  int64_t opset;                           // of the default domain
  llvm::SmallVector<mlir::Value> operands; // of type none where absent
  mlir::NamedAttrList attributes;
  llvm::SmallVector<bool> isUsed; // one a result
  /// Set by a rule that built the results itself.
  llvm::SmallVector<mlir::Value> results;

  mlir::InFlightDiagnostic error() const;
  bool hasOperand(size_t index) const;
  /// Pads with absent operands where there are too few.
  void setOperand(size_t index, mlir::Value value);
  mlir::Value constant(mlir::ElementsAttr value);
  mlir::Value constantInts(llvm::ArrayRef<int64_t> values);
};

/// Where inputs and outputs of the model are states, makes its function `@step` (or
/// another entry) and adds `@init` beside it; else leaves it `@window`.
void importStates(mlir::func::FuncOp function, const source::Model &model);

/// Makes the op and gives it the result types that it infers; null after an error.
mlir::Operation *createInferred(PendingNode &node, const mlir::OperationState &state);

class Importer {
public:
  Importer(mlir::MLIRContext *context, llvm::StringRef path, const source::Model &model);
  mlir::OwningOpRef<mlir::ModuleOp> run();
  /// The one absent value of the function.
  mlir::Value getNoValue();

private:
  // ImportGraph.cpp: names and the order of nodes.
  llvm::LogicalResult enterGraph(Scope &scope, const source::Graph &graph);
  llvm::LogicalResult importNodes(Scope &scope);
  llvm::LogicalResult define(Scope &scope, llvm::StringRef name, mlir::Value value,
                             mlir::Location location, llvm::StringRef op);
  /// The value of `name`, or null when nothing has defined it yet.
  llvm::FailureOr<mlir::Value> lookup(const Scope &scope, llvm::StringRef name);
  llvm::FailureOr<mlir::Value> operandOf(const Scope &scope, const source::Node &node,
                                         llvm::StringRef name);
  llvm::FailureOr<mlir::Value> importInitializer(const source::Tensor &tensor);
  mlir::Location locationOf(const Scope &scope, const source::Node &node);

  // ImportCalls.cpp: bodies in place of nodes.
  const source::Function *findFunction(const source::Node &node) const;
  llvm::LogicalResult importCall(Scope &scope, const source::Node &node,
                                 const source::Function &function);
  llvm::LogicalResult importIf(Scope &scope, const source::Node &node);
  llvm::FailureOr<llvm::SmallVector<mlir::Value>>
  importBranch(Scope &scope, const source::Node &node, llvm::StringRef name);
  llvm::FailureOr<llvm::SmallVector<mlir::Value>>
  importBothBranches(Scope &scope, const source::Node &node, mlir::Value condition);
  std::optional<source::Attribute> resolve(const Scope &scope,
                                           const source::Attribute &attribute);

  // ImportNode.cpp: one node, one op.
  llvm::LogicalResult importNode(Scope &scope, const source::Node &node);
  llvm::LogicalResult fillOperands(const Scope &scope, const source::Node &node,
                                   PendingNode &pending);
  llvm::LogicalResult fillAttributes(const Scope &scope, const source::Node &node,
                                     PendingNode &pending);
  llvm::FailureOr<mlir::Attribute> importAttribute(mlir::Location location,
                                                   llvm::StringRef op,
                                                   const source::Attribute &attribute);
  mlir::Operation *createUnknown(PendingNode &pending, const Scope &scope,
                                 const source::Node &node);
  llvm::FailureOr<int64_t> opsetOf(const Scope &scope, llvm::StringRef domain,
                                   mlir::Location location, llvm::StringRef op);

  // Import.cpp: the model and its function.
  llvm::LogicalResult checkModel();
  llvm::LogicalResult checkOpsets(const source::Opsets &opsets);
  llvm::FailureOr<mlir::func::FuncOp> importWindow();
  llvm::FailureOr<mlir::Type> typeOf(const source::ValueInfo &info);

  mlir::MLIRContext *context;
  mlir::Location fileLocation;
  const source::Model &model;
  TensorImporter tensors;
  llvm::StringMap<const source::Function *> functions;
  llvm::SmallVector<const source::Function *> callStack;
  mlir::OpBuilder builder;
  mlir::Block *body = nullptr;
  mlir::Operation *lastConstant = nullptr; // constants gather at the start of the body
  mlir::Value none;
  llvm::DenseMap<const source::Tensor *, mlir::Value> constants;
  int64_t numNodes = 0;
};

} // namespace weir

#endif // WEIR_LIB_TARGET_ONNX_IMPORTER_H
