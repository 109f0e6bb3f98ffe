//===- ExportNode.cpp - One op, one node ----------------------------------===//
// Operands and attributes are written as the op's definition lists them; what an older
// opset spells otherwise is undone here (see Normalize.h for the way in).

#include "ElementTypes.h"
#include "Exporter.h"
#include "Schema.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Onnx/Opsets.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/NodeDiagnostics.h"

using namespace mlir;
using namespace weir;
using Kind = source::Attribute::Kind;

static FailureOr<source::Attribute> exportArray(Operation *op, source::Attribute made,
                                                ArrayAttr array) {
  made.kind = Kind::Ints;
  for (Attribute element : array) {
    if (auto integer = dyn_cast<IntegerAttr>(element)) {
      made.ints.push_back(integer.getValue().getSExtValue());
    } else if (auto number = dyn_cast<FloatAttr>(element)) {
      made.kind = Kind::Floats;
      made.floats.push_back(number.getValueAsDouble());
    } else if (auto text = dyn_cast<StringAttr>(element)) {
      made.kind = Kind::Strings;
      made.strings.push_back(text.str());
    } else {
      return emitNodeError(op) << "attribute '" << made.name
                               << "' has no counterpart in ONNX";
    }
  }
  return made;
}

static FailureOr<source::Attribute> exportAttribute(Operation *op, StringRef name,
                                                    Attribute attr) {
  source::Attribute made;
  made.name = name.str();
  if (auto integer = dyn_cast<IntegerAttr>(attr)) {
    made.kind = Kind::Int;
    made.i = integer.getValue().getSExtValue();
  } else if (auto number = dyn_cast<FloatAttr>(attr)) {
    made.kind = Kind::Float;
    made.f = number.getValueAsDouble();
  } else if (auto text = dyn_cast<StringAttr>(attr)) {
    made.kind = Kind::String;
    made.s = text.str();
  } else if (auto type = dyn_cast<TypeAttr>(attr)) {
    made.kind = Kind::Int;
    made.i = static_cast<int64_t>(toDataType(type.getValue()));
  } else if (auto array = dyn_cast<ArrayAttr>(attr)) {
    return exportArray(op, std::move(made), array);
  } else if (auto elements = dyn_cast<ElementsAttr>(attr)) {
    FailureOr<source::Tensor> tensor = exportTensor(elements, op->getLoc());
    if (failed(tensor))
      return failure();
    made.kind = Kind::Tensor;
    made.tensor = std::make_shared<source::Tensor>(std::move(*tensor));
  } else {
    return emitNodeError(op) << "attribute '" << name << "' has no counterpart in ONNX";
  }
  return made;
}

/// An attribute that says what was so before it was there: it can be left out.
static bool saysNothing(Operation *op, const source::Attribute &attribute) {
  if (attribute.name == "saturate")
    return true; // matters for 8-bit floats alone, which came with it
  if (attribute.name == "left_window_size" || attribute.name == "right_window_size")
    return attribute.i == -1;
  if (attribute.name == "reduction")
    return attribute.s == "none";
  if (attribute.name == "dilations")
    return llvm::all_of(attribute.ints, [](int64_t d) { return d == 1; });
  if (attribute.name == "num_outputs") { // equal parts are what no sizes mean
    if (!isa<NoneType>(op->getOperand(1).getType()))
      return true;
    Type first = op->getResult(0).getType();
    return llvm::all_equal(op->getResultTypes()) && !isa<UnrankedTensorType>(first);
  }
  return attribute.i == 0;
}

namespace {
/// The oldest opset that can say a node, and what older ones lack.
struct Need {
  int64_t opset;
  std::string what;
};
} // namespace

static source::Attribute *find(source::Node &node, StringRef name) {
  auto found = llvm::find_if(node.attributes, [&](const source::Attribute &attribute) {
    return attribute.name == name;
  });
  return found == node.attributes.end() ? nullptr : &*found;
}

/// Reductions but for the sum took their axes as an attribute before opset 18.
static bool hadAxesAttribute(const source::Node &node) {
  return StringRef(node.op).starts_with("Reduce") && node.op != "ReduceSum";
}

