//===- Export.cpp - Write ONNX files --------------------------------------===//

#include "weir/Target/Onnx/Export.h"
#include "ExportGraph.h"
#include "weir/Dialect/Onnx/Opsets.h"
#include "weir/Support/NodeDiagnostics.h"
#include "weir/Support/OutputFiles.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace weir;

/// An opset that runtimes of several years take.
static constexpr int64_t usualOpset = 17;

/// Protobuf ends at 2 GiB; what is no weight takes far less than the rest.
static constexpr size_t mostInlineBytes = (size_t(1) << 31) - (size_t(64) << 20);

/// Tensors of more bytes leave the file when weights do; as in IR, others are no weights.
static constexpr size_t mostSmallBytes = 256;
static constexpr size_t externalAlignment = 64;

static int64_t irVersionOf(int64_t opset) {
  return opset <= 14   ? 7
         : opset <= 18 ? 8
         : opset <= 20 ? 9
         : opset <= 22 ? 10
         : opset <= 23 ? 11
         : opset <= 24 ? 12
         : opset <= 27 ? 13
                       : 14;
}

static FailureOr<int64_t> chooseOpset(func::FuncOp function,
                                      std::optional<int64_t> asked) {
  if (asked && (*asked < onnx::oldestWrittenOpset || *asked > onnx::newestWrittenOpset))
    return function.emitError()
           << "opset " << *asked << " is asked for, but Weir writes "
           << onnx::oldestWrittenOpset << " to " << onnx::newestWrittenOpset;
  if (asked)
    return *asked;
  int64_t opset = usualOpset;
  for (Operation &op : function.getBody().front()) {
    if (isa<onnx::ConstantOp, onnx::NoValueOp, func::ReturnOp>(op) || op.use_empty())
      continue;
    FailureOr<int64_t> needed = oldestOpsetOf(&op);
    if (failed(needed))
      return failure();
    opset = std::max(opset, *needed);
  }
  return opset;
}

/// Moves the weights to `path`, whose file name the tensors keep.
static llvm::Error moveWeights(source::Graph &graph, StringRef path, OutputFiles &files) {
  auto opened = files.open(path);
  if (!opened)
    return opened.takeError();
  llvm::raw_fd_ostream &os = **opened;
  for (source::Tensor &tensor : graph.initializers) {
    if (tensor.bytes->size() <= mostSmallBytes)
      continue;
    os.write_zeros(llvm::offsetToAlignment(os.tell(), llvm::Align(externalAlignment)));
    tensor.external = {llvm::sys::path::filename(path).str(), std::to_string(os.tell()),
                       std::to_string(tensor.bytes->size())};
    os << *tensor.bytes;
    tensor.bytes = nullptr;
  }
  return OutputFiles::close(path, os);
}

static LogicalResult report(Location location, llvm::Error error) {
  if (!error)
    return success();
  return emitError(location) << llvm::toString(std::move(error));
}

/// Writes all that belongs to one model under temporary names.
static LogicalResult exportFunction(func::FuncOp function, StringRef path,
                                    const ExportOptions &options, OutputFiles &files) {
  FailureOr<int64_t> opset = chooseOpset(function, options.opset);
  if (failed(opset))
    return failure();
  GraphExporter exporter(function, options, *opset);
  if (failed(exporter.run()))
    return failure();
  FailureOr<Manifest> manifest =
      describe(function, exporter.graph, exporter.states, options, *opset);
  if (failed(manifest))
    return failure();
  size_t weightBytes = 0;
  for (const source::Tensor &tensor : exporter.graph.initializers)
    weightBytes += tensor.bytes->size();
  if ((options.externalData || weightBytes > mostInlineBytes) &&
      failed(report(function.getLoc(),
                    moveWeights(exporter.graph, (path + ".data").str(), files))))
    return failure();
  source::Model model;
  model.irVersion = irVersionOf(*opset);
  model.opsets = {{"", *opset}};
  for (const std::string &domain : exporter.domains)
    model.opsets.emplace_back(domain, 1);
  model.producer = "weir";
  model.producerVersion = WEIR_VERSION;
  model.metadata = std::move(manifest->metadata);
  model.graph = std::move(exporter.graph);
  std::optional<std::string> bytes = source::writeModel(model);
  if (!bytes)
    return function.emitError("is larger than 2 GiB, the limit of an ONNX file");
  SmallString<128> facts(path);
  llvm::sys::path::replace_extension(facts, "json");
  if (failed(report(function.getLoc(), files.add(path, *bytes))))
    return failure();
  return report(function.getLoc(), files.add(facts, manifest->json));
}

LogicalResult weir::exportOnnx(ArrayRef<ExportedFunction> functions,
                               const ExportOptions &options) {
  if (functions.empty())
    return success();
  func::FuncOp first = functions.front().function;
  OutputFiles files;
  for (const auto &[function, path] : functions)
    if (failed(exportFunction(function, path, options, files)))
      return failure();
  return report(first.getLoc(), files.commit());
}
