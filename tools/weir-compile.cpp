//===- weir-compile.cpp - Compile a model to files that a program links ---===//

#include "ModelOptions.h"
#include "RewriteOptions.h"
#include "weir/Pipelines/CompileNative.h"
#include "weir/Runner/NarrowError.h"
#include "llvm/Support/InitLLVM.h"

namespace cl = llvm::cl;
using namespace weir;

static cl::opt<std::string> output("o", cl::Required,
                                   cl::desc("File to write: .o, .a, .so or .mlir"),
                                   cl::value_desc("DIR/ID.o"), cl::cat(toolOptions));
static cl::opt<std::string> name("name",
                                 cl::desc("Prefix of the C functions; the output's name"),
                                 cl::value_desc("ID"), cl::cat(toolOptions));
static cl::opt<std::string> target(
    "target", cl::init("native"),
    cl::desc("native (default), x86-64-v2, -v3, -v4, aarch64, riscv64, or a processor "
             "as LLVM calls it; +FEATURE behind it adds one"),
    cl::value_desc("NAME[+FEATURE...]"), cl::cat(toolOptions));
static cl::list<int64_t>
    streams("streams", cl::CommaSeparated,
            cl::desc("Streams that step_many takes at once, 1 for one after the other; "
                     "as the model gains by it"),
            cl::value_desc("N,..."), cl::cat(toolOptions));
static cl::opt<std::string>
    cache("cache", cl::desc("Folder where compiled models are kept and found again"),
          cl::value_desc("DIR"), cl::cat(toolOptions));
static cl::opt<Stage>
    until("until", cl::desc("Last stage, of a .mlir file"), cl::init(Stage::Object),
          cl::values(clEnumValN(Stage::Import, "import", "the model as imported"),
                     clEnumValN(Stage::Prepare, "prepare", "sizes fixed, canonical"),
                     clEnumValN(Stage::Continual, "continual",
                                "with step functions (default for .mlir)"),
                     clEnumValN(Stage::Bufferize, "bufferize", "states in place"),
                     clEnumValN(Stage::Layout, "layout", "states in one arena"),
                     clEnumValN(Stage::Cpu, "cpu", "the LLVM dialect")),
          cl::cat(toolOptions));

namespace {
enum ExitCode { Done = 0, Refused = 1, Usage = 2 };
} // namespace

static int usage(llvm::Error error) {
  llvm::errs() << "weir-compile: error: " << llvm::toString(std::move(error)) << "\n";
  return Usage;
}

/// What a step equals is the rewritten model on its window.
static llvm::LogicalResult compressAndTell(mlir::ModuleOp module,
                                           const ArgumentAxes &axes,
                                           const CompressOptions &options) {
  mlir::FailureOr<CompressReport> report = compressModel(module, axes, options);
  if (failed(report))
    return mlir::failure();
  printErrors(llvm::outs(), *report);
  return mlir::success();
}

/// How far the outputs are from those of weights in f32.
static mlir::FailureOr<std::string>
measureAndTell(mlir::ModuleOp module, const ArgumentAxes &axes, const NarrowData &data) {
  auto report = measureNarrowing(module, axes, data);
  if (failed(report))
    return mlir::failure();
  std::string text;
  llvm::raw_string_ostream os(text);
  if (*report)
    printErrors(os, **report);
  return text;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  if (!parseToolOptions(argc, argv, "Compiles a model, or its streaming form\n"))
    return Usage;
  llvm::Expected<ModelOptions> model = getModelOptions(Entries::All);
  if (!model)
    return usage(model.takeError());
  bool isNarrow = model->weights.value_or(WeightKind::F32) != WeightKind::F32;
  llvm::Expected<RewriteChoice> choice = getRewriteChoice(isNarrow);
  if (!choice)
    return usage(choice.takeError());
  model->wholeWindows |= !choice->continual && !choice->compress;
  if (choice->compress) {
    choice->compress->statics = choice->statics;
    model->rewrite = [&](mlir::ModuleOp module, const ArgumentAxes &axes) {
      return compressAndTell(module, axes, *choice->compress);
    };
  }
  NarrowData data{choice->calibration, choice->statics, model->mostWeightError};
  model->weightData = choice->calibration;
  llvm::append_range(model->weightData, choice->statics);
  model->measure = [&](mlir::ModuleOp module, const ArgumentAxes &axes) {
    return measureAndTell(module, axes, data);
  };
  CompileOptions options{std::move(*model),
                         name,
                         target,
                         until,
                         {streams.begin(), streams.end()},
                         cache,
                         output};
  if (llvm::Error error = completeOptions(options))
    return usage(std::move(error));
  return succeeded(compileNative(options, llvm::outs())) ? Done : Refused;
}
