//===- Object.cpp - LLVM dialect to machine code --------------------------===//
// The kernels arrive as vectors in registers: what is left to LLVM is scalar cleanup,
// unrolling of inner loops, and code generation.

#include "weir/Target/Object/Object.h"
#include "TargetMachine.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/Intrinsics.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/Passes/PassBuilder.h"

using namespace mlir;
using namespace weir;

void weir::registerObjectTranslations(DialectRegistry &registry) {
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}

/// Where the processor has no fused products, each would be a call of the C library, for
/// each element: multiply and add instead.
static void splitFusedProducts(llvm::Module &module, llvm::TargetMachine &machine) {
  bool isFused = !machine.getTargetTriple().isX86() ||
                 machine.getMCSubtargetInfo()->checkFeatures("+fma");
  if (isFused)
    return;
  for (llvm::Function &function : llvm::make_early_inc_range(module)) {
    if (function.getIntrinsicID() != llvm::Intrinsic::fma)
      continue;
    llvm::Function *split = llvm::Intrinsic::getOrInsertDeclaration(
        &module, llvm::Intrinsic::fmuladd, {function.getReturnType()});
    function.replaceAllUsesWith(split);
    function.eraseFromParent();
  }
}

static void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager calls;
  llvm::ModuleAnalysisManager modules;
  llvm::PipelineTuningOptions options;
  // Reductions keep the order they were given; elementwise loops are vectors by now.
  options.LoopVectorization = false;
  options.SLPVectorization = false;
  llvm::PassBuilder builder(&machine, options);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(calls);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, calls, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2).run(module, modules);
}

/// Names of inputs and states on arguments mean nothing to LLVM, which warns of them.
static void dropPortNames(ModuleOp module) {
  for (auto function : module.getOps<LLVM::LLVMFuncOp>())
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      for (StringRef name :
           {"weir.input", "weir.output", "weir.state", "weir.step", "weir.scratch",
            "weir.constant", "weir.team", "weir.arena", "weir.axis", "weir.dims"})
        function.removeArgAttr(i, name);
}

LogicalResult weir::emitObject(ModuleOp module, const CpuTarget &target,
                               SmallVectorImpl<char> &object, ObjectHooks hooks) {
  std::unique_ptr<llvm::TargetMachine> machine = createMachine(target);
  dropPortNames(module);
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code = translateModuleToLLVMIR(module, context);
  if (!code)
    return failure();
  code->setDataLayout(machine->createDataLayout());
  code->setTargetTriple(machine->getTargetTriple());
  if (hooks.beforeOptimizing)
    hooks.beforeOptimizing(*code);
  splitFusedProducts(*code, *machine);
  optimize(*code, *machine);
  if (hooks.beforeEmitting)
    hooks.beforeEmitting(*code);
  llvm::raw_svector_ostream os(object);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, os, nullptr,
                                   llvm::CodeGenFileType::ObjectFile))
    return module.emitError("cannot emit objects for '") << target.triple << "'";
  passes.run(*code);
  return success();
}