static Need needOf(Operation *op, source::Node &node) {
  Need need = {onnx::opsetOfOperator(node.op), "is an operator of ONNX"};
  auto raise = [&](int64_t opset, const Twine &what) {
    if (opset > need.opset)
      need = {opset, what.str()};
  };
  const Schema &schema = *findSchema(node.op);
  for (const onnx::Addition &addition : onnx::getAdditions()) {
    if (addition.op != node.op)
      continue;
    std::optional<unsigned> operand = schema.findOperand(addition.field);
    if (operand && *operand < node.inputs.size() && !node.inputs[*operand].empty())
      raise(addition.opset, "has an input '" + addition.field + "'");
    source::Attribute *attribute = find(node, addition.field);
    if (attribute && !saysNothing(op, *attribute))
      raise(addition.opset, "has an attribute '" + addition.field + "'");
  }
  if (source::Attribute *reduction = find(node, "reduction");
      reduction && (reduction->s == "max" || reduction->s == "min"))
    raise(18, "has the reduction '" + reduction->s + "'");
  if (hadAxesAttribute(node) && node.inputs.size() > 1 &&
      !getConstantInts(op->getOperand(1)))
    raise(18, "takes axes that are computed");
  return need;
}

/// ReduceMean(x, dense<1>)  ==>  ReduceMean(x) {axes = [1]}
static void makeAxesAttribute(Operation *op, source::Node &node) {
  if (node.inputs.size() < 2)
    return;
  node.inputs.pop_back();
  source::Attribute attribute;
  attribute.name = "axes";
  attribute.kind = Kind::Ints;
  std::optional<SmallVector<int64_t>> axes = getConstantInts(op->getOperand(1));
  attribute.ints.assign(axes->begin(), axes->end());
  node.attributes.push_back(std::move(attribute));
}

/// Brings a node in the newest spelling into that of `opset`.
static LogicalResult spell(Operation *op, source::Node &node, int64_t opset) {
  if (Need need = needOf(op, node); opset < need.opset) {
    InFlightDiagnostic error = emitNodeError(op);
    error << need.what << " from opset " << need.opset << " on, but opset " << opset
          << " is asked for";
    attachHelp(error, "give --opset=" + Twine(need.opset));
    return error;
  }
  llvm::erase_if(node.attributes, [&](const source::Attribute &attribute) {
    return llvm::any_of(onnx::getAdditions(), [&](const onnx::Addition &addition) {
      return addition.op == node.op && addition.field == attribute.name &&
             opset < addition.opset;
    });
  });
  if (hadAxesAttribute(node) && opset < 18)
    makeAxesAttribute(op, node);
  return success();
}

/// Attributes that the dialect's op has and ONNX's has not, or not beside another.
static bool isExtra(Operation *op, StringRef attribute) {
  if (isa<onnx::MaxPoolOp>(op))
    return attribute == "count_include_pad";
  if (auto split = dyn_cast<onnx::SplitOp>(op))
    return attribute == "num_outputs" && !isa<NoneType>(split.getSplit().getType());
  return false;
}

static FailureOr<source::Node> plainCustom(onnx::CustomOp op, source::Node node) {
  node.op = op.getFunctionName().str();
  node.domain = op.getDomainName().str();
  for (NamedAttribute attr : op->getDiscardableAttrs()) {
    auto made = exportAttribute(op, attr.getName(), attr.getValue());
    if (failed(made))
      return failure();
    node.attributes.push_back(std::move(*made));
  }
  return node;
}

/// The node in the newest spelling; "?" stands for each input that is there.
static FailureOr<source::Node> plainNode(Operation *op) {
  source::Node node;
  for (Value operand : op->getOperands())
    node.inputs.push_back(isa<NoneType>(operand.getType()) ? "" : "?");
  while (!node.inputs.empty() && node.inputs.back().empty())
    node.inputs.pop_back();
  if (auto custom = dyn_cast<onnx::CustomOp>(op))
    return plainCustom(custom, std::move(node));
  StringRef name = op->getName().getStringRef();
  const Schema *schema = name.consume_front("onnx.") ? findSchema(name) : nullptr;
  if (!schema || !op->isRegistered())
    return emitNodeError(op)
           << "is no operator that Weir knows, so it cannot tell which opset has it";
  node.op = name.str();
  for (const Schema::Field &field : schema->attributes) {
    Attribute attr = op->getAttr(field.name);
    if (!attr || isExtra(op, field.name))
      continue;
    auto made = exportAttribute(op, field.name, attr);
    if (failed(made))
      return failure();
    node.attributes.push_back(std::move(*made));
  }
  return node;
}

FailureOr<int64_t> weir::oldestOpsetOf(Operation *op) {
  FailureOr<source::Node> node = plainNode(op);
  if (failed(node))
    return failure();
  return node->domain.empty() ? needOf(op, *node).opset : onnx::oldestWrittenOpset;
}

FailureOr<source::Node> weir::exportNode(Operation *op, int64_t opset) {
  FailureOr<source::Node> node = plainNode(op);
  if (failed(node) || (node->domain.empty() && failed(spell(op, *node, opset))))
    return failure();
  return node;
}
