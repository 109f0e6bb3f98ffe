//===- CompiledModule.cpp - A model as functions that can be called -------===//
// The object that is linked here is the one that would be written to a file. Weights are
// external symbols, resolved to the bytes that the module's attributes hold.

#include "weir/Runner/CompiledModule.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Pass/PassManager.h"
#include "weir/Pipelines/LowerToCpu.h"
#include "weir/Support/HostTensor.h"
#include "weir/Target/Object/Object.h"
#include "weir/Target/Object/Weights.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/IRBuilder.h"

#include "Pool.h"

using namespace mlir;
using namespace weir;

static constexpr size_t alignment = 64;
static constexpr const char *entryPrefix = "weir_call_";

int64_t Port::numBytes() const {
  return type.getNumElements() * HostTensor::elementBytes(type.getElementType());
}

void CompiledFunction::call(ArrayRef<void *> buffers) const {
  assert(buffers.size() == ports.size());
  SmallVector<void *> arguments(buffers);
  uintptr_t start = reinterpret_cast<uintptr_t>(scratch.get());
  arguments.push_back(reinterpret_cast<void *>(llvm::alignTo(start, alignment)));
  auto run = [&](weir_member *member) { entry(arguments.data(), member); };
  auto task = [](void *context, weir_member *member) {
    (*static_cast<decltype(run) *>(context))(member);
  };
  weir_pool_run(pool, threads, task, &run);
}

void CompiledModule::ClosePool::operator()(weir_pool *pool) const {
  weir_pool_close(pool);
}

std::vector<Port> weir::getPorts(func::FuncOp function) {
  std::vector<Port> ports;
  llvm::StringSet<> states;
  auto add = [&](DictionaryAttr attributes, Type type, Port::Kind kind,
                 const Twine &fallback) {
    StringAttr name;
    auto is = [&](Port::Kind other, StringRef attribute) {
      if (!attributes || !attributes.contains(attribute))
        return;
      kind = other;
      name = attributes.getAs<StringAttr>(attribute);
    };
    is(Port::Input, "weir.input");
    is(Port::Output, "weir.output");
    is(Port::Step, "weir.step");
    is(Port::State, "weir.state");
    is(Port::Constant, "weir.constant");
    if (kind == Port::State && !states.insert(name.getValue()).second)
      return;
    ports.push_back(
        {kind, name ? name.str() : fallback.str(), cast<RankedTensorType>(type)});
  };
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes()))
    add(function.getArgAttrDict(i), type, Port::Input, "input" + Twine(i));
  for (auto [i, type] : llvm::enumerate(function.getResultTypes()))
    add(function.getResultAttrDict(i), type, Port::Output, "output" + Twine(i));
  return ports;
}

/// void weir_call_NAME(ptr arguments, ptr member): NAME on the pointers in an array. One
/// that runs on a team has the member in front of its scratch.
static void addEntry(llvm::Module &module, llvm::Function &function, bool hasTeam) {
  llvm::IRBuilder<> b(module.getContext());
  auto *type =
      llvm::FunctionType::get(b.getVoidTy(), {b.getPtrTy(), b.getPtrTy()}, false);
  auto *entry = llvm::Function::Create(type, llvm::Function::ExternalLinkage,
                                       entryPrefix + function.getName(), module);
  b.SetInsertPoint(llvm::BasicBlock::Create(module.getContext(), "", entry));
  SmallVector<llvm::Value *> arguments;
  unsigned numPointers = function.arg_size() - hasTeam;
  for (unsigned i = 0; i < numPointers; ++i) {
    llvm::Value *slot = b.CreateConstInBoundsGEP1_64(b.getPtrTy(), entry->getArg(0), i);
    arguments.push_back(b.CreateLoad(b.getPtrTy(), slot));
  }
  if (hasTeam)
    arguments.insert(arguments.end() - 1, entry->getArg(1));
  b.CreateCall(&function, arguments);
  b.CreateRetVoid();
}

FailureOr<std::unique_ptr<CompiledModule>>
CompiledModule::compile(ModuleOp module, const Symbols &symbols,
                        ArrayRef<StringRef> uncalled, const TeamOptions &team) {
  if (failed(checkCompilable(module)))
    return failure();
  std::unique_ptr<CompiledModule> compiled(new CompiledModule());
  SmallVector<std::string> names;
  CpuTarget target = getHostTarget();
  OwningOpRef<ModuleOp> copy = module.clone();
  for (auto function : llvm::make_early_inc_range(copy->getOps<func::FuncOp>())) {
    if (function.isPrivate())
      continue;
    compiled->functions[function.getName()].ports = getPorts(function);
    if (llvm::is_contained(uncalled, function.getName()))
      function.erase();
    else
      names.push_back(function.getName().str());
  }
  PassManager plan(module.getContext());
  buildPlanPipeline(plan, team);
  if (failed(bufferizeModule(copy, Temporaries::Allocated)) || failed(plan.run(*copy)))
    return failure();
  OwningOpRef<ModuleOp> buffered = copy->clone();
  PassManager lower(module.getContext());
  buildToCpuPipeline(lower, target.vectors);
  if (failed(lower.run(*copy)))
    return failure();
  llvm::SmallVector<char, 0> object;
  auto addEntries = [&](llvm::Module &code) {
    for (const std::string &name : names)
      addEntry(code, *code.getFunction(name),
               buffered->lookupSymbol(name)->hasAttr("weir.threads"));
  };
  if (team.threads > 1)
    compiled->pool.reset(weir_pool_open(team.threads, 0));
  if (team.threads > 1 && !compiled->pool)
    return module.emitError("cannot have ") << team.threads << " threads";
  if (failed(emitObject(*copy, target, object, {addEntries, {}})) ||
      failed(compiled->link(*buffered, object, symbols)))
    return failure();
  return compiled;
}

