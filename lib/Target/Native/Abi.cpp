//===- Abi.cpp - Give compiled functions their C names --------------------===//
// Links runtime/NativeAbi.c, which was compiled for each architecture when Weir was
// built, to the code of a model, and supplies what runtime/NativeAbi.h asks for.

#include "weir/Support/HostTensor.h"
#include "weir/Target/Native/NativeModel.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Linker/Linker.h"

#include "NativeAbi.aarch64.inc"
#include "NativeAbi.riscv64.inc"
#include "NativeAbi.x86_64.inc"

using namespace weir;

static constexpr const char *prefix = "weir_";
static constexpr const char *entryPrefix = "weir_entry_";
static constexpr const char *shareName = "weir_share";

static llvm::StringRef getBitcode(const llvm::Triple &triple) {
  auto text = [](llvm::ArrayRef<unsigned char> bytes) {
    return llvm::StringRef(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  };
  switch (triple.getArch()) {
  case llvm::Triple::x86_64:
    return text(nativeAbi_x86_64);
  case llvm::Triple::aarch64:
    return text(nativeAbi_aarch64);
  case llvm::Triple::riscv64:
    return text(nativeAbi_riscv64);
  default:
    llvm_unreachable("getCpuTarget knows no other");
  }
}

/// Is this function of the runtime one that the model can have?
static bool isProvided(llvm::StringRef name, const NativeModel &model) {
  if (!name.consume_front(prefix))
    return true;
  if (name.starts_with("pool_"))
    return model.getThreads() > 1;
  if (model.isOfWindows() != name.starts_with("window"))
    return name == "error";
  if (name == "step1" || name == "window1")
    return model.isOneToOne();
  return !llvm::is_contained({"push", "predict", "prime"}, name) || model.has(name);
}

static std::unique_ptr<llvm::Module> loadRuntime(llvm::Module &code,
                                                 const NativeModel &model) {
  llvm::MemoryBufferRef bitcode(getBitcode(code.getTargetTriple()), "NativeAbi.c");
  auto runtime = llvm::cantFail(llvm::parseBitcodeFile(bitcode, code.getContext()));
  runtime->setTargetTriple(code.getTargetTriple());
  runtime->setDataLayout(code.getDataLayout());
  for (llvm::Function &function : llvm::make_early_inc_range(*runtime)) {
    // The processor is the model's.
    for (const char *name : {"target-cpu", "target-features", "tune-cpu",
                             "min-legal-vector-width", "no-builtins"})
      function.removeFnAttr(name);
    if (!function.isDeclaration() && function.hasDefaultVisibility() &&
        !isProvided(function.getName(), model))
      function.eraseFromParent();
  }
  return runtime;
}

/// Fields in the order of struct weir_model.
static void defineFacts(llvm::Module &code, const NativeModel &model) {
  llvm::GlobalVariable *facts = code.getGlobalVariable("weir_model");
  const StateSlot *counter = model.layout.find("step");
  // Steps times chunk, which slots are computed from, stay far from overflow.
  uint64_t mostSteps = (uint64_t(1) << 62) / std::max<int64_t>(model.chunk, 1);
  uint64_t values[] = {model.getHash(),
                       static_cast<uint64_t>(model.layout.bytes),
                       static_cast<uint64_t>(counter ? counter->offset : 0),
                       mostSteps,
                       static_cast<uint64_t>(model.warmup),
                       model.inputs.size(),
                       model.outputs.size(),
                       static_cast<uint64_t>(model.getDiscardedOffset(0)),
                       static_cast<uint64_t>(model.getDiscardedBytes()),
                       static_cast<uint64_t>(model.getStreamThreads()),
                       static_cast<uint64_t>(model.getStreamScratchBytes())};
  auto *type = llvm::cast<llvm::StructType>(facts->getValueType());
  llvm::SmallVector<llvm::Constant *> fields;
  for (uint64_t value : values)
    fields.push_back(
        llvm::ConstantInt::get(llvm::Type::getInt64Ty(code.getContext()), value));
  facts->setInitializer(llvm::ConstantStruct::get(type, fields));
}

/// The scratch of each thread, unless the caller brings it.
static void defineScratch(llvm::Module &code, const NativeModel &model) {
  llvm::GlobalVariable *declared = code.getGlobalVariable("weir_scratch");
  if (model.isOfWindows())
    return;
  auto *type = llvm::ArrayType::get(llvm::Type::getInt8Ty(code.getContext()),
                                    model.getScratchBytes());
  auto *scratch = new llvm::GlobalVariable(
      code, type, /*isConstant=*/false, llvm::GlobalValue::InternalLinkage,
      llvm::ConstantAggregateZero::get(type), "", declared,
      llvm::GlobalValue::GeneralDynamicTLSModel);
  scratch->setAlignment(llvm::Align(StateLayout::alignment));
  declared->replaceAllUsesWith(scratch);
  scratch->takeName(declared);
  declared->eraseFromParent();
}

namespace {
/// weir_entry_NAME(state, inputs, outputs, scratch, pool): NAME on the single pointers.
/// Of one that runs on a team,
///
///   NAME.part(state, inputs, outputs, scratch, member): NAME on the single pointers
///   weir_entry_NAME(state, ...): weir_share(NAME.part, threads, state, ...)
class EntryBuilder {
public:
  EntryBuilder(llvm::Function &entry, const NativeModel &model)
      : entry(entry), model(model), b(entry.getContext()) {}

  static void build(llvm::Function &entry, llvm::Function &target,
                    const NativeEntry &layout, const NativeModel &model) {
    if (layout.threads == 1)
      return EntryBuilder(entry, model).callOn(target, layout);
    llvm::Function *part = EntryBuilder(entry, model).share(layout);
    EntryBuilder(*part, model).callOn(target, layout);
  }

private:
  void callOn(llvm::Function &target, const NativeEntry &layout) {
    b.SetInsertPoint(llvm::BasicBlock::Create(b.getContext(), "", &entry));
    llvm::SmallVector<llvm::Value *> arguments;
    unsigned inputs = 0, outputs = 0;
    for (NativeEntry::Kind kind : layout.arguments)
      arguments.push_back(kind == NativeEntry::Arena    ? entry.getArg(0)
                          : kind == NativeEntry::Input  ? element(1, inputs++)
                          : kind == NativeEntry::Output ? getOutput(outputs++)
                          : kind == NativeEntry::Team   ? entry.getArg(4)
                                                        : entry.getArg(3));
    b.CreateCall(&target, arguments);
    b.CreateRetVoid();
  }

  /// Returns what each thread runs, which is empty yet.
  llvm::Function *share(const NativeEntry &layout) {
    llvm::Module &code = *entry.getParent();
    llvm::SmallVector<llvm::Type *> types(5, b.getPtrTy());
    auto *part = llvm::Function::Create(
        llvm::FunctionType::get(b.getVoidTy(), types, /*isVarArg=*/false),
        llvm::GlobalValue::InternalLinkage, layout.name + ".part", code);
    b.SetInsertPoint(llvm::BasicBlock::Create(b.getContext(), "", &entry));
    llvm::SmallVector<llvm::Value *> arguments = {part, b.getInt64(layout.threads)};
    for (llvm::Argument &argument : entry.args())
      arguments.push_back(&argument);
    b.CreateCall(code.getFunction(shareName), arguments);
    b.CreateRetVoid();
    return part;
  }

  llvm::Value *element(unsigned array, unsigned index) {
    llvm::Value *slot =
        b.CreateConstInBoundsGEP1_64(b.getPtrTy(), entry.getArg(array), index);
    return b.CreateLoad(b.getPtrTy(), slot);
  }

  /// The caller's pointer, or room in the scratch where it or all of them are null.
  llvm::Value *getOutput(unsigned index) {
    llvm::Value *room = b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), entry.getArg(3),
                                                     model.getDiscardedOffset(index));
    llvm::BasicBlock *before = b.GetInsertBlock();
    auto *some = llvm::BasicBlock::Create(b.getContext(), "", &entry);
    auto *join = llvm::BasicBlock::Create(b.getContext(), "", &entry);
    b.CreateCondBr(b.CreateIsNull(entry.getArg(2)), join, some);
    b.SetInsertPoint(some);
    llvm::Value *given = element(2, index);
    llvm::Value *chosen = b.CreateSelect(b.CreateIsNull(given), room, given);
    b.CreateBr(join);
    b.SetInsertPoint(join);
    llvm::PHINode *output = b.CreatePHI(b.getPtrTy(), 2);
    output->addIncoming(room, before);
    output->addIncoming(chosen, some);
    return output;
  }

  llvm::Function &entry;
  const NativeModel &model;
  llvm::IRBuilder<> b;
};
} // namespace

