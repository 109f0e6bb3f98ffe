//===- ImportNode.cpp - One node, one op ----------------------------------===//
// Ops check nothing that a file may get wrong before they infer their types, so arity
// and attributes are checked here against the schema.

#include "ElementTypes.h"
#include "Importer.h"
#include "Normalize.h"
#include "Schema.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "weir/Dialect/Onnx/Expand.h"
#include "weir/Dialect/Onnx/Limits.h"
#include "weir/Dialect/Weir/Functions.h"
#include "weir/Support/NodeDiagnostics.h"

using namespace mlir;
using namespace weir;

//===----------------------------------------------------------------------===//
// A node that waits for its op
//===----------------------------------------------------------------------===//

InFlightDiagnostic PendingNode::error() const { return emitNodeError(location, op); }

bool PendingNode::hasOperand(size_t index) const {
  return index < operands.size() && !isa<NoneType>(operands[index].getType());
}

void PendingNode::setOperand(size_t index, Value value) {
  while (operands.size() < index)
    operands.push_back(importer.getNoValue());
  if (operands.size() == index)
    operands.push_back(value);
  operands[index] = value;
}

Value PendingNode::constant(ElementsAttr value) {
  return onnx::ConstantOp::create(builder, location, value);
}

Value PendingNode::constantInts(ArrayRef<int64_t> values) {
  return constant(builder.getI64TensorAttr(values));
}

//===----------------------------------------------------------------------===//
// Operands and attributes
//===----------------------------------------------------------------------===//

LogicalResult Importer::fillOperands(const Scope &scope, const source::Node &node,
                                     PendingNode &pending) {
  for (StringRef name : node.inputs) {
    FailureOr<Value> value = operandOf(scope, node, name);
    if (failed(value))
      return failure();
    pending.operands.push_back(*value);
  }
  return success();
}

FailureOr<Attribute> Importer::importAttribute(Location location, StringRef op,
                                               const source::Attribute &attribute) {
  using Kind = source::Attribute::Kind;
  Type si64 = builder.getIntegerType(64, /*isSigned=*/true);
  switch (attribute.kind) {
  case Kind::Float:
    return Attribute(builder.getF32FloatAttr(attribute.f));
  case Kind::Int:
    return Attribute(IntegerAttr::get(si64, attribute.i));
  case Kind::String:
    return Attribute(builder.getStringAttr(attribute.s));
  case Kind::Floats:
    return Attribute(builder.getF32ArrayAttr(attribute.floats));
  case Kind::Ints:
    return Attribute(builder.getI64ArrayAttr(attribute.ints));
  case Kind::Strings:
    return Attribute(builder.getStrArrayAttr(
        SmallVector<StringRef>(attribute.strings.begin(), attribute.strings.end())));
  case Kind::Tensor: {
    StringRef name = attribute.tensor->name.empty() ? getNodeName(location)
                                                    : StringRef(attribute.tensor->name);
    llvm::Expected<ElementsAttr> elements = tensors.import(*attribute.tensor, name);
    if (!elements)
      return emitNodeError(location, op) << "attribute '" << attribute.name << "' "
                                         << llvm::toString(elements.takeError());
    return Attribute(*elements);
  }
  case Kind::Graph: {
    InFlightDiagnostic error = emitNodeError(location, op)
                               << "runs a body ('" << attribute.name
                               << "') that depends on data";
    attachHelp(error, "Weir streams models without loops and branches; unroll them");
    return error;
  }
  case Kind::Other:
    break;
  }
  return emitNodeError(location, op)
         << "attribute '" << attribute.name << "' is of a kind that Weir does not read";
}

