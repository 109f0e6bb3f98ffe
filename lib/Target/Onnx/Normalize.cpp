//===- Normalize.cpp - From the spelling of an opset to the canonical one -===//

#include "Normalize.h"
#include "ElementTypes.h"
#include "Schema.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/NodeDiagnostics.h"

using namespace mlir;
using namespace weir;

static IntegerAttr si64(PendingNode &node, int64_t value) {
  return IntegerAttr::get(node.builder.getIntegerType(64, /*isSigned=*/true), value);
}

static int64_t getInt(const PendingNode &node, StringRef name, int64_t otherwise) {
  auto attr = dyn_cast_or_null<IntegerAttr>(node.attributes.get(name));
  return attr ? attr.getValue().getSExtValue() : otherwise;
}

/// The elements of an array attribute when they are all of one kind; absent for others.
template <typename ElementT>
static std::optional<SmallVector<ElementT>> getArray(const PendingNode &node,
                                                     StringRef name) {
  auto array = dyn_cast_or_null<ArrayAttr>(node.attributes.get(name));
  if (!array || !llvm::all_of(array, llvm::IsaPred<ElementT>))
    return std::nullopt;
  return llvm::map_to_vector(array, llvm::CastTo<ElementT>);
}

/// A scalar of the element type of the first operand.
static ElementsAttr scalarLike(PendingNode &node, FloatAttr value) {
  auto element =
      dyn_cast<FloatType>(getElementTypeOrSelf(node.operands.front().getType()));
  if (!element)
    element = node.builder.getF32Type();
  return DenseElementsAttr::get(
      RankedTensorType::get({}, element),
      FloatAttr::get(element, value.getValueAsDouble()).getValue());
}

/// ReduceSum(x) {axes = [1]}  ==>  ReduceSum(x, dense<1>); likewise Squeeze, Split,
/// Dropout ...
static void makeOperandsOfAttributes(PendingNode &node, const Schema &schema) {
  for (NamedAttribute attr : llvm::to_vector(node.attributes)) {
    std::optional<unsigned> position = schema.findOperand(attr.getName());
    if (!position || node.hasOperand(*position))
      continue;
    Value value;
    if (auto ints = getArray<IntegerAttr>(node, attr.getName()))
      value = node.constantInts(llvm::map_to_vector(
          *ints, [](IntegerAttr element) { return element.getValue().getSExtValue(); }));
    else if (auto number = dyn_cast<FloatAttr>(attr.getValue()))
      value = node.constant(scalarLike(node, number));
    else
      continue;
    node.setOperand(*position, value);
    node.attributes.erase(attr.getName());
  }
}

/// Pad {value}  ==>  Pad(constant_value)
static LogicalResult valueOfPad(PendingNode &node) {
  if (auto value = dyn_cast_or_null<FloatAttr>(node.attributes.get("value"))) {
    if (node.operands.empty())
      return success(); // reported as a missing operand
    node.setOperand(2, node.constant(scalarLike(node, value)));
    node.attributes.erase("value");
  }
  return success();
}

/// EyeLike {dtype = 1}, HannWindow {output_datatype = 1}  ==>  {dtype = f32}
static LogicalResult typeOfResult(PendingNode &node) {
  for (StringRef name : {"dtype", "output_datatype"}) {
    auto stated = dyn_cast_or_null<IntegerAttr>(node.attributes.get(name));
    if (!stated)
      continue;
    auto type = static_cast<source::DataType>(stated.getValue().getSExtValue());
    std::optional<ElementType> element = toElementType(type, node.builder.getContext());
    if (!element || !element->type.isIntOrFloat())
      return node.error() << "is of type " << nameOf(type)
                          << ", which Weir does not compute";
    node.attributes.erase(name);
    node.attributes.set("dtype", TypeAttr::get(element->type));
  }
  return success();
}

/// DFT {}  ==>  DFT {axis = 1}
static LogicalResult axisOfTransform(PendingNode &node) {
  node.attributes.set("axis", si64(node, getInt(node, "axis", 1)));
  return success();
}

