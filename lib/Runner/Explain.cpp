//===- Explain.cpp - Print what a rewrite chose ---------------------------===//

#include "weir/Runner/Explain.h"
#include "ExplainCompression.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace weir;

std::string weir::formatCount(int64_t count) {
  if (count >= 1000000)
    return llvm::formatv("{0:f2} M", count / 1e6);
  if (count >= 10000)
    return llvm::formatv("{0:f1} k", count / 1e3);
  return std::to_string(count);
}

std::string weir::formatRatio(int64_t window, int64_t step) {
  return step ? llvm::formatv("{0:f2}x", static_cast<double>(window) / step).str() : "-";
}

static std::string describeSliding(const AttentionReport &attention) {
  if (attention.scoresSlide)
    return "scores slide";
  if (attention.valuesSlide)
    return "values slide";
  return "nothing slides";
}

/// The cost for each token: that of a step of four is the less by four.
static std::string formatCost(const Advice &advice) {
  return formatCount(advice.macsStep / advice.tokens);
}

static std::string describe(const Advice &advice) {
  return advice.meaning + (advice.changesNumbers ? ": other numbers" : "");
}

static void printText(llvm::raw_ostream &os, const StepReport &report) {
  std::string worstLine;
  if (report.macsStepWorst != report.macsStep)
    worstLine = "  step at worst     " + formatCount(report.macsStepWorst) +
                "  (all rows of updated attentions built again)\n";
  os << "multiply-accumulates\n"
     << "  step              " << formatCount(report.macsStep) << '\n'
     << worstLine << "  window            " << formatCount(report.macsWindow) << "  ("
     << formatRatio(report.macsWindow, report.macsStep) << ")\n"
     << "  without dead rows " << formatCount(report.macsWindowPruned) << "  ("
     << formatRatio(report.macsWindowPruned, report.macsStep) << ")\n"
     << "state               " << report.stateBytes << " bytes\n"
     << "scratch             " << report.scratchBytes << " bytes\n";
  for (const AttentionReport &attention : report.attentions) {
    os << "attention '" << attention.node << "': rows " << attention.rows << ", "
       << attention.form << ", " << describeSliding(attention);
    if (!attention.reason.empty())
      os << " (" << attention.reason << ")";
    os << '\n';
  }
  for (const BlameReport &blame : report.blame)
    os << "computed again because of node '" << blame.node << "' (" << blame.op
       << "): " << blame.reason << '\n';
  if (report.blame.size() && report.savesLittle())
    os << "help: " << report.blame.front().help << '\n';
  if (report.advice.empty())
    return;
  os << "a step would take less with\n";
  for (const Advice &advice : report.advice)
    os << llvm::formatv("  {0,-22} {1}  {2}\n", advice.what, formatCost(advice),
                        describe(advice));
}

/// As attributes of the object that is open.
static void writeJson(llvm::json::OStream &json, const StepReport &report) {
  json.attribute("macs_step", report.macsStep);
  json.attribute("macs_step_worst", report.macsStepWorst);
  json.attribute("macs_window", report.macsWindow);
  json.attribute("macs_window_pruned", report.macsWindowPruned);
  json.attribute("state_bytes", report.stateBytes);
  json.attribute("scratch_bytes", report.scratchBytes);
  json.attributeArray("attentions", [&] {
    for (const AttentionReport &attention : report.attentions)
      json.object([&] {
        json.attribute("node", attention.node);
        json.attribute("rows", attention.rows);
        json.attribute("slides", describeSliding(attention));
        json.attribute("form", attention.form);
        json.attribute("reason", attention.reason);
      });
  });
  json.attributeArray("blame", [&] {
    for (const BlameReport &blame : report.blame)
      json.object([&] {
        json.attribute("node", blame.node);
        json.attribute("op", blame.op);
        json.attribute("reason", blame.reason);
        json.attribute("macs", blame.macs);
        json.attribute("help", blame.help);
      });
  });
  json.attributeArray("advice", [&] {
    for (const Advice &advice : report.advice)
      json.object([&] {
        json.attribute("what", advice.what);
        json.attribute("meaning", advice.meaning);
        json.attribute("macs_step", advice.macsStep);
        json.attribute("tokens", advice.tokens);
        json.attribute("changes_numbers", advice.changesNumbers);
      });
  });
}

