//===- PrepareModel.cpp - From an imported model to a canonical window ----===//
// The token axis and the sizes depend on each other: which axis is long is known once
// the window is bound to it. So each candidate axis is bound on a clone, and the one
// under which queries meet keys in a softmax is kept.

#include "weir/Pipelines/PrepareModel.h"
#include "weir/Transforms/Canonicalize.h"
#include "weir/Transforms/Specialize.h"
#include "mlir/Pass/PassManager.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Pipelines/Passes.h"
#include "llvm/ADT/StringSet.h"

namespace weir {
#define GEN_PASS_DEF_PREPAREMODELPASS
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

class Preparation {
public:
  Preparation(ModuleOp module, const PrepareOptions &options)
      : module(module), options(options),
        window(module.lookupSymbol<func::FuncOp>("window")) {}

  FailureOr<ArgumentAxes> run();

private:
  RankedTensorType typeOf(unsigned input) {
    return dyn_cast<RankedTensorType>(window.getArgument(input).getType());
  }
  std::string nameOf(InputDim at);
  std::string symbolOf(InputDim at);
  LogicalResult checkInputs();
  FailureOr<SmallVector<InputDim>> namedTokenDims();
  SmallVector<InputDim> candidates();
  SmallVector<std::string> bindings(ArrayRef<InputDim> tokenDims);
  LogicalResult checkWindow(ArrayRef<InputDim> tokenDims);
  SmallVector<InputDim> withOtherInputs(InputDim first);
  FailureOr<ArgumentAxes> bind(ModuleOp target, ArrayRef<InputDim> tokenDims);
  unsigned score(ArrayRef<InputDim> tokenDims);
  FailureOr<ArgumentAxes> infer();

  ModuleOp module;
  const PrepareOptions &options;
  func::FuncOp window;
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
  return success();
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
      return window.emitError() << "'" << choice
                                << "' names no axis of an input (INPUT=AXIS)";
  }
  return dims;
}

/// Dimensions of the first input that the window can be.
SmallVector<InputDim> Preparation::candidates() {
  SmallVector<InputDim> dims;
  RankedTensorType type = typeOf(0);
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    bool fits = type.isDynamicDim(dim)
                    ? options.window.has_value()
                    : type.getDimSize(dim) > 1 &&
                          (!options.window || type.getDimSize(dim) == *options.window);
    if (fits)
      dims.push_back({0, dim});
  }
  return dims;
}

/// The token axis of the other inputs: the dimension of the same symbolic name or, both
/// being nameless, of the same size or place.
SmallVector<InputDim> Preparation::withOtherInputs(InputDim first) {
  SmallVector<InputDim> dims = {first};
  std::string symbol = symbolOf(first);
  int64_t size = typeOf(first.input).getDimSize(first.dim);
  for (unsigned input = 0; input < window.getNumArguments(); ++input) {
    if (input == first.input)
      continue;
    RankedTensorType type = typeOf(input);
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      bool same = symbol.empty() ? type.getDimSize(dim) == size &&
                                       (!ShapedType::isDynamic(size) || dim == first.dim)
                                 : symbolOf({input, dim}) == symbol;
      if (!same)
        continue;
      dims.push_back({input, dim});
      break;
    }
  }
  return dims;
}

LogicalResult Preparation::checkWindow(ArrayRef<InputDim> tokenDims) {
  for (InputDim at : tokenDims) {
    int64_t size = typeOf(at.input).getDimSize(at.dim);
    if (ShapedType::isDynamic(size) && !options.window)
      return window.emitError() << "the length of the window is not fixed by input '"
                                << nameOf(at) << "'; give --window=N";
    if (!ShapedType::isDynamic(size) && options.window && size != *options.window)
      return window.emitError() << "the window is " << *options.window
                                << ", but the model fixes " << size << " tokens in '"
                                << nameOf(at) << "'";
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
  for (unsigned input = 0; input < window.getNumArguments(); ++input)
    for (int64_t dim = 0; dim < typeOf(input).getRank(); ++dim)
      if (typeOf(input).isDynamicDim(dim))
        set({input, dim}, 1);
  return bound;
}

FailureOr<ArgumentAxes> Preparation::bind(ModuleOp target, ArrayRef<InputDim> tokenDims) {
  auto function = target.lookupSymbol<func::FuncOp>("window");
  FailureOr<SmallVector<SmallVector<int64_t>>> shapes =
      bindDims(function, bindings(tokenDims));
  if (failed(shapes) || failed(specialize(function, *shapes)))
    return failure();
  PassManager passes(target.getContext());
  buildCanonicalizationPipeline(passes.nest<func::FuncOp>());
  if (failed(passes.run(target)))
    return failure();
  ArgumentAxes axes(function.getNumArguments());
  for (InputDim at : tokenDims) {
    auto type = cast<RankedTensorType>(function.getArgument(at.input).getType());
    axes[at.input] =
        TokenAxis{at.dim, 1, 0, type.getDimSize(at.dim), 0, options.chunk};
  }
  return axes;
}

/// Softmaxes over the token axis if it were this one; 0 when the model does not take it.
unsigned Preparation::score(ArrayRef<InputDim> tokenDims) {
  ScopedDiagnosticHandler quiet(module.getContext(),
                                [](Diagnostic &) { return success(); });
  OwningOpRef<ModuleOp> clone(module.clone());
  FailureOr<ArgumentAxes> axes = bind(*clone, tokenDims);
  if (failed(axes))
    return 0;
  for (const std::optional<TokenAxis> &axis : *axes)
    if (axis && axis->chunk > axis->tokens)
      return 0;
  return countTokenSoftmaxes(clone->lookupSymbol<func::FuncOp>("window"), *axes);
}

FailureOr<ArgumentAxes> Preparation::infer() {
  if (window.getNumArguments() == 0)
    return window.emitError("the model has no inputs to stream");
  SmallVector<InputDim> best;
  unsigned most = 0;
  bool isUnique = true;
  for (InputDim at : candidates()) {
    SmallVector<InputDim> dims = withOtherInputs(at);
    unsigned count = score(dims);
    if (count == 0 || count < most)
      continue;
    isUnique = count > most;
    most = count;
    best = std::move(dims);
  }
  if (most > 0 && isUnique)
    return bind(module, best);
  InFlightDiagnostic error = window.emitError();
  if (most > 0)
    error << "more than one axis of the inputs can be the token axis";
  else if (!options.window && !typeOf(0).hasStaticShape())
    error << "the length of the window is not fixed by the model";
  else
    error << "no axis of the inputs makes queries meet keys in a softmax";
  error.attachNote() << "help: give --window=N, or name the token axis with "
                        "--token-axis "
                     << StringRef(nameOf({0, 0})).rsplit(':').first << "=AXIS";
  return error;
}

FailureOr<ArgumentAxes> Preparation::run() {
  if (failed(checkInputs()))
    return failure();
  if (options.tokenAxes.empty())
    return infer();
  FailureOr<SmallVector<InputDim>> named = namedTokenDims();
  if (failed(named) || failed(checkWindow(*named)))
    return failure();
  return bind(module, *named);
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
struct PrepareModelPass : weir::impl::PrepareModelPassBase<PrepareModelPass> {
  using PrepareModelPassBase::PrepareModelPassBase;
  void runOnOperation() override {
    PrepareOptions options;
    if (window > 0)
      options.window = window;
    options.dims.assign(dims.begin(), dims.end());
    options.tokenAxes.assign(tokenAxes.begin(), tokenAxes.end());
    options.chunk = chunk;
    if (failed(prepareModel(getOperation(), options)))
      signalPassFailure();
  }
};
} // namespace