static LogicalResult castToType(PendingNode &node) {
  auto to = dyn_cast_or_null<IntegerAttr>(node.attributes.get("to"));
  if (!to)
    return node.error() << "has no type to cast to";
  auto type = static_cast<source::DataType>(to.getValue().getSExtValue());
  std::optional<ElementType> element = toElementType(type, node.builder.getContext());
  if (!element)
    return node.error() << "casts to type " << nameOf(type)
                        << ", which Weir does not read";
  node.attributes.set("to", TypeAttr::get(element->type));
  return success();
}

/// output_dtype = 0 says nothing; another number becomes a type.
static LogicalResult nameOutputType(PendingNode &node) {
  int64_t number = getInt(node, "output_dtype", 0);
  node.attributes.erase("output_dtype");
  if (number == 0)
    return success();
  auto type = static_cast<source::DataType>(number);
  std::optional<ElementType> element = toElementType(type, node.builder.getContext());
  if (!element)
    return node.error() << "has elements of type " << nameOf(type)
                        << ", which Weir does not read";
  node.attributes.set("output_dtype", TypeAttr::get(element->type));
  return success();
}

/// CastLike(x, y)  ==>  Cast(x) {to = element type of y}
static LogicalResult castToTypeOfOther(PendingNode &node) {
  if (!node.hasOperand(0) || !node.hasOperand(1) || node.operands.size() != 2)
    return node.error() << "wants two inputs";
  node.op = "Cast";
  node.attributes.set("to", TypeAttr::get(getElementTypeOrSelf(node.operands[1])));
  node.operands.pop_back();
  return success();
}

/// Constant {value_ints = [1, 2]}  ==>  Constant dense<[1, 2]> : tensor<2xi64>
static LogicalResult constantOfNumbers(PendingNode &node) {
  if (node.attributes.get("value"))
    return success();
  Type i64 = node.builder.getI64Type(), f32 = node.builder.getF32Type();
  auto toInt = [](IntegerAttr attr) { return attr.getValue().getSExtValue(); };
  auto toFloat = [](FloatAttr attr) { return attr.getValue(); };
  ElementsAttr value;
  if (auto attr = dyn_cast_or_null<IntegerAttr>(node.attributes.get("value_int")))
    value = DenseElementsAttr::get(RankedTensorType::get({}, i64), toInt(attr));
  else if (auto attr = dyn_cast_or_null<FloatAttr>(node.attributes.get("value_float")))
    value = DenseElementsAttr::get(RankedTensorType::get({}, f32), toFloat(attr));
  else if (auto ints = getArray<IntegerAttr>(node, "value_ints"))
    value = node.builder.getI64TensorAttr(llvm::map_to_vector(*ints, toInt));
  else if (auto floats = getArray<FloatAttr>(node, "value_floats"))
    value = DenseElementsAttr::get(
        RankedTensorType::get({static_cast<int64_t>(floats->size())}, f32),
        llvm::map_to_vector(*floats, toFloat));
  else
    return node.error() << "holds no numbers";
  node.attributes.clear();
  node.attributes.set("value", value);
  return success();
}

/// Before opset 13, `axis` cut the shape into rows and columns, and a row was one sum:
///   Softmax-11(x) {axis}  ==>  Reshape(Softmax(Flatten(x) {axis}) {axis = -1}, Shape(x))
/// On the last dimension both mean the same.
static LogicalResult flattenSoftmax(PendingNode &node) {
  int64_t axis = getInt(node, "axis", 1);
  node.attributes.set("axis", si64(node, -1));
  if (!node.hasOperand(0))
    return success(); // reported as a missing operand
  Value input = node.operands.front();
  auto ranked = dyn_cast<RankedTensorType>(input.getType());
  if (axis == -1 || (ranked && axis == ranked.getRank() - 1))
    return success();
  if (ranked && (axis < -ranked.getRank() || axis > ranked.getRank()))
    return node.error() << "axis " << axis << " is outside a tensor of rank "
                        << ranked.getRank();
  OpBuilder &b = node.builder;
  Type element = getElementTypeOrSelf(input);
  auto create = [&](StringRef op, ValueRange operands, NamedAttrList attrs) {
    OperationState state(
        node.location, ("onnx." + op).str(), operands,
        UnrankedTensorType::get(op == "Shape" ? Type(b.getI64Type()) : element), attrs);
    return state.name.isRegistered() ? createInferred(node, state) : b.create(state);
  };
  Operation *shape = create("Shape", input, {});
  Operation *rows = create("Flatten", input, {b.getNamedAttr("axis", si64(node, axis))});
  if (!shape || !rows)
    return failure();
  Operation *soft = create(node.op, rows->getResult(0), node.attributes);
  if (!soft)
    return failure();
  Operation *back = create("Reshape", {soft->getResult(0), shape->getResult(0)},
                           {b.getNamedAttr("allowzero", si64(node, 1))});
  if (!back)
    return failure();
  node.results = {back->getResult(0)};
  return success();
}

