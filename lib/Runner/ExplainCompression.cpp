//===- ExplainCompression.cpp - Print what became of attentions -----------===//

#include "ExplainCompression.h"
#include "weir/Transforms/CastAttention.h"
#include "llvm/Support/FormatVariadic.h"

using namespace weir;

static llvm::StringRef nameOf(Compression kind) {
  return kind == Compression::Dct ? "dct" : "cast";
}

/// "16 of 64 tokens", "8 clusters of 16 of 64 tokens"
static std::string describeKept(const CompressedAttention &attention) {
  std::string clusters = attention.clusters
                             ? llvm::formatv("{0} clusters of ", attention.clusters).str()
                             : "";
  return llvm::formatv("{0}{1} of {2} tokens", clusters, attention.kept,
                       attention.tokens);
}

static std::string describe(const CompressedAttention &attention) {
  if (attention.form.empty())
    return "left alone: " + attention.reason;
  return attention.form + ", " + describeKept(attention);
}

static std::string describe(const MeasuredError &error) {
  return llvm::formatv("{0:e3} of the norm, {1:e3} of the largest", error.norm,
                       error.largest);
}

void weir::printErrors(llvm::raw_ostream &os, const CompressReport &report) {
  if (report.measuredOn.empty())
    os << "errors: not measured; --calibrate gives data to measure them on\n";
  else
    os << "errors against the original on " << report.numWindows << " windows of "
       << report.measuredOn << '\n';
  if (report.kind == Compression::Cast)
    os << castDisclaimer << '\n';
  for (auto [index, attention] : llvm::enumerate(report.attentions)) {
    os << "  attention " << attention.layer << " '" << attention.node
       << "': " << describe(attention);
    if (const MeasuredError *error = report.errorOf(index))
      os << ": " << describe(*error);
    os << '\n';
  }
  for (const auto &[name, error] : report.outputs)
    os << "  output '" << name << "': " << describe(error) << '\n';
}

void weir::printTextOf(llvm::raw_ostream &os, const CompressReport &report) {
  os << "multiply-accumulates\n"
     << "  original window   " << formatCount(report.macsBefore) << '\n'
     << "  rewritten window  " << formatCount(report.macsAfter) << "  ("
     << formatRatio(report.macsBefore, report.macsAfter) << ")\n";
  for (const CompressedAttention &attention : report.attentions)
    if (!attention.form.empty())
      os << "  attention " << attention.layer << "       "
         << formatCount(attention.macsBefore) << " -> "
         << formatCount(attention.macsAfter) << "  ("
         << formatRatio(attention.macsBefore, attention.macsAfter) << ")\n";
  os << "scratch             " << report.scratchBefore << " -> " << report.scratchAfter
     << " bytes\n";
}

void weir::printMarkdownOf(llvm::raw_ostream &os, const CompressReport &report) {
  os << "| | multiply-accumulates | scratch bytes |\n|---|---|---|\n"
     << "| original window | " << formatCount(report.macsBefore) << " | "
     << report.scratchBefore << " |\n"
     << "| rewritten window | " << formatCount(report.macsAfter) << " ("
     << formatRatio(report.macsBefore, report.macsAfter) << ") | " << report.scratchAfter
     << " |\n\n| attention | | before | after | error of the norm | of the largest |\n"
     << "|---|---|---|---|---|---|\n";
  auto cells = [](const MeasuredError &error) {
    return llvm::formatv("{0:e3} | {1:e3}", error.norm, error.largest).str();
  };
  for (auto [index, attention] : llvm::enumerate(report.attentions)) {
    const MeasuredError *error = report.errorOf(index);
    os << "| `" << attention.node << "` | " << describe(attention) << " | "
       << formatCount(attention.macsBefore) << " | " << formatCount(attention.macsAfter)
       << " | " << (error ? cells(*error) : " | ") << " |\n";
  }
  for (const auto &[name, error] : report.outputs)
    os << "| output `" << name << "` | | | | " << cells(error) << " |\n";
  if (report.kind == Compression::Cast)
    os << '\n' << castDisclaimer << ".\n";
  if (report.measuredOn.empty())
    os << "\nErrors were not measured.\n";
  else
    os << "\nErrors against the original on " << report.numWindows << " windows of "
       << report.measuredOn << ".\n";
}

static void writeError(llvm::json::OStream &json, const MeasuredError &error) {
  json.attribute("error_norm", error.norm);
  json.attribute("error_largest", error.largest);
}

void weir::writeJson(llvm::json::OStream &json, const CompressReport &report) {
  json.attribute("rewrite", nameOf(report.kind));
  json.attribute("note", report.kind == Compression::Cast ? castDisclaimer : "");
  json.attribute("macs_before", report.macsBefore);
  json.attribute("macs_after", report.macsAfter);
  json.attribute("scratch_bytes_before", report.scratchBefore);
  json.attribute("scratch_bytes_after", report.scratchAfter);
  json.attribute("measured_on", report.measuredOn);
  json.attribute("windows", report.numWindows);
  json.attributeArray("attentions", [&] {
    for (auto [index, attention] : llvm::enumerate(report.attentions))
      json.object([&, index = index, &attention = attention] {
        json.attribute("node", attention.node);
        json.attribute("layer", attention.layer);
        json.attribute("form", attention.form);
        json.attribute("tokens", attention.tokens);
        json.attribute("kept", attention.kept);
        json.attribute("clusters", attention.clusters);
        json.attribute("macs_before", attention.macsBefore);
        json.attribute("macs_after", attention.macsAfter);
        json.attribute("reason", attention.reason);
        if (const MeasuredError *error = report.errorOf(index))
          writeError(json, *error);
      });
  });
  json.attributeArray("outputs", [&] {
    for (const auto &output : report.outputs)
      json.object([&] {
        json.attribute("name", output.first);
        writeError(json, output.second);
      });
  });
}
