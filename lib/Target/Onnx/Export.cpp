//===- Export.cpp - Write ONNX files --------------------------------------===//
// Every file is written under a name of its own, and takes its place when all are done.

#include "weir/Target/Onnx/Export.h"
#include "ExportGraph.h"
#include "weir/Dialect/Onnx/Opsets.h"
#include "weir/Support/NodeDiagnostics.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace weir;
namespace fs = llvm::sys::fs;

/// An opset that runtimes of several years take.
static constexpr int64_t usualOpset = 17;

/// Protobuf ends at 2 GiB; what is no weight takes far less than the rest.
static constexpr size_t mostInlineBytes = (size_t(1) << 31) - (size_t(64) << 20);

/// Tensors of more bytes leave the file when weights do; as in IR, others are no weights.
static constexpr size_t mostSmallBytes = 256;
static constexpr size_t externalAlignment = 64;

namespace {
/// Files that appear together.
class FileSet {
public:
  explicit FileSet(Location location) : location(location) {}
  ~FileSet() {
    for (const File &file : files)
      fs::remove(file.temporary);
  }
  /// Null after an error.
  std::unique_ptr<llvm::raw_fd_ostream> open(StringRef path) {
    int descriptor;
    SmallString<128> temporary;
    if (fs::is_directory(path)) {
      refuse(path, std::make_error_code(std::errc::is_a_directory));
      return nullptr;
    }
    if (std::error_code code =
            fs::createUniqueFile(path + ".%%%%%%%%", descriptor, temporary)) {
      refuse(path, code);
      return nullptr;
    }
    files.push_back({path.str(), temporary.str().str()});
    return std::make_unique<llvm::raw_fd_ostream>(descriptor, /*shouldClose=*/true);
  }
  LogicalResult write(StringRef path, StringRef bytes) {
    auto os = open(path);
    if (!os)
      return failure();
    *os << bytes;
    return close(path, *os);
  }
  LogicalResult close(StringRef path, llvm::raw_fd_ostream &os) {
    os.close();
    if (!os.has_error())
      return success();
    std::error_code code = os.error();
    os.clear_error();
    return refuse(path, code);
  }
  LogicalResult commit() {
    for (File &file : files) {
      if (std::error_code code = fs::rename(file.temporary, file.path))
        return refuse(file.path, code);
    }
    files.clear();
    return success();
  }

private:
  struct File {
    std::string path, temporary;
  };
  LogicalResult refuse(StringRef path, std::error_code code) {
    return emitError(location) << "'" << path
                               << "' cannot be written: " << code.message();
  }
  Location location;
  std::vector<File> files;
};
} // namespace

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
static LogicalResult moveWeights(source::Graph &graph, StringRef path, FileSet &files) {
  auto os = files.open(path);
  if (!os)
    return failure();
  for (source::Tensor &tensor : graph.initializers) {
    if (tensor.bytes->size() <= mostSmallBytes)
      continue;
    os->write_zeros(llvm::offsetToAlignment(os->tell(), llvm::Align(externalAlignment)));
    tensor.external = {llvm::sys::path::filename(path).str(), std::to_string(os->tell()),
                       std::to_string(tensor.bytes->size())};
    *os << *tensor.bytes;
    tensor.bytes = nullptr;
  }
  return files.close(path, *os);
}

/// Writes all that belongs to one model under temporary names.
static LogicalResult exportFunction(func::FuncOp function, StringRef path,
                                    const ExportOptions &options, FileSet &files) {
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
      failed(moveWeights(exporter.graph, (path + ".data").str(), files)))
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
  return success(succeeded(files.write(path, *bytes)) &&
                 succeeded(files.write(facts, manifest->json)));
}

LogicalResult weir::exportOnnx(ArrayRef<ExportedFunction> functions,
                               const ExportOptions &options) {
  if (functions.empty())
    return success();
  func::FuncOp first = functions.front().function;
  FileSet files(first.getLoc());
  for (const auto &[function, path] : functions)
    if (failed(exportFunction(function, path, options, files)))
      return failure();
  return files.commit();
}
