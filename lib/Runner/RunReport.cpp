//===- RunReport.cpp - Say what a run is made of and how long it takes ----===//

#include "Bench.h"
#include "RunOnce.h"
#include "weir/Support/NodeDiagnostics.h"
#include "weir/Support/OutputFiles.h"

using namespace mlir;
using namespace weir;

/// What was compiled tells the scratch of a function; else it is planned.
FailureOr<int64_t> Run::scratchOf(StringRef name) {
  const CompiledFunction *found = compiled ? compiled->lookup(name) : nullptr;
  if (found && found->isCompiled())
    return found->getScratchBytes();
  return planScratch(*module, name);
}

LogicalResult Run::explain() {
  if (compression && (!options.explain || *options.explain == ExplainFormat::Text))
    printErrors(out, *compression);
  if (narrowing && (!options.explain || *options.explain == ExplainFormat::Text))
    printErrors(out, *narrowing);
  if (!explains())
    return success();
  if (!report && !compression)
    return emitError(location) << "only a rewrite of this run can be explained";
  if (report) {
    FailureOr<int64_t> scratch = scratchOf("step");
    if (failed(scratch))
      return failure();
    report->scratchBytes = *scratch;
  }
  if (compression) {
    FailureOr<int64_t> before = planScratch(*uncompressed, "window");
    FailureOr<int64_t> after = scratchOf("window");
    if (failed(before) || failed(after))
      return failure();
    compression->scratchBefore = *before;
    compression->scratchAfter = *after;
  }
  if (options.explain)
    printExplanation(out, explanation(), *options.explain);
  return success();
}

/// Last of all, since what is refused writes nothing.
LogicalResult Run::writeReport() {
  if (options.report.empty())
    return success();
  std::string text;
  llvm::raw_string_ostream os(text);
  printExplanation(os, explanation(), ExplainFormat::Json);
  OutputFiles files;
  llvm::Error error = files.add(options.report, text);
  if (!error)
    error = files.commit();
  if (!error)
    return success();
  return emitError(location) << llvm::toString(std::move(error));
}

void Run::measure() {
  constexpr int64_t numWindows = 256;
  Streams streams = makeRandomStreams(inputPorts(), axes, numWindows);
  if (steps()) {
    StepSession session(*compiled, streams, facts().skipped);
    session.reset();
    for (int64_t i = 0; i < windowSteps(); ++i)
      session.advance();
    printTiming(out, "step  ", [&] { session.advance(); });
  }
  if (!hasWindow())
    return;
  WindowSession windows = windowSession(streams);
  windows.run(0);
  printTiming(out, "window", [&] { windows.bound.call(); });
  if (uncompressed)
    measureOriginal(streams);
}

/// What the rewrite is to be faster than.
void Run::measureOriginal(const Streams &streams) {
  auto model = CompiledModule::compile(*uncompressed);
  if (failed(model))
    return;
  WindowSession windows(*(*model)->lookup("window"), streams, 0);
  windows.run(0);
  printTiming(out, "original", [&] { windows.bound.call(); });
}
