//===- Import.cpp - Read ONNX files ---------------------------------------===//
// Opens the file, checks the model as a whole and makes the function around its graph.

#include "weir/Target/Onnx/Import.h"
#include "ElementTypes.h"
#include "Importer.h"
#include "mlir/IR/Verifier.h"
#include "weir/Dialect/Onnx/Limits.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/NodeDiagnostics.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace weir;
namespace fs = llvm::sys::fs;

/// The opsets of the default domain whose operators Weir knows.
static constexpr int64_t oldestOpset = 7, newestOpset = 28;
/// A newer file may say what this reader passes over.
static constexpr int64_t newestIrVersion = 14;

/// Protobuf cannot hold more.
static constexpr uint64_t maxFileSize = (uint64_t(1) << 31) - 1;

Importer::Importer(MLIRContext *context, StringRef path, const source::Model &model)
    : context(context), fileLocation(FileLineColLoc::get(context, path, 0, 0)),
      model(model), tensors(context, path), builder(context) {
  for (const source::Function &function : model.functions)
    functions[function.domain + ":" + function.name + ":" + function.overload] =
        &function;
}

LogicalResult Importer::checkOpsets(const source::Opsets &opsets) {
  llvm::StringSet<> domains;
  for (const auto &[domain, version] : opsets) {
    if (!domains.insert(domain).second)
      return emitError(fileLocation)
             << "imports two operator sets of domain '" << domain << "'";
    if (domain.empty() && (version < oldestOpset || version > newestOpset)) {
      InFlightDiagnostic diagnostic = emitError(fileLocation)
                                      << "uses operator set " << version
                                      << ", but Weir reads " << oldestOpset << " to "
                                      << newestOpset;
      attachHelp(diagnostic, "export the model with another opset, or convert it with "
                             "onnx.version_converter");
      return diagnostic;
    }
  }
  return success();
}

/// Inputs that nobody gives: an initializer has their name.
static size_t countDefaults(const source::Graph &graph) {
  llvm::StringSet<> names;
  for (const source::Tensor &tensor : graph.initializers)
    names.insert(tensor.name);
  return llvm::count_if(graph.inputs, [&](const source::ValueInfo &input) {
    return names.contains(input.name);
  });
}

/// A function of more arguments or results is no encoder, and takes hours to compile.
static constexpr size_t maxPorts = 1024;

LogicalResult Importer::checkModel() {
  if (!model.graph)
    return emitError(fileLocation, "is not an ONNX model: it holds no graph");
  if (model.irVersion <= 0)
    return emitError(fileLocation, "is not an ONNX model: it states no IR version");
  if (model.irVersion > newestIrVersion) {
    InFlightDiagnostic error = emitError(fileLocation)
                               << "has IR version " << model.irVersion
                               << ", but Weir reads up to " << newestIrVersion;
    attachHelp(error,
               "export the model for an older IR version (onnx: model.ir_version)");
    return error;
  }
  size_t inputs = model.graph->inputs.size() - countDefaults(*model.graph);
  for (auto [what, count] :
       {std::pair("inputs", inputs), std::pair("outputs", model.graph->outputs.size())})
    if (count > maxPorts)
      return emitError(fileLocation) << "has " << count << " " << what
                                     << ", but Weir takes " << maxPorts << " at most";
  return checkOpsets(model.opsets);
}

