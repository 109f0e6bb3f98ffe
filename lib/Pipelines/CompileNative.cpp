//===- CompileNative.cpp - From a model to files that a program links -----===//
// read -> prepare -> make continual -> buffers -> one arena -> machine code -> files

#include "weir/Pipelines/CompileNative.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Pass/PassManager.h"
#include "weir/Pipelines/LowerToCpu.h"
#include "weir/Support/NodeDiagnostics.h"
#include "weir/Support/OutputFiles.h"
#include "weir/Target/Native/Artifact.h"
#include "weir/Target/Native/NativeModel.h"
#include "weir/Target/Object/Object.h"
#include "weir/Transforms/Passes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace weir;

namespace path = llvm::sys::path;

namespace {
class NativeCompiler {
public:
  NativeCompiler(const CompileOptions &options, MLIRContext &context)
      : options(options), context(context) {}
  LogicalResult run();

private:
  LogicalResult makeEntryOfWindow();
  LogicalResult makeEntriesOfSteps();
  LogicalResult lower(Stage last);
  LogicalResult describe();
  LogicalResult makeArena();
  LogicalResult toCpu();
  LogicalResult writeModule();
  LogicalResult writeArtifact();
  LogicalResult makeObject();
  llvm::Error addFiles(OutputFiles &files);
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
  CpuTarget target;
  OwningOpRef<ModuleOp> module;
  ArgumentAxes windowAxes;
  NativeModel model;
  NamedWeights weights;
  llvm::SmallVector<char, 0> object;
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

LogicalResult NativeCompiler::describe() {
  FailureOr<NativeModel> described = options.model.wholeWindows
                                         ? describeWindow(*module, windowAxes)
                                         : describeSteps(*module);
  if (failed(described))
    return failure();
  model = std::move(*described);
  model.name = options.name;
  model.source = path::filename(options.model.path).str();
  model.target = options.target;
  return success();
}

LogicalResult NativeCompiler::makeArena() {
  if (!options.model.wholeWindows) {
    PassManager passes(&context);
    passes.addPass(createLayoutState());
    if (failed(passes.run(*module)) || failed(describeLayout(model, *module)))
      return failure();
  }
  FailureOr<NamedWeights> found = getWeights(*module);
  if (failed(describeEntries(model, *module)) || failed(found))
    return failure();
  weights = std::move(*found);
  return success();
}

LogicalResult NativeCompiler::toCpu() {
  PassManager passes(&context);
  buildToCpuPipeline(passes, target.lanes);
  return passes.run(*module);
}

/// The model itself becomes the one entry.
LogicalResult NativeCompiler::makeEntryOfWindow() {
  if (!module->lookupSymbol("window"))
    return module->emitError("there is no function @window; --entries=window takes a "
                             "model, not the steps that were made of it");
  FailureOr<ArgumentAxes> axes = makeWindow(*module, options.model);
  if (failed(axes))
    return failure();
  module->lookupSymbol("window")->setAttr("weir.entry", UnitAttr::get(&context));
  windowAxes = *axes;
  return success();
}

LogicalResult NativeCompiler::makeEntriesOfSteps() {
  return success(succeeded(makeSteps(*module, options.model)));
}

/// Runs the stages up to `last`.
LogicalResult NativeCompiler::lower(Stage last) {
  module = readModel(options.model.path, context);
  if (!module)
    return failure();
  if (last == Stage::Import)
    return success();
  if (last == Stage::Prepare)
    return prepareInFloat32(*module, options.model.prepare);
  if (failed(options.model.wholeWindows ? makeEntryOfWindow() : makeEntriesOfSteps()))
    return failure();
  if (last == Stage::Continual)
    return success();
  eraseOtherFunctions(*module);
  if (failed(checkCompilable(*module)) || failed(describe()) ||
      failed(bufferizeModule(module)) || failed(orderConstants(*module)))
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

LogicalResult NativeCompiler::makeObject() {
  return emitObject(*module, target, object,
                    {[&](llvm::Module &code) { addAbi(code, model); },
                     [&](llvm::Module &code) { addWeights(code, weights); }});
}

/// The code in the form that the output's ending asks for, the header, the manifest.
llvm::Error NativeCompiler::addFiles(OutputFiles &files) {
  StringRef code(object.data(), object.size()), ending = path::extension(options.output);
  if (ending == ".so") {
    OutputFiles intermediate; // the linker reads a file
    std::string input = options.output + ".o";
    llvm::Expected<std::string> name = intermediate.reserve(input);
    if (!name)
      return name.takeError();
    if (llvm::Error error = intermediate.add(input, code))
      return error;
    llvm::Expected<std::string> output = files.reserve(options.output);
    if (!output)
      return output.takeError();
    if (llvm::Error error =
            linkSharedLibrary(*name, path::filename(options.output), *output))
      return error;
  } else if (ending == ".a") {
    llvm::Expected<std::string> archive = makeArchive(options.name + ".o", code);
    if (!archive)
      return archive.takeError();
    if (llvm::Error error = files.add(options.output, *archive))
      return error;
  } else if (llvm::Error error = files.add(options.output, code)) {
    return error;
  }
  std::string header, manifest;
  llvm::raw_string_ostream headerStream(header), manifestStream(manifest);
  printHeader(headerStream, model);
  printManifest(manifestStream, model);
  if (llvm::Error error = files.add(beside(".h"), header))
    return error;
  return files.add(beside(".json"), manifest);
}

LogicalResult NativeCompiler::writeArtifact() {
  OutputFiles files;
  if (llvm::Error error = addFiles(files))
    return report(std::move(error));
  if (llvm::Error error = files.commit())
    return report(std::move(error));
  return success();
}

LogicalResult NativeCompiler::run() {
  target = *getCpuTarget(options.target);
  if (failed(lower(std::min(options.until, Stage::Cpu))))
    return failure();
  if (options.until != Stage::Object)
    return writeModule();
  return success(succeeded(makeObject()) && succeeded(writeArtifact()));
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
  if (!getCpuTarget(options.target))
    return usage("'" + options.target + "' is none of the targets " +
                 llvm::join(getCpuTargetNames(), ", "));
  return llvm::Error::success();
}

LogicalResult weir::compileNative(const CompileOptions &options) {
  DialectRegistry registry;
  registerModelDialects(registry);
  registerCpuDialects(registry);
  registerObjectTranslations(registry);
  MLIRContext context(registry);
  loadModelDialects(context);
  NodeDiagnosticHandler handler(&context, llvm::errs(), options.model.path);
  return NativeCompiler(options, context).run();
}
