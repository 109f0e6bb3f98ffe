//===- FindTokenAxes.cpp - Which axis of the inputs are the tokens --------===//
// Every dimension is tried as the token axis. Under the right one queries meet keys in a
// softmax of two token axes, or attention is compressed along it; under a batch or
// feature axis that never happens.

#include "weir/Dialect/Onnx/Geometry.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Transforms/MakeContinual.h"
#include "weir/Transforms/RaiseTokenMaps.h"

using namespace mlir;
using namespace weir;

static StringRef inputName(func::FuncOp window, unsigned index) {
  auto name = window.getArgAttrOfType<StringAttr>(index, "weir.input");
  return name ? name.getValue() : "";
}

static FailureOr<ArgumentAxes> readTokenAxes(func::FuncOp window,
                                             const ContinualOptions &options) {
  ArgumentAxes axes(window.getNumArguments());
  for (StringRef choice : options.tokenAxes) {
    auto [name, number] = choice.rsplit('=');
    int64_t dim;
    if (number.getAsInteger(10, dim))
      return window.emitError() << "token axis '" << choice << "' is not NAME=AXIS";
    bool found = false;
    for (BlockArgument argument : window.getArguments()) {
      unsigned index = argument.getArgNumber();
      if (inputName(window, index) != name)
        continue;
      auto type = cast<RankedTensorType>(argument.getType());
      dim = dim < 0 ? dim + type.getRank() : dim;
      if (dim < 0 || dim >= type.getRank())
        return window.emitError() << "token axis " << number << " is outside input '"
                                  << name << "' of rank " << type.getRank();
      int64_t size = type.getDimSize(dim);
      if (options.chunk < 1 || options.chunk > size) {
        InFlightDiagnostic error = window.emitError();
        error << "a step of " << options.chunk << " tokens does not fit a window of "
              << size;
        error.attachNote() << "help: give a --chunk of at most " << size;
        return error;
      }
      axes[index] = TokenAxis{dim, 1, 0, size, 0, options.chunk};
      found = true;
    }
    if (!found)
      return window.emitError() << "there is no input '" << name << "'";
  }
  return axes;
}

/// The choices of some of the tokens.
static int64_t countChoices(func::FuncOp window, const TokenFlowAnalysis &flows) {
  return llvm::count_if(window.getBody().front(), [&](Operation &op) {
    auto topK = dyn_cast<onnx::TopKOp>(op);
    if (!topK && !isa<ChooseClustersOp>(op))
      return false;
    auto type = dyn_cast<RankedTensorType>(op.getOperand(0).getType());
    if (!type)
      return false;
    int64_t rank = type.getRank();
    auto dim = topK ? onnx::normalizeAxis(topK.getAxis(), rank) : rank - 2;
    return dim && flows.getFlow(op.getOperand(0)).axisInDim(*dim);
  });
}

uint64_t weir::scoreTokenAxes(func::FuncOp window, const ArgumentAxes &axes) {
  TokenFlowAnalysis flows(window, axes, {});
  constexpr uint64_t most = (1 << 20) - 1, mostOfKind = (1 << 12) - 1;
  uint64_t softmaxes = std::min<uint64_t>(mostOfKind, flows.countTokenSoftmaxes());
  uint64_t others = std::min<uint64_t>(mostOfKind, countTokenMaps(window, flows) +
                                                       countChoices(window, flows));
  uint64_t aligned = most - std::min<uint64_t>(most, flows.countMisaligned());
  uint64_t sliding = std::min<uint64_t>(most, flows.countSliding());
  uint64_t meetings = softmaxes << 12 | others; // one softmax says more than any of them
  return meetings ? meetings << 40 | aligned << 20 | sliding : 0;
}

uint64_t weir::countMeetings(uint64_t score) { return score >> 40; }

/// The same dimension size is the token axis of every input that has one; the first such
/// dimension from `dim` of the first input on.
static ArgumentAxes axesOfSize(func::FuncOp window, unsigned lead, int64_t dim,
                               int64_t chunk) {
  ArgumentAxes axes(window.getNumArguments());
  int64_t size =
      cast<RankedTensorType>(window.getArgument(lead).getType()).getDimSize(dim);
  for (BlockArgument argument : window.getArguments()) {
    ArrayRef<int64_t> shape = cast<RankedTensorType>(argument.getType()).getShape();
    bool samePlace = dim < static_cast<int64_t>(shape.size()) && shape[dim] == size;
    int64_t at = samePlace ? dim : llvm::find(shape, size) - shape.begin();
    if (at < static_cast<int64_t>(shape.size()))
      axes[argument.getArgNumber()] = TokenAxis{at, 1, 0, size, 0, chunk};
  }
  return axes;
}

FailureOr<ArgumentAxes> weir::findTokenAxes(func::FuncOp window,
                                            const ContinualOptions &options) {
  if (!options.tokenAxes.empty())
    return readTokenAxes(window, options);
  if (window.getNumArguments() == 0)
    return window.emitError("the model has no inputs to stream");
  ArgumentAxes best;
  uint64_t most = 0;
  bool isUnique = true;
  auto type = cast<RankedTensorType>(window.getArgument(0).getType());
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    if (type.getDimSize(dim) < 2 || type.getDimSize(dim) < options.chunk)
      continue;
    ArgumentAxes axes = axesOfSize(window, 0, dim, options.chunk);
    uint64_t count = scoreTokenAxes(window, axes);
    if (count == 0 || count < most)
      continue;
    isUnique = count > most;
    most = count;
    best = std::move(axes);
  }
  if (most > 0 && isUnique)
    return best;
  InFlightDiagnostic error = window.emitError();
  error << (most ? "more than one axis of the inputs can be the token axis"
                 : "no axis of the inputs makes queries meet keys in a softmax");
  error.attachNote() << "help: name the token axis with --token-axis "
                     << inputName(window, 0) << "=AXIS";
  return error;
}
