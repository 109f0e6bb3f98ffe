//===- RunStream.cpp - Stream a compiled model and verify it --------------===//

#include "Prove.h"
#include "RunOnce.h"
#include "VerifyEntries.h"
#include "VerifyStream.h"
#include "weir/Runner/VerifySlides.h"

using namespace mlir;
using namespace weir;

Outcome Run::checkSlides() {
  constexpr int64_t numWindows = 3;
  Streams streams = makeRandomStreams(windowFunction().getPorts(), axes, numWindows);
  auto fill = [&](int64_t index, ArrayRef<char *> buffers) {
    for (auto [input, buffer] : llvm::zip(streams.inputs, buffers))
      input.copyTokens(index * streams.chunk, streams.tokens, buffer);
  };
  FailureOr<SlideCheck> check = verifySlides(*module, axes, numWindows, fill);
  if (failed(check))
    return Outcome::Refused;
  out << "slides: " << check->numClaims << " claims, " << check->wrong.size()
      << " wrong\n";
  for (const std::string &wrong : check->wrong)
    out << "  " << wrong << '\n';
  return check->wrong.empty() ? Outcome::Done : Outcome::Differs;
}

Outcome Run::prove() {
  if (semantics() != Semantics::Window) {
    InFlightDiagnostic error =
        emitError(location) << "--prove holds steps against windows, which these steps "
                               "are not made to equal";
    error.attachNote() << "help: use --verify, or --semantics=window";
    return Outcome::Refused;
  }
  FailureOr<Proof> proof = proveSteps(*inFloat32(), axes, facts());
  if (failed(proof))
    return Outcome::Refused;
  out << "prove: " << proof->numSteps << " steps, " << proof->numElements
      << " numbers of a finite field, " << proof->numWrong << " differ\n";
  if (proof->numWrong == 0)
    return Outcome::Done;
  InFlightDiagnostic error = emitError(location)
                             << "step and window are not the same formula: "
                             << proof->firstWrong << " differs";
  if (report && report->isRounded)
    error.attachNote() << "help: scores of rotary positions are kept, which is right up "
                          "to the rounding of their tables but no identity of formulas: "
                          "prove the step that --rotary=recompute gives";
  return Outcome::Differs;
}

Outcome Run::verify(Outputs stepOutputs, const Streams &streams) {
  return against() == Semantics::Window ? verifyWindows(stepOutputs, streams)
                                        : verifyWhole(stepOutputs, streams);
}

Outcome Run::verifyWindows(Outputs stepOutputs, const Streams &streams) {
  WindowSession windows = windowSession(streams, reference ? *reference : *compiled);
  int64_t early = steps() ? windowSteps() - fullSteps() : 0;
  if (streams.numWindows <= early) {
    emitError(location) << "the stream holds no window of " << streams.tokens
                        << " tokens to compare with";
    return Outcome::Refused;
  }
  Recorder recorder(windows.bound.getPorts());
  for (int64_t i = 0; i < streams.numWindows - early; ++i) {
    windows.run(i);
    recorder.record(windows.bound);
  }
  auto windowOutputs = recorder.take();
  out << "verify: " << streams.numWindows - early << " steps, ";
  return judge("step and window",
               compareOutputs(dropSteps(stepOutputs, early), windowOutputs),
               options.tolerance);
}

Outcome Run::verifyWhole(Outputs stepOutputs, const Streams &streams) {
  WholeStream whole{*original,
                    function("window"),
                    axes,
                    options.model,
                    against(),
                    streams,
                    firstTokens().value_or(streams.tokens)};
  FailureOr<WholeComparison> comparison = compareWithWhole(whole, stepOutputs);
  if (failed(comparison))
    return Outcome::Refused;
  out << "verify: " << streams.numWindows << " steps, ";
  if (!comparison->sampled.empty())
    out << "those of " << llvm::join(comparison->sampled, ", ") << " at "
        << comparison->steps.size() << ", ";
  return judge("step and whole stream", comparison->difference, options.tolerance);
}

/// Prints how far two outputs differ, and whether that is too much.
Outcome Run::judge(StringRef what, const Difference &difference, double tolerance) {
  print(out, difference);
  if (tolerance > 0) // what differs by less may round to neighbours
    tolerance = std::max(tolerance, difference.unit);
  if (difference.relative() <= tolerance)
    return Outcome::Done;
  emitError(location) << what << " differ by more than "
                      << llvm::formatv("{0:e0}", tolerance).str()
                      << " of the largest output";
  return Outcome::Differs;
}

Outcome Run::verifyEntries(Outputs stepOutputs, const Streams &streams) {
  int64_t skipped = facts().skipped;
  int64_t early = windowSteps() - fullSteps();
  out << "push and predict: ";
  auto pushes = runPushes(*compiled, streams, fullSteps(), skipped).take();
  Outcome pushed = judge("predictions and steps", compareOutputs(pushes, stepOutputs),
                         /*tolerance=*/0);
  if (streams.numWindows <= early) // shorter than a window
    return pushed;
  out << "prime: ";
  auto steps =
      runPrimed(*compiled, streams, windowSteps(), skipped, streams.numWindows - early)
          .take();
  Outcome primed =
      judge("primed and plain steps",
            compareOutputs(steps, dropSteps(stepOutputs, early)), options.tolerance);
  return pushed == Outcome::Done ? primed : pushed;
}

/// Tells how often rows of updated attentions lost their precision.
void Run::printRebuilds(StepSession &session) {
  if (!options.verify && options.explain != ExplainFormat::Text)
    return;
  for (auto [index, port] : llvm::enumerate(session.bound.getPorts())) {
    StringRef name = port.name;
    if (port.kind != Port::State || !name.consume_back(".rebuilt"))
      continue;
    int64_t counts[2]; // in all, in the worst step
    std::memcpy(counts, session.bound.getBuffer(index).data(), sizeof counts);
    out << "rows of '" << name << "' built again: " << counts[0] << ", at most "
        << counts[1] << " in one step\n";
  }
}

Outcome Run::stream(const Streams &streams) {
  std::vector<std::pair<std::string, NpyArray>> outputs;
  int64_t early = 0; // steps with outputs before the window is full
  if (steps()) {
    StepSession session(*compiled, streams, facts().skipped);
    Recorder recorder(session.bound.getPorts());
    session.reset();
    int64_t ready = facts().ready;
    early = fullSteps() - ready;
    for (int64_t i = 1; i < ready + early + streams.numWindows; ++i) {
      session.advance();
      if (i >= ready)
        recorder.record(session.bound);
    }
    outputs = recorder.take();
    printRebuilds(session);
  } else {
    WindowSession session = windowSession(streams);
    Recorder recorder(session.bound.getPorts());
    for (int64_t i = 0; i < streams.numWindows; ++i) {
      session.run(i);
      recorder.record(session.bound);
    }
    outputs = recorder.take();
  }
  Outcome outcome = Outcome::Done;
  if (options.verify) {
    auto full = dropSteps(outputs, early);
    outcome = verify(full, streams);
    if (outcome == Outcome::Done && hasAllEntries(*compiled))
      outcome = verifyEntries(full, streams);
  }
  if (options.output.empty() || outcome == Outcome::Refused)
    return outcome;
  if (llvm::Error error = writeNpz(options.output, outputs)) {
    emitError(location) << llvm::toString(std::move(error));
    return Outcome::Refused;
  }
  return outcome;
}