/// `tensor<2x?xf32>` with the names of the dimensions that have one.
FailureOr<Type> Importer::typeOf(const source::ValueInfo &info) {
  using Kind = source::ValueInfo::Kind;
  auto refuse = [&](const Twine &what,
                    const Twine &help = "export the model with tensors of numbers as its "
                                        "inputs and outputs") {
    InFlightDiagnostic error = emitError(fileLocation)
                               << "'" << info.name << "' is " << what;
    attachHelp(error, help);
    return error;
  };
  switch (info.kind) {
  case Kind::Tensor:
    break;
  case Kind::None:
    return refuse("an input without a type", "export the model again: every input of "
                                             "a graph states its type");
  case Kind::Sequence:
    return refuse("a sequence, but Weir reads tensors only");
  case Kind::Map:
    return refuse("a map, but Weir reads tensors only",
                  "cut off what makes a map (ZipMap, DictVectorizer): its tensor is the "
                  "model's output or input");
  case Kind::Optional:
    return refuse("an optional, but Weir reads tensors only");
  case Kind::SparseTensor:
    return refuse("a sparse tensor, but Weir reads dense ones only");
  case Kind::Opaque:
    return refuse("of an opaque type, but Weir reads tensors only");
  }
  std::optional<ElementType> element = toElementType(info.type, context);
  if (!element)
    return refuse("a tensor of type " + nameOf(info.type) + ", which Weir does not read",
                  info.type == source::DataType::String
                      ? "run the tokenizer in front of the model, and stream its ids"
                      : "export the model in float32");
  if (!info.shape)
    return Type(UnrankedTensorType::get(element->type));
  SmallVector<int64_t> shape;
  for (const source::Dim &dim : *info.shape) {
    // Some writers store an unknown size as -1.
    int64_t size = dim.size.value_or(-1);
    if (size < -1)
      return refuse("a tensor of size " + Twine(size));
    shape.push_back(size == -1 ? ShapedType::kDynamic : size);
  }
  if (std::string why = onnx::whyUnbearable(shape); !why.empty())
    return refuse("a tensor of " + why);
  return Type(RankedTensorType::get(shape, element->type));
}

static DictionaryAttr argumentAttrs(Builder &builder, const source::ValueInfo &info) {
  NamedAttrList attrs;
  attrs.append("weir.input", builder.getStringAttr(info.name));
  if (info.shape) {
    SmallVector<Attribute> dims;
    for (const source::Dim &dim : *info.shape)
      dims.push_back(builder.getStringAttr(dim.symbol));
    attrs.append("weir.dims", builder.getArrayAttr(dims));
  }
  return attrs.getDictionary(builder.getContext());
}

/// The name of an output and, where its shape is not known yet, the one that is declared:
/// names and sizes of its dimensions.
static DictionaryAttr resultAttrs(Builder &builder, const source::ValueInfo &info,
                                  Type type) {
  NamedAttrList attrs;
  attrs.append("weir.output", builder.getStringAttr(info.name));
  if (info.shape && isa<UnrankedTensorType>(type)) {
    SmallVector<Attribute> dims;
    for (const source::Dim &dim : *info.shape)
      dims.push_back(dim.size ? Attribute(builder.getI64IntegerAttr(*dim.size))
                              : Attribute(builder.getStringAttr(dim.symbol)));
    attrs.append("weir.dims", builder.getArrayAttr(dims));
  }
  return attrs.getDictionary(builder.getContext());
}

FailureOr<func::FuncOp> Importer::importWindow() {
  const source::Graph &graph = *model.graph;
  Scope scope;
  scope.opsets = &model.opsets;
  func::FuncOp window = func::FuncOp::create(builder, fileLocation, "window",
                                             builder.getFunctionType({}, {}));
  body = window.addEntryBlock();
  builder.setInsertionPointToStart(body);
  if (failed(enterGraph(scope, graph)))
    return failure();

  SmallVector<DictionaryAttr> argAttrs, outputAttrs;
  for (const source::ValueInfo &input : graph.inputs) {
    if (scope.initializers.count(input.name))
      continue; // a default that nobody overrides is a constant
    FailureOr<Type> type = typeOf(input);
    if (failed(type))
      return failure();
    Location location = NameLoc::get(builder.getStringAttr(input.name), fileLocation);
    if (failed(define(scope, input.name, body->addArgument(*type, location), fileLocation,
                      "")))
      return failure();
    argAttrs.push_back(argumentAttrs(builder, input));
  }
  if (failed(importNodes(scope)))
    return failure();

  if (graph.outputs.empty())
    return emitError(fileLocation, "has no outputs");
  SmallVector<Value> results;
  for (const source::ValueInfo &output : graph.outputs) {
    FailureOr<Value> value = lookup(scope, output.name);
    if (failed(value))
      return failure();
    if (!*value || isa<NoneType>(value->getType()))
      return emitError(fileLocation)
             << "output '" << output.name << "' is computed by no node";
    std::optional<ElementType> stated = toElementType(output.type, context);
    Type actual = getElementTypeOrSelf(*value);
    if (output.kind == source::ValueInfo::Kind::Tensor && stated &&
        stated->type != actual)
      return emitError(fileLocation)
             << "output '" << output.name << "' has elements of type " << actual
             << ", but is declared with " << stated->type;
    results.push_back(*value);
    outputAttrs.push_back(resultAttrs(builder, output, value->getType()));
  }
  func::ReturnOp::create(builder, fileLocation, results);
  window.setFunctionType(
      builder.getFunctionType(body->getArgumentTypes(), ValueRange(results).getTypes()));
  window.setAllArgAttrs(argAttrs);
  window.setAllResultAttrs(outputAttrs);
  return window;
}

