//===- CompileNative.cpp - From a model to files that a program links -----===//
// read -> prepare -> make continual -> buffers -> one arena -> machine code -> files

#include "weir/Pipelines/CompileNative.h"
#include "NativeFiles.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Pass/PassManager.h"
#include "weir/Pipelines/LowerToCpu.h"
#include "weir/Support/ArtifactCache.h"
#include "weir/Support/NodeDiagnostics.h"
#include "weir/Support/OutputFiles.h"
#include "weir/Support/ProgramDigest.h"
#include "weir/Target/Native/Artifact.h"
#include "weir/Target/Native/NativeModel.h"
#include "weir/Target/Object/Object.h"
#include "weir/Transforms/Passes.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace weir;

namespace path = llvm::sys::path;

namespace {
class NativeCompiler {
public:
  NativeCompiler(const CompileOptions &options, MLIRContext &context,
                 llvm::raw_ostream &out)
      : options(options), context(context), out(out) {}
  LogicalResult run();

private:
  LogicalResult makeEntryOfWindow();
  LogicalResult makeEntriesOfSteps();
  LogicalResult makeEntries(Stage last);
  LogicalResult narrow();
  LogicalResult lower(Stage last);
  LogicalResult shapeStates();
  LogicalResult describe();
  LogicalResult makeArena();
  void addBatching(OpPassManager &passes);
  LogicalResult toCpu();
  LogicalResult writeModule();
  LogicalResult makeFiles();
  LogicalResult makeOrFindFiles();
  std::string getKey();
  llvm::Error addFiles(OutputFiles &output);
  LogicalResult writeFiles();
  std::string beside(StringRef ending) {
    SmallString<128> file(path::parent_path(options.output));
    path::append(file, options.name + ending);
    return file.str().str();
  }
  LogicalResult report(llvm::Error error) {
    return emitError(UnknownLoc::get(&context)) << llvm::toString(std::move(error));
  }

  const CompileOptions &options;
  MLIRContext &context;
  llvm::raw_ostream &out;
  CpuTarget target;
  OwningOpRef<ModuleOp> module;
  ArgumentAxes axes;
  NativeModel model;
  NamedWeights weights;
  NativeFiles files;
};
} // namespace

