//===- ImportGraph.cpp - Names, and the order of nodes --------------------===//
// ONNX wants nodes sorted, so that a name is defined before it is read, and defined
// once. Initializers are read at their first use: what nobody reads costs nothing.

#include "Importer.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/NodeDiagnostics.h"

using namespace mlir;
using namespace weir;

/// Functions that call functions may double the nodes at each level.
static constexpr int64_t maxNodes = 1 << 16;

/// Longer names are cut: each node in a body carries that of its call.
static constexpr size_t maxNameLength = 256;

/// How a message names a node: its name, or else its first output.
static StringRef nameOf(const source::Node &node) {
  if (!node.name.empty())
    return node.name;
  for (StringRef output : node.outputs)
    if (!output.empty())
      return output;
  return "";
}

Location Importer::locationOf(const Scope &scope, const source::Node &node) {
  std::string name = (scope.prefix + nameOf(node)).str();
  if (name.empty())
    name = node.op;
  if (name.size() > maxNameLength)
    name = name.substr(0, maxNameLength) + "...";
  return NameLoc::get(StringAttr::get(context, name), fileLocation);
}

/// All names that the nodes, and the bodies that they carry, read.
static void collectUses(const std::vector<source::Node> &nodes, llvm::StringSet<> &uses) {
  for (const source::Node &node : nodes) {
    uses.insert_range(node.inputs);
    for (const source::Attribute &attribute : node.attributes)
      if (attribute.graph) {
        collectUses(attribute.graph->nodes, uses);
        for (const source::ValueInfo &output : attribute.graph->outputs)
          uses.insert(output.name);
      }
  }
}

LogicalResult Importer::enterGraph(Scope &scope, const source::Graph &graph) {
  if (!graph.sparseInitializers.empty())
    return emitError(fileLocation) << "initializer '" << graph.sparseInitializers.front()
                                   << "' is sparse, but Weir reads dense ones only";
  for (const source::Tensor &tensor : graph.initializers)
    if (!scope.initializers.insert({tensor.name, &tensor}).second)
      return emitError(fileLocation)
             << "initializer '" << tensor.name << "' is defined twice";
  for (const auto *infos : {&graph.values, &graph.outputs})
    for (const source::ValueInfo &info : *infos)
      scope.infos.insert({info.name, &info});
  for (const source::ValueInfo &output : graph.outputs)
    scope.uses.insert(output.name);
  scope.nodes = &graph.nodes;
  return success();
}

LogicalResult Importer::importNodes(Scope &scope) {
  collectUses(*scope.nodes, scope.uses);
  for (const source::Node &node : *scope.nodes) {
    if (++numNodes > maxNodes)
      return emitError(fileLocation) << "expands to more than " << maxNodes << " nodes";
    if (failed(importNode(scope, node)))
      return failure();
  }
  return success();
}

LogicalResult Importer::define(Scope &scope, StringRef name, Value value,
                               Location location, StringRef op) {
  if (!scope.initializers.count(name) && scope.values.insert({name, value}).second)
    return success();
  if (op.empty())
    return emitError(location) << "input '" << name << "' is defined twice";
  return emitNodeError(location, op)
         << "defines '" << name << "', which is already defined";
}

FailureOr<Value> Importer::lookup(const Scope &scope, StringRef name) {
  for (const Scope *at = &scope; at; at = at->parent) {
    auto value = at->values.find(name);
    if (value != at->values.end())
      return value->second;
    auto tensor = at->initializers.find(name);
    if (tensor != at->initializers.end())
      return importInitializer(*tensor->second);
  }
  return Value();
}

/// The node of the scope, or of one around it, that defines a name.
static const source::Node *findProducer(const Scope &scope, StringRef name) {
  for (const Scope *at = &scope; at; at = at->parent)
    for (const source::Node &node : *at->nodes)
      if (llvm::is_contained(node.outputs, name))
        return &node;
  return nullptr;
}

FailureOr<Value> Importer::operandOf(const Scope &scope, const source::Node &node,
                                     StringRef name) {
  if (name.empty())
    return getNoValue();
  FailureOr<Value> value = lookup(scope, name);
  if (failed(value) || *value)
    return value;
  InFlightDiagnostic error = emitNodeError(locationOf(scope, node), node.op);
  if (const source::Node *producer = findProducer(scope, name)) {
    error << "reads '" << name << "' before node '" << nameOf(*producer) << "' ("
          << producer->op << ") defines it";
    attachHelp(error, "nodes must be sorted, and a graph has no cycles");
  } else {
    error << "reads '" << name << "', which nothing defines";
  }
  return failure();
}

FailureOr<Value> Importer::importInitializer(const source::Tensor &tensor) {
  Value &value = constants[&tensor];
  if (value)
    return value;
  llvm::Expected<ElementsAttr> elements = tensors.import(tensor, tensor.name);
  if (!elements)
    return emitError(fileLocation) << "initializer '" << tensor.name << "' "
                                   << llvm::toString(elements.takeError());
  OpBuilder::InsertionGuard guard(builder);
  if (lastConstant)
    builder.setInsertionPointAfter(lastConstant);
  else
    builder.setInsertionPointToStart(body);
  Location location = NameLoc::get(StringAttr::get(context, tensor.name), fileLocation);
  lastConstant = onnx::ConstantOp::create(builder, location, *elements);
  value = lastConstant->getResult(0);
  return value;
}

Value Importer::getNoValue() {
  if (none)
    return none;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(body);
  auto op = onnx::NoValueOp::create(builder, fileLocation);
  if (!lastConstant)
    lastConstant = op;
  none = op;
  return none;
}
