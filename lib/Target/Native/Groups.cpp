//===- Groups.cpp - Call the functions that step several streams ----------===//
// What `weir-batch-streams` declared, on what runtime/NativeAbi.c defines:
//   group_input1(group, stream)                 ==>  weir_group_input(group, stream, 1)
//   weir_entry_group(which, group, count, scratch)  ==>  the function of that size

#include "weir/Target/Native/NativeModel.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

using namespace weir;

/// group_NAME(group, stream): `target` on these and on `more`.
static void defineAccess(llvm::Module &code, const llvm::Twine &name,
                         llvm::StringRef target, llvm::ArrayRef<uint64_t> more) {
  llvm::Function *function = code.getFunction(name.str());
  if (!function) // nobody asks for it
    return;
  llvm::IRBuilder<> b(llvm::BasicBlock::Create(code.getContext(), "", function));
  llvm::SmallVector<llvm::Value *> arguments = {function->getArg(0), function->getArg(1)};
  for (uint64_t number : more)
    arguments.push_back(b.getInt64(number));
  b.CreateRet(b.CreateCall(code.getFunction(target), arguments));
  function->addFnAttr(llvm::Attribute::AlwaysInline);
}

static void defineAccesses(llvm::Module &code, const NativeModel &model) {
  defineAccess(code, "group_state", "weir_group_state", {});
  for (uint64_t i = 0; i < model.inputs.size(); ++i)
    defineAccess(code, "group_input" + llvm::Twine(i), "weir_group_input", {i});
  for (uint64_t i = 0; i < model.outputs.size(); ++i) {
    uint64_t offset = model.getDiscardedOffset(i) - model.getDiscardedOffset(0);
    defineAccess(code, "group_output" + llvm::Twine(i), "weir_group_output", {i, offset});
  }
}

static void defineSizes(llvm::Module &code, const NativeModel &model) {
  llvm::SmallVector<uint64_t> sizes;
  for (const NativeGroup &group : model.groups)
    sizes.push_back(group.streams);
  sizes.push_back(0);
  llvm::Constant *data = llvm::ConstantDataArray::get(code.getContext(), sizes);
  llvm::GlobalVariable *declared = code.getGlobalVariable("weir_groups");
  auto *defined = new llvm::GlobalVariable(code, data->getType(), /*isConstant=*/true,
                                           llvm::GlobalValue::InternalLinkage, data);
  declared->replaceAllUsesWith(defined);
  defined->takeName(declared);
  declared->eraseFromParent();
}

static void defineEntry(llvm::Module &code, const NativeModel &model) {
  llvm::Function *entry = code.getFunction("weir_entry_group");
  llvm::IRBuilder<> b(llvm::BasicBlock::Create(code.getContext(), "", entry));
  auto *done = llvm::BasicBlock::Create(code.getContext(), "", entry);
  llvm::SwitchInst *choice = b.CreateSwitch(entry->getArg(0), done, model.groups.size());
  for (auto [i, group] : llvm::enumerate(model.groups)) {
    auto *block = llvm::BasicBlock::Create(code.getContext(), "", entry, done);
    choice->addCase(b.getInt64(i), block);
    b.SetInsertPoint(block);
    b.CreateCall(code.getFunction(group.name),
                 {entry->getArg(1), entry->getArg(2), entry->getArg(3)});
    b.CreateBr(done);
  }
  b.SetInsertPoint(done);
  b.CreateRetVoid();
}

void weir::addGroups(llvm::Module &code, const NativeModel &model) {
  if (model.isOfWindows())
    return;
  defineAccesses(code, model);
  defineSizes(code, model);
  defineEntry(code, model);
}
