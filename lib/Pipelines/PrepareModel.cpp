//===- PrepareModel.cpp - From an imported model to a canonical window ----===//
// The token axis and the sizes depend on each other: which axis is long is known once
// the window is bound to it. So each candidate axis is bound on a clone, and the one
// under which queries meet keys in a softmax is kept.

#include "weir/Pipelines/PrepareModel.h"
#include "CheckModel.h"
#include "FullTables.h"
#include "mlir/Pass/PassManager.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Pipelines/Passes.h"
#include "weir/Support/NodeDiagnostics.h"
#include "weir/Transforms/Canonicalize.h"
#include "weir/Transforms/Specialize.h"
#include "llvm/ADT/StringSet.h"

namespace weir {
#define GEN_PASS_DEF_PREPAREMODEL
#include "weir/Pipelines/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

namespace {
/// One dimension of one input.
struct InputDim {
  unsigned input;
  int64_t dim;
};

/// A copy of the model, bound to some token axis; no axes where it cannot be.
struct Trial {
  OwningOpRef<ModuleOp> module;
  FailureOr<ArgumentAxes> axes;
  func::FuncOp window() { return module->lookupSymbol<func::FuncOp>("window"); }
};

class Preparation {
public:
  Preparation(ModuleOp module, const PrepareOptions &options)
      : module(module), options(options),
        window(module.lookupSymbol<func::FuncOp>("window")), chunk(options.chunk) {}

  FailureOr<ArgumentAxes> run();

private:
  RankedTensorType typeOf(unsigned input) {
    return dyn_cast<RankedTensorType>(window.getArgument(input).getType());
  }
  bool isFixed(unsigned input) {
    return llvm::any_of(fixed,
                        [&](const FixedInput &one) { return one.argument == input; });
  }
  bool assumesNoPadding() {
    return llvm::is_contained(options.assumptions, Assumption::NoPadding);
  }
  std::string nameOf(InputDim at);
  std::string symbolOf(InputDim at);
  LogicalResult checkInputs();
  FailureOr<SmallVector<InputDim>> namedTokenDims();
  SmallVector<InputDim> candidates();
  SmallVector<std::string> bindings(ArrayRef<InputDim> tokenDims);
  LogicalResult checkWindow(ArrayRef<InputDim> tokenDims);
  bool canGoWith(InputDim first, InputDim other);
  std::vector<SmallVector<InputDim>> withOtherInputs(InputDim first);
  FailureOr<ArgumentAxes> bind(ModuleOp target, ArrayRef<InputDim> tokenDims);
  void warnOfPadding();
  FailureOr<ArgumentAxes> bindAll(ArrayRef<InputDim> tokenDims);
  Trial bindClone(ArrayRef<InputDim> tokenDims);
  uint64_t score(ArrayRef<InputDim> tokenDims);
  SmallVector<InputDim> bestChoice(bool &isUnique);
  LogicalResult checkStride(int64_t otherChunk);
  LogicalResult explainNoAxis();
  FailureOr<ArgumentAxes> infer();
  FailureOr<ArgumentAxes> bindNamed();

