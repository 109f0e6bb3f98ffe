//===- ExportGraph.cpp - One function, one graph --------------------------===//
// Nodes are called as their locations say and values as the nodes that make them; what
// the function's attributes name comes first. Equal constants are one initializer.

#include "ExportGraph.h"
#include "ElementTypes.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/NodeDiagnostics.h"

using namespace mlir;
using namespace weir;

FailureOr<source::Tensor> weir::exportTensor(ElementsAttr elements, Location location) {
  source::Tensor tensor;
  tensor.type = toDataType(elements.getElementType());
  // ONNX packs what is smaller than a byte; HostTensor does not.
  bool isPacked = elements.getElementType().isIntOrFloat() &&
                  elements.getElementType().getIntOrFloatBitWidth() < 8 &&
                  !elements.getElementType().isInteger(1);
  FailureOr<HostTensor> host = HostTensor::get(elements);
  if (tensor.type == source::DataType::Undefined || isPacked || failed(host))
    return emitError(location) << "a constant of type " << elements.getType()
                               << " cannot be written to an ONNX file";
  tensor.dims.assign(host->getShape().begin(), host->getShape().end());
  ArrayRef<char> bytes = host->getBytes();
  tensor.bytes = std::make_shared<std::string>(bytes.begin(), bytes.end());
  return tensor;
}

/// A dimension of which the type says nothing: a name or a size.
static source::Dim exportDim(Attribute stated) {
  source::Dim dim;
  if (auto size = dyn_cast_or_null<IntegerAttr>(stated))
    dim.size = size.getInt();
  if (auto symbol = dyn_cast_or_null<StringAttr>(stated))
    dim.symbol = symbol.str();
  return dim;
}

FailureOr<source::ValueInfo> weir::exportType(StringRef name, Type type, ArrayAttr stated,
                                              Location location) {
  source::ValueInfo info;
  info.name = name.str();
  info.kind = source::ValueInfo::Kind::Tensor;
  auto tensor = dyn_cast<TensorType>(type);
  info.type = tensor ? toDataType(tensor.getElementType()) : source::DataType::Undefined;
  if (info.type == source::DataType::Undefined)
    return emitError(location) << "'" << name << "' has type " << type
                               << ", which an ONNX file cannot hold";
  if (!tensor.hasRank() && !stated)
    return info;
  info.shape.emplace();
  if (!tensor.hasRank()) {
    for (Attribute dim : stated)
      info.shape->push_back(exportDim(dim));
    return info;
  }
  for (auto [index, size] : llvm::enumerate(tensor.getShape())) {
    Attribute dim = stated && index < stated.size() ? stated[index] : Attribute();
    info.shape->push_back(exportDim(dim));
    if (!ShapedType::isDynamic(size))
      info.shape->back().size = size;
  }
  return info;
}

static std::string namePort(StringAttr attribute, StringRef fallback, unsigned index,
                            NameSet &used) {
  return used.unique(attribute ? attribute.str() : (fallback + Twine(index)).str());
}

LogicalResult GraphExporter::nameInterface() {
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (!function.getArgAttr(i, "weir.state"))
      inputs[i] = namePort(function.getArgAttrOfType<StringAttr>(i, "weir.input"),
                           "input", i, used);
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    if (!function.getResultAttr(i, "weir.state"))
      outputs[i] = namePort(function.getResultAttrOfType<StringAttr>(i, "weir.output"),
                            "output", i, used);
  states = nameStates(function, options.stateNames, used);
  for (const StatePort &port : states) {
    if (port.argument >= 0)
      inputs[port.argument] = port.input;
    if (port.result >= 0)
      outputs[port.result] = port.output;
  }
  for (BlockArgument argument : function.getArguments()) {
    unsigned index = argument.getArgNumber();
    FailureOr<source::ValueInfo> info = exportType(
        inputs[index], argument.getType(),
        function.getArgAttrOfType<ArrayAttr>(index, "weir.dims"), function.getLoc());
    if (failed(info))
      return failure();
    graph.inputs.push_back(std::move(*info));
    names[argument] = inputs[index];
  }
  Operation *terminator = function.getBody().front().getTerminator();
  for (auto [index, value] : llvm::enumerate(terminator->getOperands())) {
    FailureOr<source::ValueInfo> info = exportType(
        outputs[index], value.getType(),
        function.getResultAttrOfType<ArrayAttr>(index, "weir.dims"), function.getLoc());
    if (failed(info))
      return failure();
    graph.outputs.push_back(std::move(*info));
    Operation *op = value.getDefiningOp();
    if (op && !isa<onnx::ConstantOp>(op) && !names.count(value))
      names[value] = outputs[index];
  }
  return success();
}

