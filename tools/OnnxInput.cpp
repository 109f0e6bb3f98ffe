//===- OnnxInput.cpp - weir-opt on an ONNX file ---------------------------===//
// What mlir-opt does after parsing, on a module that was imported: passing it through
// mlir-opt as text or bytecode would copy the weights and lose the form of messages.

#include "OnnxInput.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Remark/RemarkStreamer.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "weir/Support/NodeDiagnostics.h"
#include "weir/Target/Onnx/Import.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;
using namespace weir;

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

LogicalResult weir::optimizeOnnx(StringRef input, StringRef output,
                                 DialectRegistry &registry) {
  MlirOptMainConfig config = MlirOptMainConfig::createFromCLOptions();
  MLIRContext context(registry);
  context.allowUnregisteredDialects(config.shouldAllowUnregisteredDialects());
  NodeDiagnosticHandler diagnostics(&context, llvm::errs(), input);
  if (failed(enableRemarks(context, config)))
    return failure();
  OwningOpRef<ModuleOp> module = importOnnx(input, &context);
  if (!module || failed(runPasses(*module, config)))
    return failure();
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
