//===- ImportCalls.cpp - Function and branch bodies in place of nodes -----===//
// A call of a model's own function, and an If on a constant, import the body where the
// node stands. Inner nodes are called `caller/inner`. An If on shapes keeps both bodies,
// until the sizes of the inputs are fixed.

#include "Importer.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/NodeDiagnostics.h"

using namespace mlir;
using namespace weir;

/// Deeper calls would exhaust the stack.
static constexpr size_t maxCallDepth = 64;

const source::Function *Importer::findFunction(const source::Node &node) const {
  return functions.lookup(node.domain + ":" + node.op + ":" + node.overload);
}

/// Binds a reference to the enclosing function's attribute; nothing when the call left
/// that attribute out.
std::optional<source::Attribute> Importer::resolve(const Scope &scope,
                                                   const source::Attribute &attribute) {
  if (attribute.reference.empty())
    return attribute;
  for (const Scope *at = &scope; at; at = at->parent) {
    if (!at->arguments)
      continue;
    auto found = at->arguments->find(attribute.reference);
    if (found == at->arguments->end())
      return std::nullopt;
    source::Attribute bound = found->second;
    bound.name = attribute.name;
    return bound;
  }
  return std::nullopt;
}

/// The values of a finished body become the results of the node that stands for it.
LogicalResult Importer::importCall(Scope &scope, const source::Node &node,
                                   const source::Function &function) {
  Location location = locationOf(scope, node);
  if (llvm::is_contained(callStack, &function))
    return emitNodeError(location, node.op) << "calls itself, which never ends";
  if (callStack.size() == maxCallDepth)
    return emitNodeError(location, node.op)
           << "calls functions more than " << maxCallDepth << " deep";
  if (failed(checkOpsets(function.opsets)))
    return failure();
  if (node.inputs.size() > function.inputs.size() ||
      node.outputs.size() > function.outputs.size())
    return emitNodeError(location, node.op)
           << "has " << node.inputs.size() << " inputs and " << node.outputs.size()
           << " outputs, but its function takes " << function.inputs.size()
           << " and returns " << function.outputs.size();

  Scope inner;
  inner.prefix = getNodeName(location).str() + "/";
  inner.opsets = &function.opsets;
  inner.nodes = &function.nodes;
  inner.uses.insert_range(function.outputs);
  inner.arguments.emplace();
  for (const source::Attribute &attribute : function.defaults)
    (*inner.arguments)[attribute.name] = attribute;
  for (const source::Attribute &attribute : node.attributes)
    if (std::optional<source::Attribute> bound = resolve(scope, attribute))
      (*inner.arguments)[attribute.name] = *bound;
  for (auto [index, name] : llvm::enumerate(function.inputs)) {
    FailureOr<Value> value =
        operandOf(scope, node, index < node.inputs.size() ? node.inputs[index] : "");
    if (failed(value) || failed(define(inner, name, *value, location, node.op)))
      return failure();
  }

  callStack.push_back(&function);
  LogicalResult imported = importNodes(inner);
  callStack.pop_back();
  if (failed(imported))
    return failure();
  for (auto [index, name] : llvm::enumerate(node.outputs)) {
    FailureOr<Value> value = lookup(inner, function.outputs[index]);
    if (failed(value))
      return failure();
    if (!*value)
      return emitNodeError(location, node.op)
             << "calls a function that never defines its "
             << "output '" << function.outputs[index] << "'";
    if (!name.empty() && failed(define(scope, name, *value, location, node.op)))
      return failure();
  }
  return success();
}

/// True where a value changes with the elements of an input, not only with its shape.
static bool dependsOnData(Value value) {
  SmallVector<Value> open{value};
  llvm::SmallPtrSet<Operation *, 16> seen;
  while (!open.empty()) {
    Operation *op = open.pop_back_val().getDefiningOp();
    if (!op)
      return true;
    if (!isa<onnx::ShapeOp, onnx::SizeOp>(op) && seen.insert(op).second)
      llvm::append_range(open, op->getOperands());
  }
  return false;
}

static const source::Graph *findBranch(const source::Node &node, StringRef name) {
  for (const source::Attribute &attribute : node.attributes)
    if (attribute.name == name && attribute.graph)
      return attribute.graph.get();
  return nullptr;
}

/// Imports a branch where the builder is; the values of its outputs.
FailureOr<SmallVector<Value>>
Importer::importBranch(Scope &scope, const source::Node &node, StringRef name) {
  Location location = locationOf(scope, node);
  const source::Graph *graph = findBranch(node, name);
  if (!graph)
    return emitNodeError(location, node.op) << "has no '" << name << "'";
  if (graph->outputs.size() != node.outputs.size())
    return emitNodeError(location, node.op)
           << "has " << node.outputs.size() << " outputs, but its '" << name << "' has "
           << graph->outputs.size();
  Scope inner;
  inner.parent = &scope;
  inner.prefix = getNodeName(location).str() + "/";
  inner.opsets = scope.opsets;
  if (failed(enterGraph(inner, *graph)) || failed(importNodes(inner)))
    return failure();
  SmallVector<Value> values;
  for (const source::ValueInfo &output : graph->outputs) {
    FailureOr<Value> value = operandOf(inner, node, output.name);
    if (failed(value))
      return failure();
    values.push_back(*value);
  }
  return values;
}

/// An op that holds both branches, of which specialisation keeps one.
FailureOr<SmallVector<Value>>
Importer::importBothBranches(Scope &scope, const source::Node &node, Value condition) {
  Location location = locationOf(scope, node);
  OperationState state(location, "onnx.If");
  state.addOperands(condition);
  for (StringRef name : {"then_branch", "else_branch"}) {
    OpBuilder::InsertionGuard guard(builder);
    builder.createBlock(state.addRegion());
    FailureOr<SmallVector<Value>> values = importBranch(scope, node, name);
    if (failed(values))
      return failure();
    OperationState yield(location, "onnx.Yield");
    yield.addOperands(*values);
    builder.create(yield);
    state.types.clear();
    for (Value value : *values)
      state.addTypes(isa<NoneType>(value.getType())
                         ? value.getType()
                         : UnrankedTensorType::get(getElementTypeOrSelf(value)));
  }
  return llvm::to_vector_of<Value>(builder.create(state)->getResults());
}

LogicalResult Importer::importIf(Scope &scope, const source::Node &node) {
  Location location = locationOf(scope, node);
  FailureOr<Value> condition =
      operandOf(scope, node, node.inputs.empty() ? "" : node.inputs.front());
  if (failed(condition))
    return failure();
  std::optional<SmallVector<int64_t>> constant = getConstantInts(*condition);
  FailureOr<SmallVector<Value>> values;
  if (constant && constant->size() == 1) {
    values = importBranch(scope, node, constant->front() ? "then_branch" : "else_branch");
  } else if (constant || isa<NoneType>(condition->getType()) ||
             dependsOnData(*condition)) {
    InFlightDiagnostic error = emitNodeError(location, node.op)
                               << "branches on a value that is computed at run time";
    attachHelp(error, "export the model with fixed shapes, or simplify it, so that the "
                      "condition becomes a constant");
    return error;
  } else {
    values = importBothBranches(scope, node, *condition);
  }
  if (failed(values))
    return failure();
  for (auto [value, name] : llvm::zip(*values, node.outputs))
    if (!name.empty() && failed(define(scope, name, value, location, node.op)))
      return failure();
  return success();
}