/// weir_step ==> ID_step, visible; all other definitions are internal.
static void renameFunctions(llvm::Module &code, const NativeModel &model,
                            llvm::ArrayRef<std::string> exported) {
  for (llvm::GlobalObject &object : code.global_objects())
    if (!object.isDeclaration())
      object.setLinkage(llvm::GlobalValue::InternalLinkage);
  for (const std::string &name : exported) {
    llvm::Function *function = code.getFunction(name);
    function->setLinkage(llvm::GlobalValue::ExternalLinkage);
    function->setName(model.name + "_" + name.substr(strlen(prefix)));
  }
}

void weir::addAbi(llvm::Module &code, const NativeModel &model) {
  std::unique_ptr<llvm::Module> runtime = loadRuntime(code, model);
  llvm::SmallVector<std::string> exported;
  for (llvm::Function &function : *runtime)
    if (function.hasExternalLinkage() && !function.hasHiddenVisibility() &&
        !function.isDeclaration())
      exported.push_back(function.getName().str());
  llvm::Linker::linkModules(code, std::move(runtime));
  defineFacts(code, model);
  defineScratch(code, model);
  addGroups(code, model);
  for (const NativeEntry &entry : model.entries)
    if (llvm::Function *function = code.getFunction(entryPrefix + entry.name))
      EntryBuilder::build(*function, *code.getFunction(entry.name), entry, model);
  renameFunctions(code, model, exported);
}

void weir::addWeights(llvm::Module &code, const NamedWeights &weights) {
  for (const auto &[name, value] : weights) {
    llvm::GlobalVariable *declared = code.getGlobalVariable(name);
    if (!declared)
      continue;
    mlir::FailureOr<HostTensor> tensor = HostTensor::get(value);
    llvm::ArrayRef<char> bytes = tensor->getBytes();
    llvm::Constant *data = llvm::ConstantDataArray::getRaw(
        llvm::StringRef(bytes.data(), bytes.size()), bytes.size(),
        llvm::Type::getInt8Ty(code.getContext()));
    auto *defined = new llvm::GlobalVariable(code, data->getType(), /*isConstant=*/true,
                                             llvm::GlobalValue::InternalLinkage, data);
    defined->setAlignment(llvm::Align(StateLayout::alignment));
    declared->replaceAllUsesWith(defined);
    defined->takeName(declared);
    declared->eraseFromParent();
  }
}
