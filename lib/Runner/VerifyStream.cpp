//===- VerifyStream.cpp - Is the step what the whole stream makes? --------===//
//   step       0      1      2            output row of the whole stream
//   x0         y0                         y0 y1 y2
//   x0 x1             y1
//   x0 x1 x2                 y2

#include "VerifyStream.h"
#include "Session.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/CapturedErrors.h"
#include "weir/Support/HostTensor.h"
#include <cstring>
#include <set>

using namespace mlir;
using namespace weir;

namespace {
/// The original model, prepared and compiled for some number of tokens.
struct PreparedLength {
  OwningOpRef<ModuleOp> module;
  std::unique_ptr<CompiledModule> compiled;
  SmallVector<SmallVector<TokenAxis, 2>> outputAxes;
};

/// How the rows of one axis of an output of steps lie on the whole stream.
struct RowPlace {
  TokenAxis window;          ///< in the output of a window
  SmallVector<int64_t> rows; ///< of the window that a step gives
  TokenAxis whole;           ///< in the output of the whole stream
};

class StreamComparison {
public:
  explicit StreamComparison(WholeStream whole) : whole(std::move(whole)) {}
  FailureOr<WholeComparison> run(Outputs steps);

private:
  Location loc() { return whole.window.getLoc(); }
  TokenAxis tokenAxis() const { return *getStreamedAxis(whole.axes); }
  int64_t tokensAt(int64_t step) const {
    return whole.firstTokens + step * whole.streams.chunk;
  }
  LogicalResult checkLength();
  FailureOr<PreparedLength> prepare(int64_t tokens);
  void recycleTables(func::FuncOp function, const ArgumentAxes &axes);
  SmallVector<RowPlace> placeRows(unsigned output, ArrayRef<TokenAxis> axes);
  NpyArray rowsOfSteps(const NpyArray &step, const NpyArray &whole,
                       ArrayRef<RowPlace> places);
  std::set<int64_t> sampleSteps() const;
  LogicalResult comparePrefixes(Outputs steps, ArrayRef<unsigned> outputs,
                                WholeComparison &comparison);

  WholeStream whole;
  int64_t numSteps = 0, length = 0; ///< of the compared steps; tokens in all
};
} // namespace

LogicalResult StreamComparison::checkLength() {
  auto original = whole.original.lookupSymbol<func::FuncOp>("window");
  // Inputs may have been fixed: by their names they are found.
  auto isOpen = [&](unsigned index, int64_t dim) {
    Attribute name = whole.window.getArgAttr(index, "weir.input");
    for (BlockArgument argument : original.getArguments())
      if (original.getArgAttr(argument.getArgNumber(), "weir.input") == name) {
        auto type = dyn_cast<RankedTensorType>(argument.getType());
        return !type || type.isDynamicDim(dim);
      }
    return true;
  };
  for (auto [index, axis] : llvm::enumerate(whole.axes)) {
    if (!axis || isOpen(index, axis->dim))
      continue;
    InFlightDiagnostic error =
        emitError(loc()) << "the model fixes the length of its input to " << axis->tokens
                         << " tokens, so it cannot be run on the whole stream";
    error.attachNote() << "help: export it with a symbolic sequence length, or verify "
                          "with --against=window";
    return error;
  }
  return success();
}

/// Tables as a stream reads them: the token of time t has row t mod period.
void StreamComparison::recycleTables(func::FuncOp function, const ArgumentAxes &axes) {
  if (whole.options.continual.positions != Positions::Recycle)
    return;
  int64_t period = whole.options.continual.period;
  period = period ? period : tokenAxis().tokens;
  TokenFlowAnalysis flows(function, axes, {});
  for (const PositionTable &table : flows.getPositionTables()) {
    const TokenAxis &axis = table.axis;
    SmallVector<int64_t> rows;
    for (int64_t row = 0; row < axis.numRows(); ++row)
      rows.push_back(axis.isToken(row) ? axis.lead + (row - axis.lead) % period : row);
    ElementsAttr recycled = selectRows(getConstantElements(table.use->get()), axis, rows);
    Operation *producer = table.use->get().getDefiningOp();
    OpBuilder builder(table.use->getOwner());
    table.use->set(producer->getDialect()
                       ->materializeConstant(builder, recycled, recycled.getType(),
                                             producer->getLoc())
                       ->getResult(0));
  }
}

