//===- PrepareModel.cpp - From an imported model to a canonical window ----===//
// Sizes become constants, operators get one spelling. Which axis holds the tokens is
// said, or found (ChooseTokenAxis.cpp).

#include "weir/Pipelines/PrepareModel.h"
#include "CheckModel.h"
#include "FullTables.h"
#include "Preparation.h"
#include "mlir/Pass/PassManager.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Pipelines/Passes.h"
#include "weir/Support/NodeDiagnostics.h"
#include "weir/Transforms/Canonicalize.h"
#include "weir/Transforms/RaiseClusters.h"
#include "weir/Transforms/RaiseTokenMaps.h"
#include "weir/Transforms/Specialize.h"
#include "llvm/ADT/StringSet.h"

namespace weir {
#define GEN_PASS_DEF_PREPAREMODEL
#include "weir/Pipelines/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

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
  if (failed(axes))
    return failure();
  warnOfPadding();
  raiseTokenMaps(window, *axes);
  if (failed(raiseClusters(window, *axes)))
    return failure();
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
    options.tableRows = tableRows;
    for (StringRef assumption : assumptions) {
      if (assumption != "no-padding") {
        getOperation().emitError()
            << "'" << assumption << "' is no assumption; there is no-padding";
        return signalPassFailure();
      }
      options.assumptions.push_back(Assumption::NoPadding);
    }
    if (failed(prepareModel(getOperation(), options)))
      signalPassFailure();
  }
};
} // namespace