/// The name that a node asks for: that of its location, or its operator.
static std::string wantedName(Operation *op) {
  StringRef name = getNodeName(op->getLoc());
  return name.empty() ? getOperatorName(op) : name.str();
}

LogicalResult GraphExporter::nameResults(Operation *op) {
  for (OpResult result : op->getResults()) {
    if (isa<NoneType>(result.getType()) || names.count(result))
      continue;
    names[result] = used.unique(wantedName(op));
    if (isa<UnrankedTensorType>(result.getType()))
      continue;
    FailureOr<source::ValueInfo> info =
        exportType(names[result], result.getType(), nullptr, op->getLoc());
    if (failed(info))
      return failure();
    graph.values.push_back(std::move(*info));
  }
  return success();
}

LogicalResult GraphExporter::exportConstant(onnx::ConstantOp op) {
  std::string &known = constants[op.getValue()];
  if (known.empty()) {
    FailureOr<source::Tensor> tensor = exportTensor(op.getValue(), op.getLoc());
    if (failed(tensor))
      return failure();
    known = used.unique(wantedName(op));
    tensor->name = known;
    graph.initializers.push_back(std::move(*tensor));
  }
  names[op.getResult()] = known;
  return success();
}

LogicalResult GraphExporter::exportOp(Operation *op) {
  FailureOr<source::Node> node = exportNode(op, opset);
  if (failed(node))
    return failure();
  node->name = usedNodes.unique(wantedName(op));
  if (!node->domain.empty())
    domains.insert(node->domain);
  for (auto [index, input] : llvm::enumerate(node->inputs))
    if (!input.empty())
      input = names.lookup(op->getOperand(index));
  for (OpResult result : op->getResults())
    node->outputs.push_back(names.lookup(result)); // "" for none
  while (!node->outputs.empty() && node->outputs.back().empty())
    node->outputs.pop_back();
  graph.nodes.push_back(std::move(*node));
  return success();
}

/// Outputs that are inputs, constants or other outputs are copied by a node.
void GraphExporter::exportOutputs() {
  Operation *terminator = function.getBody().front().getTerminator();
  for (auto [index, value] : llvm::enumerate(terminator->getOperands())) {
    std::string name = names.lookup(value);
    if (name == outputs[index])
      continue;
    source::Node copy;
    copy.op = "Identity";
    copy.name = usedNodes.unique(outputs[index]);
    copy.inputs = {name};
    copy.outputs = {outputs[index]};
    graph.nodes.push_back(std::move(copy));
  }
}

/// Dead ops are left out.
static bool isWritten(Operation &op) {
  return !isa<onnx::NoValueOp>(op) && !op.hasTrait<OpTrait::IsTerminator>() &&
         !op.use_empty();
}

LogicalResult GraphExporter::run() {
  graph.name = function.getName().str();
  if (failed(nameInterface()))
    return failure();
  Block &body = function.getBody().front();
  for (Operation &op : body)
    if (isWritten(op) && !isa<onnx::ConstantOp>(op) && failed(nameResults(&op)))
      return failure();
  for (Operation &op : body) {
    if (!isWritten(op))
      continue;
    auto constant = dyn_cast<onnx::ConstantOp>(op);
    if (failed(constant ? exportConstant(constant) : exportOp(&op)))
      return failure();
  }
  exportOutputs();
  return success();
}
