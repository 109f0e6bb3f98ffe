//===- ExportManifest.cpp - What a written model is -----------------------===//
// The same facts twice: as properties of the file, so that it explains itself, and as
// JSON beside it, for those who wire states up without reading ONNX.

#include "ElementTypes.h"
#include "Exporter.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/HostTensor.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace weir;
namespace json = llvm::json;

static json::Object describeAxis(AxisAttr axis) {
  return json::Object{{"dim", axis.getDim()},   {"inner", axis.getInner()},
                      {"lead", axis.getLead()}, {"tokens", axis.getTokens()},
                      {"tail", axis.getTail()}, {"chunk", axis.getChunk()}};
}

static json::Object describePort(const source::ValueInfo &info) {
  json::Array shape;
  if (info.shape)
    for (const source::Dim &dim : *info.shape)
      shape.push_back(dim.size ? json::Value(*dim.size) : json::Value(dim.symbol));
  return json::Object{{"name", info.name},
                      {"type", StringRef(nameOf(info.type)).lower()},
                      {"shape", std::move(shape)}};
}

/// The one number that a state starts as, by `@init`; 0 where there is none.
static FailureOr<double> initialValue(func::FuncOp function, StringRef state) {
  auto module = function->getParentOfType<ModuleOp>();
  auto init = module ? module.lookupSymbol<func::FuncOp>("init") : func::FuncOp();
  for (unsigned i = 0; init && i < init.getNumResults(); ++i) {
    auto name = init.getResultAttrOfType<StringAttr>(i, "weir.state");
    if (!name || name.getValue() != state)
      continue;
    Value value = init.getBody().front().getTerminator()->getOperand(i);
    ElementsAttr elements = getConstantElements(value);
    FailureOr<HostTensor> tensor =
        elements ? HostTensor::get(elements) : FailureOr<HostTensor>();
    if (failed(tensor))
      return init.emitError() << "state '" << state << "' does not start as a constant";
    std::vector<double> values = tensor->getFloats();
    if (!llvm::all_equal(values))
      return init.emitError() << "state '" << state
                              << "' does not start as one value throughout";
    return values.empty() ? 0.0 : values.front();
  }
  return 0.0;
}

/// 0 rather than 0.0: what is whole looks so.
static json::Value number(double value) {
  auto whole = static_cast<int64_t>(value);
  return static_cast<double>(whole) == value ? json::Value(whole) : json::Value(value);
}

static json::Value attributeOf(func::FuncOp function, StringRef name) {
  auto value = function->getAttrOfType<IntegerAttr>(name);
  return value ? json::Value(value.getInt()) : json::Value(nullptr);
}

static std::string textOf(const json::Value &value) {
  if (auto text = value.getAsString())
    return text->str();
  return llvm::formatv("{0}", value);
}

FailureOr<Manifest> weir::describe(func::FuncOp function, const source::Graph &graph,
                                   ArrayRef<StatePort> states,
                                   const ExportOptions &options, int64_t opset) {
  json::Array inputs, outputs, described;
  json::Object pairs, init, stateNames;
  json::Value window = nullptr, chunk = nullptr;
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    if (function.getArgAttr(i, "weir.state"))
      continue;
    json::Object port = describePort(graph.inputs[i]);
    if (auto axis = function.getArgAttrOfType<AxisAttr>(i, "weir.axis")) {
      port["axis"] = describeAxis(axis);
      window = axis.getTokens();
      chunk = axis.getChunk();
    }
    inputs.push_back(std::move(port));
  }
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    if (!function.getResultAttr(i, "weir.state"))
      outputs.push_back(describePort(graph.outputs[i]));
  for (const StatePort &state : states) {
    FailureOr<double> value = initialValue(function, state.state);
    if (failed(value))
      return failure();
    json::Object port = describePort(state.result >= 0 ? graph.outputs[state.result]
                                                       : graph.inputs[state.argument]);
    port.erase("name");
    port["input"] = state.input;
    port["output"] = state.output;
    port["init"] = number(*value);
    described.push_back(std::move(port));
    pairs[state.input] = state.output;
    init[state.input] = number(*value);
    stateNames[state.input] = state.state;
  }
  json::Object facts{{"version", WEIR_VERSION},
                     {"kind", function.getName()},
                     {"window", std::move(window)},
                     {"chunk", std::move(chunk)},
                     {"delay", 0},
                     {"warmup_steps", attributeOf(function, "weir.warmup")},
                     {"full_steps", attributeOf(function, "weir.full")},
                     {"skipped_tokens", attributeOf(function, "weir.skipped")},
                     {"source_sha256", options.sourceHash}};
  Manifest manifest;
  for (const char *key : {"version", "kind", "window", "chunk", "delay", "warmup_steps",
                          "full_steps", "skipped_tokens", "source_sha256"}) {
    const json::Value &value = *facts.get(key);
    if (value.kind() != json::Value::Null && value != json::Value(""))
      manifest.metadata.emplace_back("weir." + std::string(key), textOf(value));
  }
  auto add = [&](const char *key, const json::Value &value) {
    manifest.metadata.emplace_back(key, textOf(value));
  };
  add("weir.inputs", json::Value(json::Array(inputs)));
  add("weir.state_pairs", json::Value(std::move(pairs)));
  add("weir.state_init", json::Value(std::move(init)));
  add("weir.state_names", json::Value(std::move(stateNames)));
  facts["opset"] = opset;
  facts["inputs"] = std::move(inputs);
  facts["outputs"] = std::move(outputs);
  facts["states"] = std::move(described);
  manifest.json = llvm::formatv("{0:2}\n", json::Value(std::move(facts)));
  return manifest;
}
