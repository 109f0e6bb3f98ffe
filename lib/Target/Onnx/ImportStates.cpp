//===- ImportStates.cpp - Recognise states among inputs and outputs -------===//
// @window(x, past_k) -> (y, present_k)  ==>  @step(x, k) -> (y, k) and @init() -> (k)
// Pairs are those that the file's properties tell (see ExportManifest.cpp) or else those
// whose names say so in a spelling that stateful models are known to use.

#include "Importer.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/HostTensor.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace weir;
namespace json = llvm::json;

namespace {
struct StatePair {
  std::string input, output, name;
  double init = 0;
};

/// The input PAST + name goes with the output PRESENT + name + AFTER.
struct Spelling {
  StringRef past, present, after;
  bool isNumber = false; ///< the name is one
};
} // namespace

static const Spelling spellings[] = {
    {"past_key_values.", "present.", ""}, // Hugging Face
    {"past_", "present_", ""},            // Weir
    {"cached_", "new_cached_", ""},       // k2
    {"state", "state", "N"},              // silero
    {"s", "ns", "", true},                // continual-inference: s0 -> ns0
};

static const source::ValueInfo *findInfo(const std::vector<source::ValueInfo> &infos,
                                         StringRef name) {
  for (const source::ValueInfo &info : infos)
    if (info.name == name)
      return &info;
  return nullptr;
}

/// Of one type and one shape, known before the model runs?
static bool isStatePair(const source::ValueInfo &input, const source::ValueInfo &output) {
  if (input.type != output.type || !input.shape || !output.shape ||
      input.shape->size() != output.shape->size())
    return false;
  for (auto [dim, other] : llvm::zip(*input.shape, *output.shape))
    if (!dim.size || dim.size != other.size)
      return false;
  return true;
}

/// The output that holds the new value of the state that `input` holds; null for none.
static const source::ValueInfo *findOutput(const source::ValueInfo &input,
                                           const source::Graph &graph) {
  for (const Spelling &spelling : spellings) {
    StringRef name = input.name;
    if (!name.consume_front(spelling.past) ||
        (spelling.isNumber && !llvm::all_of(name, llvm::isDigit)))
      continue;
    std::string output = (spelling.present + name + spelling.after).str();
    const source::ValueInfo *found = findInfo(graph.outputs, output);
    if (found && isStatePair(input, *found))
      return found;
  }
  return nullptr;
}

static StringRef findProperty(const source::Model &model, StringRef key) {
  for (const auto &[name, value] : model.metadata)
    if (name == key)
      return value;
  return "";
}

/// A property as JSON. The parser recurses, so the stack limits how deep it may nest; a
/// property of Weir nests twice.
static llvm::Expected<json::Value> parseProperty(const source::Model &model,
                                                 StringRef key) {
  constexpr size_t maxNesting = 64;
  StringRef text = findProperty(model, key);
  size_t depth = 0, deepest = 0;
  for (char c : text) {
    depth += c == '[' || c == '{';
    depth -= depth && (c == ']' || c == '}');
    deepest = std::max(deepest, depth);
  }
  return json::parse(deepest > maxNesting ? "" : text);
}

/// A property that holds a JSON object; empty where it is absent or is none.
static json::Object readObject(const source::Model &model, StringRef key) {
  llvm::Expected<json::Value> value = parseProperty(model, key);
  if (!value) {
    llvm::consumeError(value.takeError());
    return {};
  }
  json::Object *object = value->getAsObject();
  return object ? std::move(*object) : json::Object();
}

/// The pairs of a file that tells them; an entry may have one half of a pair only.
static SmallVector<StatePair> findToldPairs(const source::Model &model,
                                            const json::Object &told) {
  const source::Graph &graph = *model.graph;
  json::Object names = readObject(model, "weir.state_names");
  json::Object inits = readObject(model, "weir.state_init");
  SmallVector<StatePair> pairs;
  for (const auto &[input, value] : told) {
    StringRef output = value.getAsString().value_or("");
    const source::ValueInfo *past = findInfo(graph.inputs, input),
                            *present = findInfo(graph.outputs, output);
    if ((!past && !present) || (past && present && !isStatePair(*past, *present)))
      continue;
    std::string name = names.getString(input).value_or(input).str();
    pairs.push_back(
        {input.str(), output.str(), name, inits.getNumber(input).value_or(0)});
  }
  return pairs;
}

static SmallVector<StatePair> findPairs(const source::Model &model) {
  json::Object told = readObject(model, "weir.state_pairs");
  if (!told.empty())
    return findToldPairs(model, told);
  SmallVector<StatePair> pairs;
  for (const source::ValueInfo &input : model.graph->inputs)
    if (const source::ValueInfo *output = findOutput(input, *model.graph))
      pairs.push_back({input.name, output->name, input.name});
  return pairs;
}