FailureOr<PreparedLength> StreamComparison::prepare(int64_t tokens) {
  PreparedLength prepared;
  prepared.module = whole.original.clone();
  PrepareOptions options = whole.options.prepare;
  options.window = tokens;
  options.tokenAxes = nameTokenAxes(whole.window, whole.axes);
  FailureOr<ArgumentAxes> axes;
  std::string reason;
  {
    CapturedErrors errors(whole.window.getContext());
    axes = prepareInFloat32(*prepared.module, options);
    reason = errors.getFirst();
  }
  if (failed(axes)) {
    InFlightDiagnostic error = emitError(loc())
                               << "the model cannot be prepared for the " << tokens
                               << " tokens of the stream: " << reason;
    error.attachNote() << "help: verify on a shorter stream, or with --against=window";
    return error;
  }
  auto function = prepared.module->lookupSymbol<func::FuncOp>("window");
  recycleTables(function, *axes);
  if (whole.against == Semantics::Deep)
    bandAttentions(function, *axes, getDeepReach(whole.axes), /*after=*/0);
  TokenFlowAnalysis flows(function, *axes, {});
  for (Value output : function.getBody().front().getTerminator()->getOperands())
    prepared.outputAxes.push_back(flows.getFlow(output).axes);
  auto compiled = CompiledModule::compile(*prepared.module);
  if (failed(compiled))
    return failure();
  prepared.compiled = std::move(*compiled);
  return prepared;
}

/// All outputs of the model on the first `tokens` of the stream.
static std::vector<std::pair<std::string, NpyArray>>
runOnPrefix(const PreparedLength &prepared, const Streams &streams, int64_t tokens) {
  BoundFunction bound(*prepared.compiled->lookup("window"));
  bound.feed(streams, 0, tokens);
  bound.call();
  Recorder recorder(bound.getPorts());
  recorder.record(bound);
  return recorder.take();
}

//===----------------------------------------------------------------------===//
// Outputs with a row for each token
//===----------------------------------------------------------------------===//

/// Where the rows of an output of steps stand in that of the whole stream, whose token
/// axes are `axes`; empty where they stand nowhere.
SmallVector<RowPlace> StreamComparison::placeRows(unsigned output,
                                                  ArrayRef<TokenAxis> axes) {
  TokenFlowAnalysis flows(whole.window, whole.axes, {});
  Value value = whole.window.getBody().front().getTerminator()->getOperand(output);
  llvm::DenseMap<int64_t, ArrayRef<int64_t>> chosen; // rows, by dimension
  while (auto select = value.getDefiningOp<SelectRowsOp>()) {
    chosen[select.getDim()] = select.getIndices();
    value = select.getValue();
  }
  ArrayRef<TokenAxis> windowAxes = flows.getFlow(value).axes;
  SmallVector<RowPlace> places;
  if (windowAxes.size() != axes.size())
    return places;
  for (auto [window, stream] : llvm::zip(windowAxes, axes)) {
    if (window.dim != stream.dim || window.numRows() != window.tokens ||
        stream.numRows() != stream.tokens)
      return {};
    SmallVector<int64_t> rows = llvm::to_vector(llvm::seq<int64_t>(0, window.tokens));
    if (auto found = chosen.find(window.dim); found != chosen.end())
      rows.assign(found->second.begin(), found->second.end());
    places.push_back({window, std::move(rows), stream});
  }
  return places;
}

/// What the output of the whole stream says of `step`, in its shape; rows of tokens
/// before the first one are zeros.
NpyArray StreamComparison::rowsOfSteps(const NpyArray &step, const NpyArray &all,
                                       ArrayRef<RowPlace> places) {
  NpyArray expected = step;
  std::fill(expected.bytes.begin(), expected.bytes.end(), 0);
  ArrayRef<int64_t> shape = ArrayRef(step.shape).drop_front();
  ArrayRef<int64_t> wholeShape = ArrayRef(all.shape).drop_front();
  int64_t perStep = step.shape[0] ? step.numElements() / step.shape[0] : 0;
  for (int64_t i = 0, e = step.numElements(); i < e; ++i) {
    int64_t missing = length - tokensAt(i / perStep), rest = i % perStep;
    int64_t from = 0, stride = 1;
    bool isThere = true;
    for (int64_t dim = shape.size() - 1; dim >= 0; stride *= wholeShape[dim--]) {
      int64_t at = rest % shape[dim];
      rest /= shape[dim];
      for (const RowPlace &place : places) {
        if (place.whole.dim != dim)
          continue;
        int64_t inner = place.window.inner, numRows = place.rows.size();
        int64_t row = place.rows[at / inner % numRows];
        int64_t position = row - place.window.tokens + place.whole.tokens -
                           missing * place.whole.chunk / whole.streams.chunk;
        isThere &= position >= 0;
        at =
            (at / (inner * numRows) * place.whole.tokens + position) * inner + at % inner;
      }
      from += at * stride;
    }
    if (isThere)
      std::memcpy(&expected.bytes[i * step.elementBytes()],
                  &all.bytes[from * step.elementBytes()], step.elementBytes());
  }
  return expected;
}

