//===- OnnxFiles.cpp - weir-opt from and to ONNX files --------------------===//
// What mlir-opt does after parsing, on a module that was imported: passing it through
// mlir-opt as text or bytecode would copy the weights and lose the form of messages.

#include "OnnxFiles.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Remark/RemarkStreamer.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "weir/Pipelines/RaiseToOnnx.h"
#include "weir/Support/NodeDiagnostics.h"
#include "weir/Support/ParseModule.h"
#include "weir/Target/Onnx/Export.h"
#include "weir/Target/Onnx/Import.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;
using namespace weir;

namespace cl = llvm::cl;

static cl::OptionCategory category("ONNX output (-o FILE.onnx)");
static cl::opt<int64_t> opset("opset",
                              cl::desc("Operator set; 17, or what the model needs"),
                              cl::init(0), cl::cat(category));
static cl::opt<StateNames>
    stateNames("state-names", cl::desc("How inputs and outputs with states are called"),
               cl::init(StateNames::Weir),
               cl::values(clEnumValN(StateNames::Weir, "weir",
                                     "past_0_key, present_0_key (default)"),
                          clEnumValN(StateNames::HuggingFace, "hf",
                                     "past_key_values.0.key, present.0.key"),
                          clEnumValN(StateNames::ContinualInference, "co", "s0, ns0")),
               cl::cat(category));
static cl::opt<bool> packStates("pack-states",
                                cl::desc("Join the floating-point states into one"),
                                cl::cat(category));
static cl::opt<bool> externalData("external-data",
                                  cl::desc("Write weights to FILE.onnx.data"),
                                  cl::cat(category));

static LogicalResult enableRemarks(MLIRContext &context,
                                   const MlirOptMainConfig &config) {
  if (!config.shouldEmitRemarks())
    return success();
  remark::RemarkCategories categories{
      config.getRemarksAllFilter(), config.getRemarksPassedFilter(),
      config.getRemarksMissedFilter(), config.getRemarksAnalyseFilter(),
      config.getRemarksFailedFilter()};
  std::unique_ptr<remark::detail::RemarkEmittingPolicyBase> policy;
  if (config.getRemarkPolicy() == RemarkPolicy::REMARK_POLICY_FINAL)
    policy = std::make_unique<remark::RemarkEmittingPolicyFinal>();
  else
    policy = std::make_unique<remark::RemarkEmittingPolicyAll>();
  if (config.getRemarkFormat() == RemarkFormat::REMARK_FORMAT_STDOUT)
    return remark::enableOptimizationRemarks(context, nullptr, std::move(policy),
                                             categories, /*printAsEmitRemarks=*/true);
  bool isYaml = config.getRemarkFormat() == RemarkFormat::REMARK_FORMAT_YAML;
  std::string file = config.getRemarksOutputFile();
  if (file.empty())
    file = isYaml ? "mlir-remarks.yaml" : "mlir-remarks.bitstream";
  return remark::enableOptimizationRemarksWithLLVMStreamer(
      context, file,
      isYaml ? llvm::remarks::Format::YAML : llvm::remarks::Format::Bitstream,
      std::move(policy), categories);
}

static LogicalResult runPasses(ModuleOp module, const MlirOptMainConfig &config) {
  PassManager pm(module->getName(), PassManager::Nesting::Implicit);
  pm.enableVerifier(config.shouldVerifyPasses());
  if (failed(applyPassManagerCLOptions(pm)) || failed(config.setupPassPipeline(pm)))
    return failure();
  if (config.shouldDumpPassPipeline())
    pm.dump();
  return pm.run(module);
}

static LogicalResult print(ModuleOp module, raw_ostream &os,
                           const MlirOptMainConfig &config) {
  if (!config.shouldEmitBytecode()) {
    module.print(os);
    os << '\n';
    return success();
  }
  BytecodeWriterConfig writer;
  if (std::optional<int64_t> version = config.bytecodeVersionToEmit())
    writer.setDesiredBytecodeVersion(*version);
  if (config.shouldElideResourceDataFromBytecode())
    writer.setElideResourceDataFlag();
  return writeBytecodeToFile(module, os, writer);
}

static OwningOpRef<ModuleOp> read(StringRef input, MLIRContext &context) {
  if (isOnnxFile(input))
    return importOnnx(input, &context);
  return parseModule(input, context);
}

/// SHA-256 of the model that everything comes from; "" for IR, which is not it.
static std::string hashOf(StringRef input) {
  auto buffer =
      isOnnxFile(input)
          ? llvm::MemoryBuffer::getFile(input)
          : llvm::ErrorOr<std::unique_ptr<llvm::MemoryBuffer>>(std::error_code());
  if (!buffer || !*buffer)
    return "";
  llvm::SHA256 hash;
  hash.update((*buffer)->getBuffer());
  return llvm::toHex(hash.final(), /*LowerCase=*/true);
}

/// STEM.onnx holds the step, or else the window; other entries are STEM.NAME.onnx.
static LogicalResult writeOnnx(ModuleOp module, StringRef input, StringRef output) {
  ExportOptions options;
  if (opset.getNumOccurrences())
    options.opset = opset;
  options.stateNames = stateNames;
  options.externalData = externalData;
  options.sourceHash = hashOf(input);
  PassManager passes(module.getContext());
  buildRaiseToOnnxPipeline(passes, {options.opset.value_or(17), packStates});
  if (failed(passes.run(module)))
    return failure();
  auto main = module.lookupSymbol<func::FuncOp>("step");
  if (!main)
    main = module.lookupSymbol<func::FuncOp>("window");
  if (!main)
    return module.emitError("there is no function 'step' or 'window' to write");
  SmallVector<ExportedFunction> written = {{main, output.str()}};
  for (const char *name : {"prime", "push", "predict"})
    if (auto entry = module.lookupSymbol<func::FuncOp>(name)) {
      SmallString<128> path(output);
      llvm::sys::path::replace_extension(path, llvm::Twine(name) + ".onnx");
      written.push_back({entry, path.str().str()});
    }
  return exportOnnx(written, options);
}

LogicalResult weir::optimizeModel(StringRef input, StringRef output,
                                  DialectRegistry &registry) {
  MlirOptMainConfig config = MlirOptMainConfig::createFromCLOptions();
  MLIRContext context(registry);
  context.allowUnregisteredDialects(config.shouldAllowUnregisteredDialects());
  NodeDiagnosticHandler diagnostics(&context, llvm::errs(), input);
  if (failed(enableRemarks(context, config)))
    return failure();
  OwningOpRef<ModuleOp> module = read(input, context);
  if (!module || failed(runPasses(*module, config)))
    return failure();
  if (output.ends_with(".onnx"))
    return writeOnnx(*module, input, output);
  std::string message;
  std::unique_ptr<llvm::ToolOutputFile> file = openOutputFile(output, &message);
  if (!file) {
    llvm::errs() << "error: " << message << '\n';
    return failure();
  }
  if (failed(print(*module, file->os(), config)))
    return failure();
  file->keep();
  return success();
}