static AxisAttr readAxis(const json::Object &fields, MLIRContext *context) {
  auto number = [&](StringRef key, int64_t otherwise) {
    return fields.getInteger(key).value_or(otherwise);
  };
  Builder b(context);
  return AxisAttr::getChecked([&] { return emitError(b.getUnknownLoc()); }, context,
                              number("dim", -1), number("inner", 1), number("lead", 0),
                              number("tokens", 0), number("tail", 0), number("chunk", 1));
}

/// Replaces the name of an argument or result by that of its state.
static DictionaryAttr stateAttrs(Builder &b, StringRef name) {
  return b.getDictionaryAttr(b.getNamedAttr("weir.state", b.getStringAttr(name)));
}

static void markStates(func::FuncOp function, ArrayRef<StatePair> pairs) {
  Builder b(function.getContext());
  for (const StatePair &pair : pairs) {
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      if (function.getArgAttr(i, "weir.input") == b.getStringAttr(pair.input))
        function.setArgAttrs(i, stateAttrs(b, pair.name));
    for (unsigned i = 0; i < function.getNumResults(); ++i)
      if (function.getResultAttr(i, "weir.output") == b.getStringAttr(pair.output))
        function.setResultAttrs(i, stateAttrs(b, pair.name));
  }
}

/// Token axes of the inputs, as the property `weir.inputs` lists them.
static void markAxes(func::FuncOp function, const source::Model &model) {
  llvm::Expected<json::Value> value = parseProperty(model, "weir.inputs");
  json::Array *inputs = value ? value->getAsArray() : nullptr;
  if (!value)
    llvm::consumeError(value.takeError());
  if (!inputs)
    return;
  Builder b(function.getContext());
  for (const json::Value &input : *inputs) {
    const json::Object *port = input.getAsObject();
    const json::Object *fields = port ? port->getObject("axis") : nullptr;
    if (!fields)
      continue;
    AxisAttr axis = readAxis(*fields, function.getContext());
    StringRef name = port->getString("name").value_or("");
    for (unsigned i = 0; axis && i < function.getNumArguments(); ++i)
      if (function.getArgAttr(i, "weir.input") == b.getStringAttr(name))
        function.setArgAttr(i, "weir.axis", axis);
  }
}

/// Adds `@init`, which gives each state its first value.
static void addInit(func::FuncOp step, ArrayRef<StatePair> pairs) {
  OpBuilder b(step.getContext());
  b.setInsertionPoint(step);
  SmallVector<Type> types;
  SmallVector<DictionaryAttr> attrs;
  SmallVector<ElementsAttr> values;
  for (unsigned i = 0; i < step.getNumArguments(); ++i) {
    auto name = step.getArgAttrOfType<StringAttr>(i, "weir.state");
    if (!name)
      continue;
    auto type = cast<RankedTensorType>(step.getArgument(i).getType());
    auto pair = llvm::find_if(
        pairs, [&](const StatePair &pair) { return pair.name == name.getValue(); });
    auto element = type.getElementType();
    Attribute value = isa<FloatType>(element)
                          ? Attribute(b.getFloatAttr(element, pair->init))
                          : Attribute(b.getIntegerAttr(element, int64_t(pair->init)));
    types.push_back(type);
    attrs.push_back(stateAttrs(b, name));
    values.push_back(DenseElementsAttr::get(type, value));
  }
  auto init =
      func::FuncOp::create(b, step.getLoc(), "init", b.getFunctionType({}, types));
  init.setAllResultAttrs(attrs);
  init->setAttr("weir.entry", b.getUnitAttr());
  b.setInsertionPointToStart(init.addEntryBlock());
  SmallVector<Value> constants;
  for (ElementsAttr value : values)
    constants.push_back(onnx::ConstantOp::create(b, step.getLoc(), value));
  func::ReturnOp::create(b, step.getLoc(), constants);
}

void weir::importStates(func::FuncOp function, const source::Model &model) {
  SmallVector<StatePair> pairs = findPairs(model);
  StringRef kind = findProperty(model, "weir.kind");
  bool isEntry = llvm::is_contained({"step", "prime", "push", "predict"}, kind);
  if (pairs.empty() && !isEntry)
    return;
  markStates(function, pairs);
  markAxes(function, model);
  function.setName(isEntry ? kind : "step");
  Builder b(function.getContext());
  function->setAttr("weir.entry", b.getUnitAttr());
  for (auto [attribute, property, otherwise] :
       {std::tuple("weir.warmup", "weir.warmup_steps", 1),
        std::tuple("weir.full", "weir.full_steps", -1), // left out where unknown
        std::tuple("weir.skipped", "weir.skipped_tokens", 0)}) {
    int64_t value = otherwise;
    (void)findProperty(model, property).getAsInteger(10, value);
    if (value >= 0)
      function->setAttr(attribute, b.getI64IntegerAttr(value));
  }
  if (function.getName() == "step")
    addInit(function, pairs);
}