OwningOpRef<ModuleOp> Importer::run() {
  if (failed(checkModel()))
    return nullptr;
  OwningOpRef<ModuleOp> module = ModuleOp::create(builder, fileLocation);
  builder.setInsertionPointToStart(module->getBody());
  FailureOr<func::FuncOp> function = importWindow();
  if (failed(function))
    return nullptr;
  importStates(*function, model);
  if (failed(verify(*module)))
    return nullptr;
  return module;
}

/// The file's bytes; nothing after an error.
static std::unique_ptr<llvm::MemoryBuffer> readFile(StringRef path, Location location) {
  fs::file_status status;
  if (std::error_code code = fs::status(path, status)) {
    emitError(location, "cannot be read: ") << code.message();
    return nullptr;
  }
  if (status.type() != fs::file_type::regular_file) {
    emitError(location, "cannot be read: not a regular file");
    return nullptr;
  }
  if (status.getSize() > maxFileSize) {
    InFlightDiagnostic diagnostic =
        emitError(location, "is larger than 2 GiB, the limit of an ONNX file");
    attachHelp(diagnostic, "save the weights as external data");
    return nullptr;
  }
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer) {
    emitError(location, "cannot be read: ") << buffer.getError().message();
    return nullptr;
  }
  return std::move(*buffer);
}

/// Takes the file's bytes only while it parses them.
static std::optional<source::Model> readModel(StringRef bytes, Location location) {
  if (bytes.empty()) {
    emitError(location, "is not an ONNX model: it is empty");
    return std::nullopt;
  }
  std::optional<source::Model> model = source::readModel(bytes.data(), bytes.size());
  if (!model)
    emitError(location,
              "is not an ONNX model: its bytes are no ModelProto, or are cut off");
  return model;
}

static OwningOpRef<ModuleOp> importModel(const std::optional<source::Model> &model,
                                         StringRef path, MLIRContext *context) {
  if (!model)
    return nullptr;
  context->loadDialect<onnx::OnnxDialect, func::FuncDialect, WeirDialect>();
  return Importer(context, path, *model).run();
}

OwningOpRef<ModuleOp> weir::importOnnx(StringRef path, MLIRContext *context) {
  Location location = FileLineColLoc::get(context, path, 0, 0);
  std::optional<source::Model> model;
  if (std::unique_ptr<llvm::MemoryBuffer> buffer = readFile(path, location))
    model = readModel(buffer->getBuffer(), location);
  return importModel(model, path, context);
}

OwningOpRef<ModuleOp> weir::importOnnxBytes(StringRef bytes, StringRef path,
                                            MLIRContext *context) {
  return importModel(readModel(bytes, FileLineColLoc::get(context, path, 0, 0)), path,
                     context);
}

bool weir::isOnnxFile(StringRef path) {
  if (llvm::sys::path::extension(path) == ".onnx")
    return true;
  fs::file_status status;
  if (fs::status(path, status) || status.type() != fs::file_type::regular_file)
    return false;
  // A model starts with its IR version, field 1; text and bytecode start otherwise.
  auto start =
      llvm::MemoryBuffer::getFileSlice(path, std::min<uint64_t>(status.getSize(), 1), 0);
  return start && (*start)->getBuffer().starts_with("\x08");
}