  ModuleOp module;
  const PrepareOptions &options;
  func::FuncOp window;
  int64_t chunk; ///< tokens that enter per step, as tried
  SmallVector<FixedInput> fixed;
  unsigned lead = 0; ///< the first input that is not fixed
};
} // namespace

/// `INPUT:AXIS`, the name by which any dimension can be bound.
std::string Preparation::nameOf(InputDim at) {
  auto name = window.getArgAttrOfType<StringAttr>(at.input, "weir.input");
  return ((name ? name.getValue() : "") + ":" + Twine(at.dim)).str();
}

/// The symbolic name of a dimension, or "".
std::string Preparation::symbolOf(InputDim at) {
  auto dims = window.getArgAttrOfType<ArrayAttr>(at.input, "weir.dims");
  if (!dims || at.dim >= static_cast<int64_t>(dims.size()))
    return "";
  auto symbol = dyn_cast<StringAttr>(dims[at.dim]);
  return symbol ? symbol.getValue().str() : "";
}

LogicalResult Preparation::checkInputs() {
  if (!window)
    return module.emitError("there is no function 'window'");
  for (unsigned input = 0; input < window.getNumArguments(); ++input)
    if (!typeOf(input))
      return window.emitError() << "input " << nameOf({input, 0})
                                << " has no rank; give the model's inputs shapes";
  FailureOr<SmallVector<FixedInput>> found = findFixedInputs(window, options.fixed);
  if (failed(found))
    return failure();
  fixed = *found;
  while (lead < window.getNumArguments() && isFixed(lead))
    ++lead;
  return refusePast(window);
}

/// Reads `options.tokenAxes`.
FailureOr<SmallVector<InputDim>> Preparation::namedTokenDims() {
  SmallVector<InputDim> dims;
  for (StringRef choice : options.tokenAxes) {
    auto [name, number] = choice.rsplit('=');
    int64_t dim = 0;
    bool found = false;
    for (unsigned input = 0; input < window.getNumArguments(); ++input) {
      auto given = window.getArgAttrOfType<StringAttr>(input, "weir.input");
      if (!given || given.getValue() != name || number.getAsInteger(10, dim))
        continue;
      dim = dim < 0 ? dim + typeOf(input).getRank() : dim;
      found = dim >= 0 && dim < typeOf(input).getRank();
      dims.push_back({input, dim});
    }
    if (!found)
      return window.emitError()
             << "'" << choice << "' names no axis of an input (INPUT=AXIS)";
  }
  return dims;
}

/// Dimensions of the leading input that the window can be.
SmallVector<InputDim> Preparation::candidates() {
  SmallVector<InputDim> dims;
  RankedTensorType type = typeOf(lead);
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (type.isDynamicDim(dim) ? options.window.has_value() : type.getDimSize(dim) > 1)
      dims.push_back({lead, dim});
  return dims;
}

/// Could `other` be the token axis of its input when `first` is that of the first one?
/// Their symbolic names agree or, both being nameless, their sizes.
bool Preparation::canGoWith(InputDim first, InputDim other) {
  if (std::string symbol = symbolOf(first); !symbol.empty())
    return symbolOf(other) == symbol;
  int64_t size = typeOf(first.input).getDimSize(first.dim);
  return typeOf(other.input).getDimSize(other.dim) == size &&
         (!ShapedType::isDynamic(size) || other.dim == first.dim);
}

/// All choices of one token axis an input that go with `first`, likely ones in front.
std::vector<SmallVector<InputDim>> Preparation::withOtherInputs(InputDim first) {
  constexpr size_t mostChoices = 16;
  std::vector<SmallVector<InputDim>> choices = {{first}};
  for (unsigned input = 0; input < window.getNumArguments(); ++input) {
    if (input == first.input)
      continue;
    SmallVector<InputDim> fitting;
    for (int64_t dim = 0; dim < typeOf(input).getRank(); ++dim)
      if (canGoWith(first, {input, dim}))
        fitting.insert(dim == first.dim ? fitting.begin() : fitting.end(), {input, dim});
    if (fitting.empty())
      continue;
    std::vector<SmallVector<InputDim>> longer;
    for (const SmallVector<InputDim> &choice : choices)
      for (InputDim dim : fitting)
        if (longer.size() < mostChoices) {
          longer.push_back(choice);
          longer.back().push_back(dim);
        }
    choices = std::move(longer);
  }
  return choices;
}

LogicalResult Preparation::checkWindow(ArrayRef<InputDim> tokenDims) {
  for (InputDim at : tokenDims) {
    int64_t size = typeOf(at.input).getDimSize(at.dim);
    if (ShapedType::isDynamic(size) && !options.window)
      return window.emitError() << "the length of the window is not fixed by input '"
                                << nameOf(at) << "'; give --window=N";
    if (ShapedType::isDynamic(size) || !options.window || size == *options.window)
      continue;
    InFlightDiagnostic error = window.emitError() << "the window is " << *options.window
                                                  << ", but the model fixes " << size
                                                  << " tokens in '" << nameOf(at) << "'";
    attachHelp(error, "give --window=" + Twine(size) +
                          ", or export the model with another length");
    return error;
  }
  return success();
}

/// Sizes for all dynamic dimensions: what the user gave, the window, else 1.
SmallVector<std::string> Preparation::bindings(ArrayRef<InputDim> tokenDims) {
  SmallVector<std::string> bound(options.dims);
  llvm::StringSet<> names;
  for (StringRef dim : options.dims)
    names.insert(dim.rsplit('=').first);
  auto set = [&](InputDim at, int64_t size) {
    std::string symbol = symbolOf(at);
    std::string name = symbol.empty() ? nameOf(at) : symbol;
    if (names.contains(nameOf(at)) || !names.insert(name).second)
      return;
    bound.push_back(name + "=" + std::to_string(size));
  };
  for (InputDim at : tokenDims)
    if (typeOf(at.input).isDynamicDim(at.dim))
      set(at, *options.window);
  size_t fromWindow = bound.size() - options.dims.size();
  for (unsigned input = 0; input < window.getNumArguments(); ++input)
    for (int64_t dim = 0; dim < typeOf(input).getRank(); ++dim)
      if (typeOf(input).isDynamicDim(dim))
        set({input, dim}, 1);
  if (bound.size() > options.dims.size() + fromWindow)
    window.emitWarning()
        << "sizes not given become 1: "
        << llvm::join(ArrayRef(bound).drop_front(options.dims.size() + fromWindow), ", ");
  return bound;
}

FailureOr<ArgumentAxes> Preparation::bind(ModuleOp target, ArrayRef<InputDim> tokenDims) {
  auto function = target.lookupSymbol<func::FuncOp>("window");
  unsigned numInputs = function.getNumArguments();
  if (failed(specialize(function,
                        Specialization{bindings(tokenDims), fixed, assumesNoPadding()})))
    return failure();
  PassManager passes(target.getContext());
  buildCanonicalizationPipeline(passes.nest<func::FuncOp>());
  if (failed(passes.run(target)))
    return failure();
  ArgumentAxes axes;
  for (unsigned input = 0; input < numInputs; ++input) {
    if (isFixed(input))
      continue;
    auto type = cast<RankedTensorType>(function.getArgument(axes.size()).getType());
    axes.emplace_back();
    for (InputDim at : tokenDims)
      if (at.input == input)
        axes.back() = TokenAxis{at.dim, 1, 0, type.getDimSize(at.dim), 0, chunk};
  }
  return axes;
}

/// Numbers that depend on what the stream holds are computed again at every step.
void Preparation::warnOfPadding() {
  if (assumesNoPadding())
    return;
  for (Operation *count : findPaddingCounts(window)) {
    InFlightDiagnostic warning =
        count->emitWarning("numbers the tokens that are no padding, at every step anew");
    warning.attachNote()
        << "help: where no token is padding, --assume=no-padding makes a "
           "table of absolute positions of it";
  }
}

/// Binds the model, and keeps as many rows of its position tables as are asked for.
FailureOr<ArgumentAxes> Preparation::bindAll(ArrayRef<InputDim> tokenDims) {
  OwningOpRef<ModuleOp> longer;
  if (options.tableRows)
    longer = module.clone();
  FailureOr<ArgumentAxes> axes = bind(module, tokenDims);
  if (failed(axes) || tokenDims.empty() ||
      (*axes)[tokenDims.front().input]->tokens >= options.tableRows)
    return axes;
  PrepareOptions longerOptions = options;
  longerOptions.window = options.tableRows;
  auto prepareLonger = [&](ModuleOp model) -> FailureOr<ArgumentAxes> {
    Preparation preparation(model, longerOptions);
    if (failed(preparation.checkInputs()))
      return failure();
    return preparation.bind(model, tokenDims);
  };
  if (failed(keepFullTables({window, *axes}, *longer, options.tableRows, prepareLonger)))
    return failure();
  return axes;
}

Trial Preparation::bindClone(ArrayRef<InputDim> tokenDims) {
  ScopedDiagnosticHandler quiet(module.getContext(),
                                [](Diagnostic &) { return success(); });
  Trial trial{module.clone(), failure()};
  trial.axes = bind(*trial.module, tokenDims);
  return trial;
}

/// How well the model takes this token axis; 0 when the model does not take it.
uint64_t Preparation::score(ArrayRef<InputDim> tokenDims) {
  Trial trial = bindClone(tokenDims);
  if (failed(trial.axes))
    return 0;
  for (const std::optional<TokenAxis> &axis : *trial.axes)
    if (axis && axis->chunk > axis->tokens)
      return 0;
  return scoreTokenAxes(trial.window(), *trial.axes);
}

/// The choice under which most queries meet keys; `isUnique` tells whether they meet
/// along no other dimension of the first input as often. A length that the model leaves
/// open is the window rather than one that it fixes.
SmallVector<InputDim> Preparation::bestChoice(bool &isUnique) {
  SmallVector<InputDim> best;
  uint64_t most = 0;
  isUnique = true;
  for (InputDim at : candidates()) {
    uint64_t mostHere = 0;
    SmallVector<InputDim> bestHere;
    for (SmallVector<InputDim> &choice : withOtherInputs(at)) {
      uint64_t count = score(choice);
      if (count <= mostHere)
        continue;
      mostHere = count;
      bestHere = std::move(choice);
    }
    if (mostHere == 0)
      continue;
    uint64_t meetings = countMeetings(mostHere), meetingsBefore = countMeetings(most);
    bool isOpen = typeOf(lead).isDynamicDim(at.dim);
    bool wasOpen = !best.empty() && typeOf(lead).isDynamicDim(best.front().dim);
    bool isTie = meetings == meetingsBefore && isOpen == wasOpen;
    if (isTie)
      isUnique = false;
    bool isBetter = meetings != meetingsBefore ? meetings > meetingsBefore
                    : isOpen != wasOpen        ? isOpen
                                               : false;
    if (!isBetter)
      continue;
    isUnique = true;
    most = mostHere;
    best = std::move(bestHere);
  }
  return best;
}

/// Refuses `options.chunk` where the model takes steps of `otherChunk` tokens.
LogicalResult Preparation::checkStride(int64_t otherChunk) {
  chunk = otherChunk;
  bool isUnique;
  SmallVector<InputDim> choice = bestChoice(isUnique);
  if (choice.empty())
    return success();
  Trial trial = bindClone(choice);
  ArgumentAxes asked = *trial.axes;
  for (std::optional<TokenAxis> &axis : asked)
    if (axis)
      axis->chunk = options.chunk;
  const TokenAxis &axis = *asked[choice.front().input];
  if (axis.chunk > axis.tokens) {
    InFlightDiagnostic error = window.emitError()
                               << "a step of " << axis.chunk
                               << " tokens does not fit a window of " << axis.tokens;
    attachHelp(error, "give a --chunk of at most " + Twine(axis.tokens));
    return error;
  }
  Operation *op = findStride(trial.window(), asked, *trial.axes);
  if (!op)
    return success();
  InFlightDiagnostic error = emitNodeError(op)
                             << "strides over more tokens than a step of "
                             << options.chunk << " brings";
  attachHelp(error, "give --chunk=" + Twine(otherChunk));
  return error;
}

/// Says why no token axis was found, and what would help.
LogicalResult Preparation::explainNoAxis() {
  if (failed(refuseUnknownOperators(window)))
    return failure();
  if (!options.window && !typeOf(lead).hasStaticShape()) {
    InFlightDiagnostic error =
        window.emitError("the length of the window is not fixed by the model");
    attachHelp(error, "give --window=N");
    return error;
  }
  constexpr int64_t mostTokens = 16;
  for (int64_t other = 1; other <= mostTokens; ++other)
    if (other != options.chunk && failed(checkStride(other)))
      return failure();
  chunk = options.chunk;
  std::vector<std::pair<InputDim, Trial>> trials;
  for (InputDim at : candidates()) {
    Trial trial = bindClone(withOtherInputs(at).front());
    if (failed(trial.axes))
      continue;
    if (failed(refuseUnknownShapes(trial.window())))
      return failure();
    trials.emplace_back(at, std::move(trial));
  }
  InFlightDiagnostic error =
      window.emitError("no axis of the inputs makes queries meet keys in a softmax");
  for (auto &[at, trial] : trials)
    noteLostTokens(error, trial.window(), *trial.axes, nameOf(at));
  attachHelp(error, "name the token axis with --token-axis " +
                        StringRef(nameOf({lead, 0})).rsplit(':').first +
                        "=AXIS; what mixes its tokens is computed again at each step");
  return error;
}

FailureOr<ArgumentAxes> Preparation::infer() {
  if (lead == window.getNumArguments())
    return window.emitError("the model has no inputs to stream");
  bool isUnique;
  SmallVector<InputDim> best = bestChoice(isUnique);
  if (best.empty())
    return explainNoAxis();
  if (isUnique) {
    if (failed(checkWindow(best)))
      return failure();
    return bindAll(best);
  }
  InFlightDiagnostic error =
      window.emitError("more than one axis of the inputs can be the token axis");
  attachHelp(error, "name it with --token-axis " +
                        StringRef(nameOf({lead, 0})).rsplit(':').first + "=AXIS");
  return error;
}

FailureOr<ArgumentAxes> Preparation::bindNamed() {
  FailureOr<SmallVector<InputDim>> named = namedTokenDims();
  if (failed(named) || failed(checkWindow(*named)))
    return failure();
  return bindAll(*named);
}

FailureOr<ArgumentAxes> Preparation::run() {
  if (failed(checkInputs()))
    return failure();
  FailureOr<ArgumentAxes> axes = options.tokenAxes.empty() ? infer() : bindNamed();
  if (succeeded(axes))
    warnOfPadding();
  return axes;
}

FailureOr<ArgumentAxes> weir::prepareModel(ModuleOp module,
                                           const PrepareOptions &options) {
  return Preparation(module, options).run();
}

SmallVector<std::string> weir::nameTokenAxes(func::FuncOp window,
                                             const ArgumentAxes &axes) {
  SmallVector<std::string> names;
  for (auto [index, axis] : llvm::enumerate(axes)) {
    auto name = window.getArgAttrOfType<StringAttr>(index, "weir.input");
    if (axis && name)
      names.push_back((name.getValue() + "=" + Twine(axis->dim)).str());
  }
  return names;
}

namespace {
struct PrepareModel : weir::impl::PrepareModelBase<PrepareModel> {
  using PrepareModelBase::PrepareModelBase;
  void runOnOperation() override {
    PrepareOptions options;
    if (window > 0)
      options.window = window;
    options.dims.assign(dims.begin(), dims.end());
    options.tokenAxes.assign(tokenAxes.begin(), tokenAxes.end());
    options.chunk = chunk;
    options.fixed.assign(fixed.begin(), fixed.end());
    options.assumptions.assign(assumptions.begin(), assumptions.end());
    options.tableRows = tableRows;
    if (failed(prepareModel(getOperation(), options)))
      signalPassFailure();
  }
};
} // namespace
