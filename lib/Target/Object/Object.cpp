//===- Object.cpp - LLVM dialect to machine code --------------------------===//
// The kernels arrive as vectors in registers: what is left to LLVM is scalar cleanup,
// unrolling of inner loops, and code generation.

#include "weir/Target/Object/Object.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/Intrinsics.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;
using namespace weir;

static std::unique_ptr<llvm::TargetMachine> createMachine(const CpuTarget &target,
                                                          std::string &error) {
  static const bool isInitialized = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
#define WEIR_INITIALIZE(arch)                                                            \
  LLVMInitialize##arch##TargetInfo(), LLVMInitialize##arch##Target(),                    \
      LLVMInitialize##arch##TargetMC(), LLVMInitialize##arch##AsmPrinter()
    WEIR_INITIALIZE(X86);
    WEIR_INITIALIZE(AArch64);
    WEIR_INITIALIZE(RISCV);
#undef WEIR_INITIALIZE
    return true;
  }();
  (void)isInitialized;
  llvm::Triple triple(target.triple);
  const llvm::Target *found = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!found)
    return nullptr;
  llvm::TargetOptions options;
  if (triple.isRISCV64())
    options.MCOptions.ABIName = "lp64d"; // floats in registers, as Linux has it
  return std::unique_ptr<llvm::TargetMachine>(found->createTargetMachine(
      triple, target.cpu, target.features, options, llvm::Reloc::PIC_, std::nullopt,
      llvm::CodeGenOptLevel::Default));
}

/// The vector registers that the features of `target` bring.
static VectorUnit getVectorUnit(const CpuTarget &target) {
  std::string error;
  std::unique_ptr<llvm::TargetMachine> machine = createMachine(target, error);
  const llvm::MCSubtargetInfo &features = *machine->getMCSubtargetInfo();
  const llvm::Triple &triple = machine->getTargetTriple();
  if (triple.isAArch64()) {
    bool hasDot = features.checkFeatures("+dotprod");
    return {/*lanes=*/4, /*registers=*/32, hasDot ? ByteDot::Neon : ByteDot::None};
  }
  if (triple.isRISCV64()) // without vectors, 4 lanes take 4 registers of 32
    return {/*lanes=*/4, features.checkFeatures("+v") ? 32 : 8, ByteDot::None};
  ByteDot dot = features.checkFeatures("+avx512vnni") ? ByteDot::Avx512
                : features.checkFeatures("+avxvnni")  ? ByteDot::Avx
                                                      : ByteDot::None;
  if (features.checkFeatures("+avx512vl"))
    return {/*lanes=*/16, /*registers=*/32, dot};
  return {features.checkFeatures("+avx") ? 8 : 4, /*registers=*/16, dot};
}

CpuTarget weir::getHostTarget() {
  CpuTarget target;
  target.triple = llvm::sys::getProcessTriple();
  target.cpu = llvm::sys::getHostCPUName().str();
  for (const auto &feature : llvm::sys::getHostCPUFeatures()) {
    if (!target.features.empty())
      target.features += ",";
    target.features += (feature.second ? "+" : "-") + feature.first().str();
  }
  target.vectors = getVectorUnit(target);
  return target;
}

static constexpr llvm::StringRef targetNames[] = {"native",    "x86-64-v2", "x86-64-v3",
                                                  "x86-64-v4", "aarch64",   "riscv64"};

ArrayRef<StringRef> weir::getCpuTargetNames() { return targetNames; }

std::optional<CpuTarget> weir::getCpuTarget(StringRef name) {
  if (!llvm::is_contained(targetNames, name))
    return std::nullopt;
  if (name == "native")
    return getHostTarget();
  CpuTarget target{"x86_64-unknown-linux-gnu", name.str(), "", {}};
  if (name == "aarch64")
    target = {"aarch64-unknown-linux-gnu", "generic", "", {}};
  if (name == "riscv64")
    target = {"riscv64-unknown-linux-gnu", "generic-rv64", "+m,+a,+f,+d,+c", {}};
  target.vectors = getVectorUnit(target);
  return target;
}

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
            "weir.team", "weir.arena", "weir.axis", "weir.dims"})
        function.removeArgAttr(i, name);
}

LogicalResult weir::emitObject(ModuleOp module, const CpuTarget &target,
                               SmallVectorImpl<char> &object, ObjectHooks hooks) {
  std::string error;
  std::unique_ptr<llvm::TargetMachine> machine = createMachine(target, error);
  if (!machine)
    return module.emitError("cannot compile for '") << target.triple << "': " << error;
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