/// Nothing but entry functions is called from C: `@window` was what they came from.
static void eraseOtherFunctions(ModuleOp module) {
  for (auto function : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
    if (!function->hasAttr("weir.entry") && function.isPublic())
      function.erase();
}

/// One-shot bufferization meets functions in an order that changes from run to run, and
/// numbers constants by it. Equal models make equal files: numbers by first use.
static LogicalResult orderConstants(ModuleOp module) {
  SymbolTable symbols(module);
  llvm::SetVector<Operation *> constants;
  module.walk([&](memref::GetGlobalOp op) {
    Operation *global = symbols.lookup(op.getName());
    if (!global->hasAttr("weir.value"))
      constants.insert(global);
  });
  for (auto [number, constant] : llvm::enumerate(constants)) {
    constant->moveBefore(module.getBody(), module.getBody()->end());
    if (failed(symbols.rename(constant, ("constant" + Twine(number)).str())))
      return constant->emitError("two symbols are called constant") << number;
  }
  return success();
}

/// What the manifest says of states is what the code makes of them.
LogicalResult NativeCompiler::shapeStates() {
  PassManager passes(&context);
  buildStatesPipeline(passes);
  return passes.run(*module);
}

LogicalResult NativeCompiler::describe() {
  FailureOr<NativeModel> described =
      options.model.wholeWindows ? describeWindow(*module, axes) : describeSteps(*module);
  if (failed(described))
    return failure();
  model = std::move(*described);
  model.name = options.name;
  model.source = path::filename(options.model.path).str();
  model.target = options.target;
  model.weights = getName(getWeightKind(*module)).str();
  return success();
}

/// Sizes of groups that models are compiled for unless they are told: few, as each is
/// code, and far enough apart that a rest fills most of one. Threads share the largest.
static constexpr int64_t usualStreams[] = {64, 16, 4};
/// Weights that stay in the nearest cache are as fast for each stream alone.
static constexpr int64_t leastWeightBytes = 256 << 10;
/// Of memory of each thread that steps streams.
static constexpr int64_t mostGroupBytes = 4 << 20;

void NativeCompiler::addBatching(OpPassManager &passes) {
  BatchStreamsOptions batching;
  if (options.streams.empty()) {
    llvm::append_range(batching.streams, usualStreams);
    int64_t &most = batching.streams.front();
    most = llvm::divideCeil(most, options.model.team.threads);
    if (most <= usualStreams[1])
      batching.streams.erase(&most);
    batching.leastWeightBytes = leastWeightBytes;
    batching.mostBytes = mostGroupBytes;
  }
  for (int64_t size : options.streams)
    if (size > 1)
      batching.streams.push_back(size);
  passes.addPass(createBatchStreams(batching));
}

LogicalResult NativeCompiler::makeArena() {
  PassManager passes(&context);
  if (!options.model.wholeWindows) {
    passes.addPass(createLayoutState());
    addBatching(passes);
  }
  buildPlanPipeline(passes, options.model.team);
  if (failed(passes.run(*module)) ||
      (!options.model.wholeWindows && failed(describeLayout(model, *module))))
    return failure();
  FailureOr<NamedWeights> found = getWeights(*module);
  if (failed(describeEntries(model, *module)) || failed(found))
    return failure();
  model.threads = options.model.team.threads;
  weights = std::move(*found);
  return success();
}

LogicalResult NativeCompiler::toCpu() {
  PassManager passes(&context);
  buildToCpuPipeline(passes, target.vectors);
  return passes.run(*module);
}

/// The model itself becomes the one entry.
LogicalResult NativeCompiler::makeEntryOfWindow() {
  if (!module->lookupSymbol("window"))
    return module->emitError("there is no function @window; --entries=window takes a "
                             "model, not the steps that were made of it");
  FailureOr<ArgumentAxes> made = makeWindow(*module, options.model);
  if (failed(made))
    return failure();
  module->lookupSymbol("window")->setAttr("weir.entry", UnitAttr::get(&context));
  axes = *made;
  return success();
}

LogicalResult NativeCompiler::makeEntriesOfSteps() {
  FailureOr<SteppedModel> stepped = makeSteps(*module, options.model);
  if (failed(stepped))
    return failure();
  axes = stepped->axes;
  return success();
}

/// Reads the model and makes what is to be called of it, on tensors.
LogicalResult NativeCompiler::makeEntries(Stage last) {
  module = readModel(options.model.path, context);
  if (!module)
    return failure();
  if (last == Stage::Import)
    return success();
  if (last == Stage::Prepare)
    return prepareInFloat32(*module, options.model.prepare);
  return options.model.wholeWindows ? makeEntryOfWindow() : makeEntriesOfSteps();
}

/// Decides how weights are stored, which takes `@window`, the only one to tell errors.
LogicalResult NativeCompiler::narrow() {
  FailureOr<std::string> told = narrowWeights(*module, axes, options.model);
  if (failed(told))
    return failure();
  files.notes = std::move(*told);
  return success();
}

/// From there to `last`.
LogicalResult NativeCompiler::lower(Stage last) {
  if (last >= Stage::Continual && failed(narrow()))
    return failure();
  if (last <= Stage::Continual)
    return success();
  eraseOtherFunctions(*module);
  if (failed(checkCompilable(*module)) || failed(shapeStates()) || failed(describe()) ||
      failed(bufferizeModule(module, Temporaries::Allocated)) ||
      failed(orderConstants(*module)))
    return failure();
  if (last == Stage::Bufferize)
    return success();
  if (failed(makeArena()))
    return failure();
  return last == Stage::Layout ? success() : toCpu();
}

LogicalResult NativeCompiler::writeModule() {
  std::string text;
  llvm::raw_string_ostream os(text);
  // With locations: states and messages are named after the nodes of the file.
  module->print(os, OpPrintingFlags().enableDebugInfo());
  os << '\n';
  OutputFiles files;
  if (llvm::Error error = files.add(options.output, text))
    return report(std::move(error));
  if (llvm::Error error = files.commit())
    return report(std::move(error));
  return success();
}

/// The object, the header, the manifest.
LogicalResult NativeCompiler::makeFiles() {
  if (failed(lower(Stage::Cpu)) ||
      failed(emitObject(*module, target, files.object,
                        {[&](llvm::Module &code) { addAbi(code, model); },
                         [&](llvm::Module &code) { addWeights(code, weights); }})))
    return failure();
  llvm::raw_string_ostream header(files.header), manifest(files.manifest);
  printHeader(header, model);
  printManifest(manifest, model);
  return success();
}

/// What `[NAME=]FILE` says, either of which may hold a "=".
static void addFile(ProgramDigest &digest, StringRef file) {
  digest.add(file);
  for (StringRef path = file; !path.empty(); path = path.split('=').second)
    if (auto bytes = llvm::MemoryBuffer::getFile(path))
      digest.add((*bytes)->getBuffer());
}

/// A hash of all that the files follow from.
std::string NativeCompiler::getKey() {
  ProgramDigest digest;
  digest.add(getBuildIdentity());
  for (StringRef text : {StringRef(target.triple), StringRef(target.cpu),
                         StringRef(target.features), StringRef(options.target),
                         StringRef(options.name), path::filename(options.model.path)})
    digest.add(text);
  for (int64_t size : options.streams)
    digest.add(size);
  digest.add(options.streams.size());
  for (const std::optional<TokenAxis> &axis : axes)
    digest.add(axis ? axis->dim + 1 : 0);
  digest.add(options.model.team.threads);
  digest.add(options.model.team.minWork);
  digest.add(getName(options.model.weights.value_or(getWeightKind(*module))));
  digest.add(llvm::bit_cast<uint64_t>(options.model.mostWeightError));
  for (StringRef file : options.model.weightData)
    addFile(digest, file);
  digest.add(*module);
  return digest.finish();
}

LogicalResult NativeCompiler::makeOrFindFiles() {
  if (options.cache.empty())
    return makeFiles();
  ArtifactCache cache(options.cache);
  std::string key = getKey();
  if (std::optional<std::string> found = cache.find(key)) {
    llvm::Expected<NativeFiles> known = NativeFiles::read(*found);
    if (known) {
      files = std::move(*known);
      return success();
    }
    llvm::consumeError(known.takeError()); // damaged: it is made again
  }
  if (failed(makeFiles()))
    return failure();
  llvm::Error error = cache.prepare();
  if (!error)
    error = files.write(cache.getPath(key));
  return error ? report(std::move(error)) : success();
}

/// The code in the form that the output's ending asks for, and what stands beside it.
llvm::Error NativeCompiler::addFiles(OutputFiles &output) {
  StringRef code(files.object.data(), files.object.size());
  StringRef ending = path::extension(options.output);
  if (ending == ".so") {
    OutputFiles intermediate; // the linker reads a file
    std::string input = options.output + ".o";
    llvm::Expected<std::string> name = intermediate.reserve(input);
    if (!name)
      return name.takeError();
    if (llvm::Error error = intermediate.add(input, code))
      return error;
    llvm::Expected<std::string> library = output.reserve(options.output);
    if (!library)
      return library.takeError();
    if (llvm::Error error =
            linkSharedLibrary(*name, path::filename(options.output), *library))
      return error;
  } else if (ending == ".a") {
    llvm::Expected<std::string> archive = makeArchive(options.name + ".o", code);
    if (!archive)
      return archive.takeError();
    if (llvm::Error error = output.add(options.output, *archive))
      return error;
  } else if (llvm::Error error = output.add(options.output, code)) {
    return error;
  }
  if (llvm::Error error = output.add(beside(".h"), files.header))
    return error;
  return output.add(beside(".json"), files.manifest);
}

LogicalResult NativeCompiler::writeFiles() {
  OutputFiles output;
  if (llvm::Error error = addFiles(output))
    return report(std::move(error));
  if (llvm::Error error = output.commit())
    return report(std::move(error));
  return success();
}

LogicalResult NativeCompiler::run() {
  target = llvm::cantFail(getCpuTarget(options.target)); // completeOptions checks
  if (failed(makeEntries(options.until)))
    return failure();
  bool isObject = options.until == Stage::Object;
  if (failed(isObject ? makeOrFindFiles() : lower(options.until)))
    return failure();
  out << files.notes;
  return isObject ? writeFiles() : writeModule();
}

static bool isIdentifier(StringRef name) {
  return !name.empty() && !llvm::isDigit(name[0]) &&
         llvm::all_of(name, [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

llvm::Error weir::completeOptions(CompileOptions &options) {
  auto usage = [](const Twine &message) { return llvm::createStringError(message); };
  StringRef ending = path::extension(options.output);
  bool isText = ending == ".mlir";
  if (!isText && !llvm::is_contained({".o", ".a", ".so"}, ending))
    return usage("the output '" + options.output +
                 "' ends in none of .o, .a, .so and .mlir");
  if (isText && options.until == Stage::Object)
    options.until = Stage::Continual;
  if (!isText && options.until != Stage::Object)
    return usage("--until stops before there is code: the output must end in .mlir");
  if (options.name.empty())
    options.name = path::stem(options.output).str();
  if (!isText && !isIdentifier(options.name))
    return usage("'" + options.name +
                 "' is no identifier of C, which --name (or else the name of the "
                 "output) must be: letters, digits and _, no digit in front");
  for (int64_t size : options.streams)
    if (size < 1 || size > mostStreamsOfGroup)
      return usage("--streams=" + Twine(size) + " is none of 1 to " +
                   Twine(mostStreamsOfGroup));
  llvm::sort(options.streams, std::greater<>());
  options.streams.erase(llvm::unique(options.streams), options.streams.end());
  llvm::Expected<CpuTarget> target = getCpuTarget(options.target);
  return target ? llvm::Error::success() : target.takeError();
}

LogicalResult weir::compileNative(const CompileOptions &options, llvm::raw_ostream &out) {
  DialectRegistry registry;
  registerModelDialects(registry);
  registerCpuDialects(registry);
  registerObjectTranslations(registry);
  MLIRContext context(registry);
  loadModelDialects(context);
  NodeDiagnosticHandler handler(&context, llvm::errs(), options.model.path);
  return NativeCompiler(options, context, out).run();
}
