//===- ChooseTokenAxis.cpp - Which axis of the inputs holds the tokens ----===//
// The token axis and the sizes depend on each other: which axis is long is known once
// the window is bound to it. So each candidate axis is bound on a clone, and the one
// under which queries meet keys in a softmax is kept.

#include "CheckModel.h"
#include "Preparation.h"
#include "weir/Support/NodeDiagnostics.h"

using namespace mlir;
using namespace weir;

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
  if (trials.empty() && !candidates().empty()) { // once more, for the reason
    OwningOpRef<ModuleOp> copy(module.clone());
    if (failed(bind(*copy, withOtherInputs(candidates().front()).front())))
      return failure();
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