LogicalResult Importer::fillAttributes(const Scope &scope, const source::Node &node,
                                       PendingNode &pending) {
  for (const source::Attribute &attribute : node.attributes) {
    std::optional<source::Attribute> bound = resolve(scope, attribute);
    if (!bound)
      continue;
    if (bound->name.empty() || StringRef(bound->name).contains('\0'))
      return pending.error() << "has an attribute without a name";
    if (pending.attributes.get(bound->name))
      return pending.error() << "has attribute '" << bound->name << "' twice";
    FailureOr<Attribute> value = importAttribute(pending.location, node.op, *bound);
    if (failed(value))
      return failure();
    pending.attributes.set(bound->name, *value);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// The op
//===----------------------------------------------------------------------===//

/// Completes the operands to those of the schema; fails when the node cannot fit it.
static LogicalResult fitSchema(PendingNode &node, const Schema &schema) {
  bool isVariadic =
      !schema.operands.empty() && schema.operands.back().arity == Schema::Arity::Variadic;
  if (!isVariadic && node.operands.size() > schema.operands.size())
    return node.error() << "has " << node.operands.size() << " inputs, but takes at most "
                        << schema.operands.size();
  if (isVariadic && node.operands.empty())
    return node.error() << "has no inputs";
  size_t wanted = isVariadic ? node.operands.size() : schema.operands.size();
  for (size_t i = 0; i < wanted; ++i) {
    const Schema::Field &field = schema.operands[isVariadic ? 0 : i];
    if (node.hasOperand(i))
      continue;
    if (field.arity != Schema::Arity::Optional)
      return node.error() << "lacks input '" << field.name << "'";
    if (i == node.operands.size())
      node.operands.push_back(node.importer.getNoValue());
  }
  for (const Schema::Field &field : schema.attributes)
    if (field.arity == Schema::Arity::Required && !node.attributes.get(field.name))
      return node.error() << "lacks attribute '" << field.name << "'";
  bool anyResults = schema.results.back().arity == Schema::Arity::Variadic;
  if (!anyResults && node.isUsed.size() > schema.results.size())
    return node.error() << "has " << node.isUsed.size()
                        << " outputs, but returns at most " << schema.results.size();
  if (!anyResults)
    node.isUsed.resize(schema.results.size(), false);
  return success();
}

Operation *weir::createInferred(PendingNode &node, const OperationState &state) {
  OperationName name = state.name;
  NamedAttrList attributes = state.attributes;
  if (failed(name.verifyInherentAttrs(attributes, [&] { return node.error(); })))
    return nullptr;
  // Placeholder types: the op's properties are needed for inference.
  Operation *op = node.builder.create(state);
  SmallVector<Type> types;
  auto infer = cast<InferTypeOpInterface>(op);
  if (failed(infer.inferReturnTypes(op->getContext(), op->getLoc(), op->getOperands(),
                                    op->getDiscardableAttrDictionary(),
                                    op->getPropertiesStorage(), op->getRegions(),
                                    types)) ||
      failed(onnx::verifyBearable(op, types)))
    return nullptr;
  if (types.size() != op->getNumResults()) {
    node.error() << "has " << op->getNumResults() << " outputs, but computes "
                 << types.size();
    return nullptr;
  }
  for (auto [result, type] : llvm::zip(op->getResults(), types))
    result.setType(type);
  return op;
}

/// The type of an optional result that is read: of an element type of its own, its shape
/// left open.
static Type optionalResultType(const PendingNode &node, Operation *op) {
  Builder &b = node.builder;
  Type element = getElementTypeOrSelf(op->getResult(0));
  if (node.op == "Dropout")
    element = b.getI1Type();
  else if (node.op == "LayerNormalization")
    element = b.getF32Type();
  return UnrankedTensorType::get(element);
}

/// An op of the dialect. Optional results have type none unless they are read.
static Operation *createKnown(PendingNode &node, const Schema &schema) {
  OperationState state(node.location, "onnx." + node.op, node.operands, {},
                       node.attributes.getAttrs());
  state.types.assign(node.isUsed.size(),
                     UnrankedTensorType::get(node.builder.getF32Type()));
  Operation *op = createInferred(node, state);
  if (!op)
    return nullptr;
  for (auto [result, isUsed] : llvm::zip(op->getResults(), node.isUsed)) {
    size_t index = std::min<size_t>(result.getResultNumber(), schema.results.size() - 1);
    if (!isUsed && schema.results[index].arity == Schema::Arity::Optional)
      result.setType(node.builder.getNoneType());
    else if (isUsed && isa<NoneType>(result.getType()))
      result.setType(optionalResultType(node, op));
  }
  return op;
}

/// An operator that Weir does not know survives. Its types are those that the file
/// states; where it states none, elements are taken to be those of the first operand.
Operation *Importer::createUnknown(PendingNode &pending, const Scope &scope,
                                   const source::Node &node) {
  OperationState state(pending.location,
                       node.domain.empty() ? "onnx." + node.op : "onnx.Custom");
  if (state.name.isRegistered() && node.domain.empty()) {
    pending.error() << "is no operator of ONNX";
    return nullptr;
  }
  if (!node.domain.empty()) {
    pending.attributes.set("domain_name", builder.getStringAttr(node.domain));
    pending.attributes.set("function_name", builder.getStringAttr(node.op));
  }
  state.addOperands(pending.operands);
  state.addAttributes(pending.attributes.getAttrs());
  auto elementOf = [&](unsigned result) -> Type {
    Type element;
    if (onnx::isExpanded(node.domain, node.op))
      element =
          onnx::elementOfResult(node.domain, node.op, result, pending.operands,
                                pending.attributes.getDictionary(builder.getContext()));
    else if (isWeirFunction(node.domain, node.op))
      element = elementOfWeirFunction(node.op, pending.operands);
    else if (pending.hasOperand(0))
      element = getElementTypeOrSelf(pending.operands.front());
    return element ? element : builder.getF32Type();
  };
  for (auto [index, output] : llvm::enumerate(node.outputs)) {
    Type type = UnrankedTensorType::get(elementOf(index));
    const source::ValueInfo *info = scope.infos.lookup(output);
    if (info && info->kind != source::ValueInfo::Kind::None) {
      FailureOr<Type> stated = typeOf(*info);
      if (failed(stated))
        return nullptr;
      auto tensor = cast<TensorType>(*stated);
      type = tensor.hasStaticShape() ? tensor
                                     : UnrankedTensorType::get(tensor.getElementType());
    }
    state.addTypes(output.empty() ? builder.getNoneType() : type);
  }
  return builder.create(state);
}

FailureOr<int64_t> Importer::opsetOf(const Scope &scope, StringRef domain,
                                     Location location, StringRef op) {
  for (const auto &[name, version] : *scope.opsets)
    if (name == domain)
      return version;
  return emitNodeError(location, op)
         << "is of domain '" << (domain.empty() ? "ai.onnx" : domain)
         << "', of which the model imports no operator set";
}

/// Whether the name can be one of an op.
static bool isOperatorName(StringRef name) {
  return !name.empty() && llvm::all_of(name, [](char c) {
    return llvm::isAlnum(c) || c == '_' || c == '.';
  });
}

LogicalResult Importer::importNode(Scope &scope, const source::Node &node) {
  Location location = locationOf(scope, node);
  FailureOr<int64_t> opset = opsetOf(scope, node.domain, location, node.op);
  if (failed(opset))
    return failure();
  if (!isOperatorName(node.op))
    return emitNodeError(location, node.op) << "names no operator";
  if (node.outputs.empty())
    return emitNodeError(location, node.op) << "has no outputs";
  const Schema *schema = node.domain.empty() ? findSchema(node.op) : nullptr;
  bool isKnown = schema || isWeirFunction(node.domain, node.op);
  if (const source::Function *function = findFunction(node); function && !isKnown)
    return importCall(scope, node, *function);
  if (node.domain.empty() && node.op == "If")
    return importIf(scope, node);

  PendingNode pending{*this, builder, location, node.op, *opset, {}, {}, {}, {}};
  for (StringRef output : node.outputs)
    pending.isUsed.push_back(!output.empty() && scope.uses.contains(output));
  if (failed(fillOperands(scope, node, pending)) ||
      failed(fillAttributes(scope, node, pending)))
    return failure();
  if (node.domain.empty() && failed(normalize(pending)))
    return failure();
  if (node.domain.empty())
    schema = findSchema(pending.op);
  if (pending.results.empty()) {
    if (schema && failed(fitSchema(pending, *schema)))
      return failure();
    Operation *op =
        schema ? createKnown(pending, *schema) : createUnknown(pending, scope, node);
    if (!op)
      return failure();
    pending.results = op->getResults();
  }
  for (auto [name, value] : llvm::zip(node.outputs, pending.results))
    if (!name.empty() && failed(define(scope, name, value, location, node.op)))
      return failure();
  return success();
}