/// Split {}  ==>  Split {num_outputs}
static LogicalResult countOutputs(PendingNode &node) {
  int64_t outputs = node.isUsed.size();
  int64_t stated = getInt(node, "num_outputs", outputs);
  if (stated != outputs)
    return node.error() << "has " << outputs << " outputs, but num_outputs is " << stated;
  node.attributes.set("num_outputs", si64(node, outputs));
  return success();
}

/// Before opset 10: TopK(x) {k}  ==>  TopK(x, K)
static LogicalResult countOfTopK(PendingNode &node) {
  auto k = dyn_cast_or_null<IntegerAttr>(node.attributes.get("k"));
  if (!k || node.operands.empty())
    return success(); // reported as a missing operand
  node.setOperand(1, node.constantInts(k.getValue().getSExtValue()));
  node.attributes.erase("k");
  return success();
}

/// Running statistics are results of training only.
static LogicalResult refuseTraining(PendingNode &node) {
  bool hasStatistics = llvm::is_contained(ArrayRef(node.isUsed).drop_front(), true);
  if (hasStatistics || getInt(node, "training_mode", 0) != 0) {
    InFlightDiagnostic error = node.error() << "is in training mode";
    attachHelp(error, "export the model after model.eval()");
    return error;
  }
  node.isUsed.resize(1);
  return success();
}

/// Dropout that drops something draws random numbers.
static LogicalResult refuseDropping(PendingNode &node) {
  if (!node.hasOperand(2))
    return success();
  std::optional<SmallVector<int64_t>> isTraining = getConstantInts(node.operands[2]);
  if (isTraining && llvm::all_of(*isTraining, [](int64_t value) { return value == 0; }))
    return success();
  InFlightDiagnostic error = node.error();
  error << (isTraining ? "is in training mode"
                       : "is in a mode that is computed: it may be in training mode");
  attachHelp(error, "export the model after model.eval()");
  return error;
}

/// Ops that have fewer results than the operator, whose others nobody may read.
static LogicalResult dropUnusedResults(PendingNode &node) {
  if (llvm::is_contained(ArrayRef(node.isUsed).drop_front(), true))
    return node.error()
           << "has a second output that is read, which Weir does not compute";
  node.isUsed.resize(1);
  return success();
}

namespace {
struct Rule {
  StringRef op;
  int64_t lastOpset;
  LogicalResult (*apply)(PendingNode &);
};
} // namespace

static constexpr int64_t always = std::numeric_limits<int64_t>::max();

static const Rule rules[] = {
    {"BatchNormalization", always, refuseTraining},
    {"BlackmanWindow", always, typeOfResult},
    {"Cast", always, castToType},
    {"CastLike", always, castToTypeOfOther},
    {"Constant", always, constantOfNumbers},
    {"DFT", 19, axisOfTransform},
    {"DequantizeLinear", always, nameOutputType},
    {"Dropout", always, refuseDropping},
    {"EyeLike", always, typeOfResult},
    {"HammingWindow", always, typeOfResult},
    {"HannWindow", always, typeOfResult},
    {"Hardmax", 12, flattenSoftmax},
    {"LogSoftmax", 12, flattenSoftmax},
    {"MaxPool", always, dropUnusedResults},
    {"MelWeightMatrix", always, typeOfResult},
    {"Pad", 10, valueOfPad},
    {"QuantizeLinear", always, nameOutputType},
    {"Softmax", 12, flattenSoftmax},
    {"Split", always, countOutputs},
    {"TopK", 9, countOfTopK},
};

LogicalResult weir::normalize(PendingNode &node) {
  if (const Schema *schema = findSchema(node.op))
    makeOperandsOfAttributes(node, *schema);
  for (const Rule &rule : rules)
    if (rule.op == node.op && node.opset <= rule.lastOpset)
      return rule.apply(node);
  return success();
}