/// The bytes that a lowered function is given for its temporaries.
static int64_t getScratchBytes(func::FuncOp lowered) {
  return cast<MemRefType>(lowered.getArgumentTypes().back()).getNumElements();
}

FailureOr<int64_t> weir::planScratch(ModuleOp module, StringRef function) {
  if (failed(checkCompilable(module)))
    return failure();
  OwningOpRef<ModuleOp> copy = module.clone();
  for (auto other : llvm::make_early_inc_range(copy->getOps<func::FuncOp>()))
    if (other.getName() != function)
      other.erase();
  if (failed(bufferizeModule(copy)))
    return failure();
  return getScratchBytes(copy->lookupSymbol<func::FuncOp>(function));
}

LogicalResult CompiledModule::link(ModuleOp buffered, ArrayRef<char> object,
                                   const Symbols &symbols) {
  auto report = [&](llvm::Error error) {
    return buffered.emitError("cannot link: ") << llvm::toString(std::move(error));
  };
  auto created = llvm::orc::LLJITBuilder().create();
  if (!created)
    return report(created.takeError());
  jit = std::move(*created);
  auto define = [&](llvm::orc::SymbolMap &addresses, StringRef name, void *address) {
    addresses[jit->mangleAndIntern(name)] = {llvm::orc::ExecutorAddr::fromPtr(address),
                                             llvm::JITSymbolFlags::Exported |
                                                 llvm::JITSymbolFlags::Callable};
  };
  FailureOr<NamedWeights> named = getWeights(buffered);
  if (failed(named))
    return failure();
  llvm::orc::SymbolMap addresses;
  for (const auto &symbol : symbols)
    define(addresses, symbol.first(), symbol.second);
  define(addresses, "weir_barrier", reinterpret_cast<void *>(&weir_barrier));
  for (const auto &[name, value] : *named) {
    FailureOr<HostTensor> tensor = HostTensor::get(value);
    ArrayRef<char> bytes = tensor->getBytes();
    weightBytes += bytes.size();
    bool isShared = isa<DenseResourceElementsAttr>(value);
    if (!isShared || reinterpret_cast<uintptr_t>(bytes.data()) % 16 != 0) {
      copies.push_back(std::make_shared<std::vector<char>>(bytes.begin(), bytes.end()));
      bytes = *copies.back();
    }
    addresses[jit->mangleAndIntern(name)] = {
        llvm::orc::ExecutorAddr::fromPtr(bytes.data()), llvm::JITSymbolFlags::Exported};
  }
  llvm::orc::JITDylib &library = jit->getMainJITDylib();
  if (llvm::Error error =
          library.define(llvm::orc::absoluteSymbols(std::move(addresses))))
    return report(std::move(error));
  auto buffer =
      llvm::MemoryBuffer::getMemBufferCopy(StringRef(object.data(), object.size()));
  if (llvm::Error error = jit->addObjectFile(std::move(buffer)))
    return report(std::move(error));
  for (auto &entry : functions) {
    auto lowered = buffered.lookupSymbol<func::FuncOp>(entry.first());
    if (!lowered)
      continue; // nobody calls it
    auto address = jit->lookup((entryPrefix + entry.first()).str());
    if (!address)
      return report(address.takeError());
    CompiledFunction &function = entry.second;
    function.entry = address->toPtr<void (*)(void *const *, weir_member *)>();
    if (auto most = lowered->getAttrOfType<IntegerAttr>("weir.threads"))
      function.threads = most.getInt();
    function.pool = pool.get();
    function.scratchBytes = getScratchBytes(lowered);
    function.scratch.reset(
        static_cast<char *>(std::malloc(function.scratchBytes + alignment)));
    if (!function.scratch)
      return buffered.emitError()
             << "'" << entry.first() << "' needs " << function.scratchBytes
             << " bytes for its temporaries, more than there are";
  }
  return success();
}

CompiledModule::~CompiledModule() = default;

const CompiledFunction *CompiledModule::lookup(StringRef name) const {
  auto found = functions.find(name);
  return found == functions.end() ? nullptr : &found->second;
}

void weir::registerRunnerDialects(DialectRegistry &registry) {
  registerCpuDialects(registry);
  registerObjectTranslations(registry);
}