static void printMarkdown(llvm::raw_ostream &os, const StepReport &report) {
  os << "| | multiply-accumulates | over a step |\n|---|---|---|\n"
     << "| step | " << formatCount(report.macsStep) << " | |\n"
     << "| step at worst | " << formatCount(report.macsStepWorst) << " | |\n"
     << "| window | " << formatCount(report.macsWindow) << " | "
     << formatRatio(report.macsWindow, report.macsStep) << " |\n"
     << "| window without dead rows | " << formatCount(report.macsWindowPruned) << " | "
     << formatRatio(report.macsWindowPruned, report.macsStep) << " |\n\n"
     << "State: " << report.stateBytes << " bytes, scratch: " << report.scratchBytes
     << " bytes.\n\n"
     << "| attention | rows | form | slides | reason |\n|---|---|---|---|---|\n";
  for (const AttentionReport &attention : report.attentions)
    os << "| `" << attention.node << "` | " << attention.rows << " | " << attention.form
       << " | " << describeSliding(attention) << " | " << attention.reason << " |\n";
  os << "\n| computed again because of | op | reason | help |\n|---|---|---|---|\n";
  for (const BlameReport &blame : report.blame)
    os << "| `" << blame.node << "` | " << blame.op << " | " << blame.reason << " | "
       << blame.help << " |\n";
  if (report.advice.empty())
    return;
  os << "\n| a step would take less with | multiply-accumulates | |\n|---|---|---|\n";
  for (const Advice &advice : report.advice)
    os << "| `" << advice.what << "` | " << formatCost(advice) << " | "
       << describe(advice) << " |\n";
}

static void writeJson(llvm::json::OStream &json, const NarrowReport &report) {
  json.attribute("kind", getName(report.kind));
  json.attribute("bytes", report.bytes);
  json.attribute("bytes_f32", report.bytesInF32);
  json.attribute("error_asked", report.mostError);
  json.attribute("matrices", report.numWeights);
  json.attributeArray("wider", [&] {
    for (const WiderWeights &weights : report.wider)
      json.object([&] {
        json.attribute("node", weights.node);
        json.attribute("kind", getName(weights.kind));
      });
  });
  json.attribute("measured_on", report.measuredOn);
  json.attribute("windows", report.numWindows);
  json.attributeArray("outputs", [&] {
    for (const OutputError &error : report.outputs)
      json.object([&] {
        json.attribute("name", error.name);
        json.attribute("error_rms", error.rms);
        json.attribute("error_largest", error.largest);
      });
  });
}

static void printTable(llvm::raw_ostream &os, const NarrowReport &report) {
  os << "\n| weights in " << getName(report.kind)
     << " | error, rms | at most |\n|---|---|---|\n";
  for (const OutputError &error : report.outputs)
    os << "| output `" << error.name
       << llvm::formatv("` | {0:e2} | {1:e2} |\n", error.rms, error.largest).str();
  os << "\n"
     << report.bytes << " bytes of weights instead of " << report.bytesInF32
     << ". Errors in standard deviations of the output, on " << report.numWindows
     << " windows of " << report.measuredOn << ".\n";
}

static void printJson(llvm::raw_ostream &os, const Explanation &explanation) {
  llvm::json::OStream json(os, /*IndentSize=*/2);
  json.object([&] {
    if (explanation.step)
      writeJson(json, *explanation.step);
    if (explanation.compression)
      json.attributeObject("compression",
                           [&] { writeJson(json, *explanation.compression); });
    if (explanation.narrowing)
      json.attributeObject("weights", [&] { writeJson(json, *explanation.narrowing); });
  });
  os << '\n';
}

void weir::printExplanation(llvm::raw_ostream &os, const Explanation &explanation,
                            ExplainFormat format) {
  if (format == ExplainFormat::Json)
    return printJson(os, explanation);
  bool isText = format == ExplainFormat::Text;
  if (explanation.compression)
    (isText ? printTextOf : printMarkdownOf)(os, *explanation.compression);
  if (explanation.step)
    (isText ? printText : printMarkdown)(os, *explanation.step);
  if (explanation.narrowing && !isText) // text tells it whatever else is asked for
    printTable(os, *explanation.narrowing);
}
