//===- CpuTarget.cpp - The processor that code is made for -----------------===//
// NAME+FEATURE+FEATURE  ==>  triple, processor and features of LLVM, vector registers
// LLVM ends the process over some processors and features, and ignores those that it does
// not know: what a name may hold is decided here, by LLVM's own tables.

#include "weir/Target/Object/CpuTarget.h"
#include "TargetMachine.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"

using namespace weir;
using llvm::StringRef;

namespace {
/// Processors of one kind, and what each must have to run what is compiled.
struct Architecture {
  StringRef name, triple;
  /// The processor that stands for all of them, and its features.
  StringRef cpu, features;
  /// Of 64-bit code, and of the way in which Linux passes floats.
  StringRef needed;
};
} // namespace

static constexpr Architecture architectures[] = {
    {"x86-64", "x86_64-unknown-linux-gnu", "x86-64", "", "+64bit,+sse2"},
    {"aarch64", "aarch64-unknown-linux-gnu", "generic", "", "+neon"},
    {"riscv64", "riscv64-unknown-linux-gnu", "generic-rv64", "+m,+a,+f,+d,+c",
     "+64bit,-32bit,-e,+d"},
};

static const llvm::Target &lookupTarget(const llvm::Triple &triple) {
  static const bool isInitialized = [] {
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
  std::string error;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, error);
  assert(target && "one of the three architectures");
  return *target;
}

using Subtarget = std::unique_ptr<llvm::MCSubtargetInfo>;

static Subtarget getSubtarget(StringRef name, StringRef cpu, StringRef features) {
  llvm::Triple triple(name);
  return Subtarget(lookupTarget(triple).createMCSubtargetInfo(triple, cpu, features));
}

std::unique_ptr<llvm::TargetMachine> weir::createMachine(const CpuTarget &target) {
  llvm::Triple triple(target.triple);
  llvm::TargetOptions options;
  if (triple.isRISCV64())
    options.MCOptions.ABIName = "lp64d"; // floats in registers, as Linux has it
  return std::unique_ptr<llvm::TargetMachine>(lookupTarget(triple).createTargetMachine(
      triple, target.cpu, target.features, options, llvm::Reloc::PIC_, std::nullopt,
      llvm::CodeGenOptLevel::Default));
}

/// The vector registers that the features of `target` bring.
static VectorUnit getVectorUnit(const CpuTarget &target) {
  Subtarget features = getSubtarget(target.triple, target.cpu, target.features);
  auto has = [&](StringRef feature) { return features->checkFeatures(feature); };
  llvm::Triple triple(target.triple);
  if (triple.isAArch64())
    return {/*lanes=*/4, /*registers=*/32,
            has("+dotprod") ? ByteDot::Neon : ByteDot::None};
  if (triple.isRISCV64()) // without vectors, 4 lanes take 4 registers of 32
    return {/*lanes=*/4, has("+v") ? 32 : 8, ByteDot::None};
  ByteDot dot = has("+avx512vnni") ? ByteDot::Avx512
                : has("+avxvnni")  ? ByteDot::Avx
                                   : ByteDot::None;
  if (has("+avx512vl"))
    return {/*lanes=*/16, /*registers=*/32, dot};
  return {has("+avx") ? 8 : 4, /*registers=*/16, dot};
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

/// The processors that an architecture's tables list and that code can be made for.
static llvm::SmallVector<Subtarget> getProcessors(const Architecture &architecture) {
  llvm::SmallVector<Subtarget> processors;
  Subtarget all = getSubtarget(architecture.triple, "", "");
  for (const llvm::SubtargetSubTypeKV &cpu : all->getAllProcessorDescriptions()) {
    Subtarget processor = getSubtarget(architecture.triple, cpu.Key, "");
    if (processor->checkFeatures(architecture.needed))
      processors.push_back(std::move(processor));
  }
  return processors;
}

/// A processor by the name that LLVM has for it; "generic" is one of every architecture.
static std::optional<CpuTarget> findProcessor(StringRef name) {
  for (const Architecture &architecture : architectures) {
    if (name == architecture.name)
      return CpuTarget{architecture.triple.str(),
                       architecture.cpu.str(),
                       architecture.features.str(),
                       {}};
    if (name == "generic" ||
        !getSubtarget(architecture.triple, "", "")->isCPUStringValid(name))
      continue;
    if (getSubtarget(architecture.triple, name, "")->checkFeatures(architecture.needed))
      return CpuTarget{architecture.triple.str(), name.str(), "", {}};
  }
  return std::nullopt;
}

/// Features that no processor has are switches of the code generator, or misspelt.
static llvm::Error addFeature(CpuTarget &target, StringRef feature) {
  llvm::Triple triple(target.triple);
  const Architecture *architecture =
      llvm::find_if(architectures, [&](const Architecture &one) {
        return llvm::Triple(one.triple).getArch() == triple.getArch();
      });
  std::string added = ("+" + feature).str();
  target.features += (target.features.empty() ? "" : ",") + added;
  bool isKnown = llvm::any_of(
      getSubtarget(target.triple, "", "")->getAllProcessorFeatures(),
      [&](const llvm::SubtargetFeatureKV &known) { return known.Key == feature; });
  isKnown = isKnown &&
            llvm::any_of(getProcessors(*architecture),
                         [&](const Subtarget &p) { return p->checkFeatures(added); });
  if (isKnown && getSubtarget(target.triple, target.cpu, target.features)
                     ->checkFeatures(architecture->needed))
    return llvm::Error::success();
  return llvm::createStringError("'" + feature + "' is no feature that LLVM knows of " +
                                 architecture->name + " processors");
}

llvm::Expected<CpuTarget> weir::getCpuTarget(StringRef name) {
  llvm::SmallVector<StringRef> parts;
  name.split(parts, '+');
  std::optional<CpuTarget> target =
      parts[0] == "native" ? getHostTarget() : findProcessor(parts[0]);
  if (!target)
    return llvm::createStringError(
        "'" + parts[0] +
        "' is no target: give native, x86-64-v2, x86-64-v3, x86-64-v4, "
        "aarch64, riscv64, or a processor of these as LLVM calls it, "
        "such as znver4 or neoverse-v1");
  for (StringRef feature : llvm::drop_begin(parts))
    if (llvm::Error error = addFeature(*target, feature))
      return error;
  target->vectors = getVectorUnit(*target);
  return *target;
}