//===----------------------------------------------------------------------===//
// Outputs without tokens
//===----------------------------------------------------------------------===//

/// The first steps, those around a full window, some later ones and the last.
std::set<int64_t> StreamComparison::sampleSteps() const {
  TokenAxis axis = tokenAxis();
  int64_t window = axis.tokens / axis.chunk;
  std::set<int64_t> samples;
  for (int64_t step : {int64_t(0), int64_t(1), window - 1, window, 2 * window + 1,
                       numSteps / 2, numSteps - 1})
    if (step >= 0 && step < numSteps)
      samples.insert(step);
  return samples;
}

static void appendStep(NpyArray &to, const NpyArray &from, int64_t step) {
  int64_t bytes = from.bytes.size() / from.shape[0];
  to.bytes.insert(to.bytes.end(), from.bytes.begin() + step * bytes,
                  from.bytes.begin() + (step + 1) * bytes);
  ++to.shape[0];
}

LogicalResult StreamComparison::comparePrefixes(Outputs steps, ArrayRef<unsigned> outputs,
                                                WholeComparison &comparison) {
  std::vector<std::pair<std::string, NpyArray>> got, expected;
  for (unsigned output : outputs) {
    NpyArray empty = steps[output].second;
    empty.bytes.clear();
    empty.shape[0] = 0;
    got.push_back({steps[output].first, empty});
    expected.push_back(got.back());
    comparison.sampled.push_back(steps[output].first);
  }
  for (int64_t step : sampleSteps()) {
    comparison.steps.push_back(step);
    FailureOr<PreparedLength> prefix = prepare(tokensAt(step));
    if (failed(prefix))
      return failure();
    auto run = runOnPrefix(*prefix, whole.streams, tokensAt(step));
    for (auto [index, output] : llvm::enumerate(outputs)) {
      auto shape = steps[output].second.shape;
      shape[0] = 1;
      if (run[output].second.shape != shape)
        return emitError(loc()) << "output '" << steps[output].first
                                << "' has no row for each token, and another shape on "
                                << tokensAt(step) << " tokens";
      appendStep(got[index].second, steps[output].second, step);
      appendStep(expected[index].second, run[output].second, 0);
    }
  }
  Difference difference = compareOutputs(got, expected);
  comparison.difference.largest =
      std::max(comparison.difference.largest, difference.largest);
  comparison.difference.scale = std::max(comparison.difference.scale, difference.scale);
  return success();
}

FailureOr<WholeComparison> StreamComparison::run(Outputs steps) {
  numSteps = steps.empty() ? 0 : steps.front().second.shape[0];
  if (numSteps == 0)
    return emitError(loc()) << "the stream is too short for a step to compare";
  length = tokensAt(numSteps - 1);
  if (failed(checkLength()))
    return failure();
  FailureOr<PreparedLength> prepared = prepare(length);
  if (failed(prepared))
    return failure();
  auto all = runOnPrefix(*prepared, whole.streams, length);
  WholeComparison comparison;
  std::vector<std::pair<std::string, NpyArray>> got, expected;
  SmallVector<unsigned> others;
  for (unsigned output = 0; output < steps.size(); ++output) {
    SmallVector<RowPlace> places = placeRows(output, prepared->outputAxes[output]);
    if (places.empty()) {
      others.push_back(output);
      continue;
    }
    got.push_back(steps[output]);
    expected.push_back({steps[output].first,
                        rowsOfSteps(steps[output].second, all[output].second, places)});
  }
  comparison.difference = compareOutputs(got, expected);
  if (!others.empty() && failed(comparePrefixes(steps, others, comparison)))
    return failure();
  return comparison;
}

FailureOr<WholeComparison> weir::compareWithWhole(WholeStream whole, Outputs steps) {
  return StreamComparison(std::move(whole)).run(steps);
}
