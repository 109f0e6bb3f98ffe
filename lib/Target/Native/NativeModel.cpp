//===- NativeModel.cpp - What a C program has to know of a model ----------===//

#include "weir/Target/Native/NativeModel.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/NameSet.h"
#include "weir/Support/ProgramDigest.h"
#include "weir/Support/WeightKind.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace weir;

int64_t NativePort::getBytes() const {
  return type.getNumElements() * HostTensor::elementBytes(type.getElementType());
}

/// Of memory of each thread that steps streams on others beside it.
static constexpr int64_t mostStreamScratch = 16 << 20;

int64_t NativeModel::getThreads() const {
  int64_t most = getStreamThreads();
  for (const NativeEntry &entry : entries)
    most = std::max(most, entry.threads);
  return most;
}

int64_t NativeModel::getStreamThreads() const {
  auto isShared = [](const NativeEntry &entry) {
    return entry.name == "step" && entry.threads > 1;
  };
  if (groups.empty() && llvm::none_of(entries, isShared))
    return 1; // so little work that one thread does it
  int64_t each = std::max<int64_t>(getStreamScratchBytes(), 1);
  return std::clamp<int64_t>(mostStreamScratch / each, 1, threads);
}

bool NativeModel::has(StringRef entry) const {
  return llvm::any_of(entries, [&](const NativeEntry &e) { return e.name == entry; });
}

int64_t NativeModel::getDiscardedOffset(size_t output) const {
  int64_t offset = llvm::alignTo(temporaryBytes, StateLayout::alignment);
  for (const NativePort &before : ArrayRef(outputs).take_front(output))
    offset += llvm::alignTo(before.getBytes(), StateLayout::alignment);
  return offset;
}

uint64_t NativeModel::getHash() const {
  uint64_t hash = 0;
  StringRef(digest).take_front(16).getAsInteger(16, hash);
  return hash;
}

bool NativeModel::isOneToOne() const {
  return inputs.size() == 1 && outputs.size() == 1 &&
         inputs[0].type.getElementType().isF32() &&
         outputs[0].type.getElementType().isF32();
}

std::string weir::getTypeName(Type type) {
  std::string width = std::to_string(type.getIntOrFloatBitWidth());
  if (type.isInteger(1))
    return "bool";
  if (type.isUnsignedInteger())
    return "uint" + width;
  if (type.isBF16())
    return "bfloat16";
  return (isa<FloatType>(type) ? "float" : "int") + width;
}

/// How the weights of a program are rounded is as good as other weights.
static void addStorage(ProgramDigest &digest, ModuleOp module) {
  digest.add(getName(getWeightKind(module)));
  for (const StoredWeights &weights : getStoredWeights(module)) {
    digest.add(weights.digest);
    digest.add(getName(weights.kind));
    if (weights.rows) {
      ArrayRef<char> bytes = weights.rows.getRawData();
      digest.add(StringRef(bytes.data(), bytes.size()));
    }
  }
}

static std::string digestFunctions(ArrayRef<func::FuncOp> functions) {
  ProgramDigest digest;
  for (func::FuncOp function : functions)
    digest.add(function);
  if (!functions.empty())
    addStorage(digest, functions.front()->getParentOfType<ModuleOp>());
  return digest.finish();
}

/// What a state means depends on the program that steps it and on where tensors stand.
static std::string digestLayout(StringRef steps, const StateLayout &layout) {
  ProgramDigest digest;
  digest.add(steps);
  for (const StateSlot &slot : layout.slots) {
    digest.add(slot.name);
    digest.add(slot.type);
    digest.add(slot.offset);
  }
  digest.add(layout.bytes);
  return digest.finish();
}

/// `name` as a part of a C identifier.
static std::string toIdentifier(StringRef name) {
  std::string identifier = name.upper();
  for (char &c : identifier)
    if (!llvm::isAlnum(c))
      c = '_';
  return identifier;
}

/// Reads arguments and results of an entry function.
static void describePorts(func::FuncOp entry, ArrayRef<std::optional<TokenAxis>> axes,
                          NativeModel &model) {
  NameSet inputNames("_"), outputNames("_");
  for (unsigned i = 0; i < entry.getNumArguments(); ++i) {
    auto type = cast<RankedTensorType>(entry.getArgumentTypes()[i]);
    auto name = entry.getArgAttrOfType<StringAttr>(i, "weir.input");
    if (!name)
      continue;
    NativePort port{name.str(), inputNames.unique(toIdentifier(name)), type,
                    std::nullopt};
    if (const std::optional<TokenAxis> &axis = axes[i]) {
      port.tokenDim = axis->dim;
      model.window = axis->tokens;
    }
    model.inputs.push_back(std::move(port));
  }
  for (unsigned i = 0; i < entry.getNumResults(); ++i)
    if (auto name = entry.getResultAttrOfType<StringAttr>(i, "weir.output"))
      model.outputs.push_back({name.str(), outputNames.unique(toIdentifier(name)),
                               cast<RankedTensorType>(entry.getResultTypes()[i]),
                               std::nullopt});
}

/// The token axes that the arguments of a step state, and the chunk of all of them.
static SmallVector<std::optional<TokenAxis>> getStepAxes(func::FuncOp step,
                                                         int64_t &chunk) {
  SmallVector<std::optional<TokenAxis>> axes(step.getNumArguments());
  for (auto [i, axis] : llvm::enumerate(axes))
    if (auto attribute = step.getArgAttrOfType<AxisAttr>(i, "weir.axis")) {
      axis = attribute.toAxis();
      chunk = axis->chunk;
    }
  return axes;
}

static void describeStates(func::FuncOp entry, NativeModel &model) {
  auto add = [&](Type type, StringAttr name) {
    if (name)
      model.stateTypes[name] = cast<RankedTensorType>(type);
  };
  for (auto [i, type] : llvm::enumerate(entry.getArgumentTypes()))
    add(type, entry.getArgAttrOfType<StringAttr>(i, "weir.state"));
  for (auto [i, type] : llvm::enumerate(entry.getResultTypes()))
    add(type, entry.getResultAttrOfType<StringAttr>(i, "weir.state"));
}

FailureOr<NativeModel> weir::describeSteps(ModuleOp module) {
  auto init = module.lookupSymbol<func::FuncOp>("init");
  auto step = module.lookupSymbol<func::FuncOp>("step");
  if (!init || !step || !init->hasAttr("weir.entry") || !step->hasAttr("weir.entry"))
    return module.emitError("there are no functions @init and @step with weir.entry");
  NativeModel model;
  describePorts(step, getStepAxes(step, model.chunk), model);
  for (auto function : module.getOps<func::FuncOp>())
    if (function->hasAttr("weir.entry"))
      describeStates(function, model);
  auto counter = model.stateTypes.lookup("step");
  if (!counter || counter.getRank() != 0 || !counter.getElementType().isInteger(64))
    return step.emitError("there is no state 'step' of type i64 that counts the steps");
  if (model.window == 0)
    return step.emitError("no input has weir.axis: there are no tokens to step through");
  auto number = [&](StringRef name) {
    auto attribute = step->getAttrOfType<IntegerAttr>(name);
    return attribute ? attribute.getInt() : 0;
  };
  model.warmup = number("weir.warmup");
  model.skipped = number("weir.skipped");
  model.digest = digestFunctions({init, step});
  return model;
}

FailureOr<NativeModel> weir::describeWindow(ModuleOp module,
                                            ArrayRef<std::optional<TokenAxis>> axes) {
  auto window = module.lookupSymbol<func::FuncOp>("window");
  if (!window || axes.size() != window.getNumArguments())
    return module.emitError("there is no function @window with an axis an argument");
  NativeModel model;
  describePorts(window, axes, model);
  model.digest = digestFunctions(window);
  return model;
}

static FailureOr<NativeEntry> describeEntry(func::FuncOp function) {
  NativeEntry entry;
  entry.name = function.getName().str();
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    auto has = [&](StringRef name) { return function.getArgAttr(i, name) != nullptr; };
    if (has("weir.arena"))
      entry.arguments.push_back(NativeEntry::Arena);
    else if (has("weir.input"))
      entry.arguments.push_back(NativeEntry::Input);
    else if (has("weir.output"))
      entry.arguments.push_back(NativeEntry::Output);
    else if (has("weir.scratch"))
      entry.arguments.push_back(NativeEntry::Scratch);
    else if (has("weir.team"))
      entry.arguments.push_back(NativeEntry::Team);
    else
      return function.emitError("argument ")
             << i << " of @" << function.getName()
             << " is none of weir.input, weir.output and weir.state";
  }
  if (auto threads = function->getAttrOfType<IntegerAttr>("weir.threads"))
    entry.threads = threads.getInt();
  return entry;
}

LogicalResult weir::describeLayout(NativeModel &model, ModuleOp module) {
  std::optional<StateLayout> layout = StateLayout::get(module);
  if (!layout)
    return module.emitError("the states have no layout; run weir-layout-state first");
  model.layout = *layout;
  model.digest = digestLayout(model.digest, model.layout);
  return success();
}

LogicalResult weir::describeEntries(NativeModel &model, ModuleOp module) {
  for (auto function : module.getOps<func::FuncOp>()) {
    if (auto streams = function->getAttrOfType<IntegerAttr>("weir.group")) {
      model.groups.push_back({function.getName().str(), streams.getInt()});
    } else if (function->hasAttr("weir.entry")) {
      FailureOr<NativeEntry> entry = describeEntry(function);
      if (failed(entry))
        return failure();
      model.entries.push_back(*entry);
    } else {
      continue;
    }
    auto scratch = cast<MemRefType>(function.getArgumentTypes().back());
    model.temporaryBytes = std::max(model.temporaryBytes, scratch.getNumElements());
  }
  llvm::sort(model.groups, [](const NativeGroup &a, const NativeGroup &b) {
    return a.streams > b.streams;
  });
  return success();
}
