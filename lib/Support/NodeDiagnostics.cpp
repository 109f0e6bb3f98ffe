//===- NodeDiagnostics.cpp - Messages in the terms of the ONNX file -------===//

#include "weir/Support/NodeDiagnostics.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"
#include "mlir/IR/Operation.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace weir;

/// The first location of kind `LocT`, from the outside in.
template <typename LocT>
static LocT findLocation(Location location) {
  LocT found;
  location->walk([&](Location inner) {
    if ((found = dyn_cast<LocT>(inner)))
      return WalkResult::interrupt();
    return WalkResult::advance();
  });
  return found;
}

StringRef weir::getNodeName(Location location) {
  NameLoc name = findLocation<NameLoc>(location);
  return name ? name.getName().getValue() : StringRef();
}

static StringRef toOperator(StringRef opName) {
  opName.consume_front("onnx.");
  return opName;
}

std::string weir::getOperatorName(Operation *op) {
  auto domain = op->getAttrOfType<StringAttr>("domain_name");
  auto function = op->getAttrOfType<StringAttr>("function_name");
  if (op->getName().getStringRef() == "onnx.Custom" && domain && function)
    return (domain.getValue() + "." + function.getValue()).str();
  return toOperator(op->getName().getStringRef()).str();
}

std::string weir::describeNode(Location location, StringRef op) {
  return llvm::formatv("node '{0}' ({1})", getNodeName(location), op);
}
std::string weir::describeNode(Operation *op) {
  return describeNode(op->getLoc(), getOperatorName(op));
}

InFlightDiagnostic weir::emitNodeError(Location location, StringRef op) {
  return emitError(location) << describeNode(location, op) << ": ";
}
InFlightDiagnostic weir::emitNodeError(Operation *op) {
  return emitNodeError(op->getLoc(), getOperatorName(op));
}
InFlightDiagnostic weir::emitNodeWarning(Operation *op) {
  return emitWarning(op->getLoc()) << describeNode(op) << ": ";
}

void weir::attachHelp(InFlightDiagnostic &diagnostic, const Twine &help) {
  diagnostic.attachNote() << "help: " << help;
}

/// `'onnx.MatMul' op has ...` of a node that has a name becomes `node 'NAME' (MatMul):
/// has ...`.
static std::string toNodeTerms(const Diagnostic &diagnostic) {
  std::string message = diagnostic.str();
  StringRef text = message, node = getNodeName(diagnostic.getLocation());
  if (node.empty() || text.starts_with("node '"))
    return message;
  StringRef rest = text;
  if (rest.consume_front("'")) {
    auto [op, tail] = rest.split("' op ");
    if (tail.size() && !op.contains('\''))
      return describeNode(diagnostic.getLocation(), toOperator(op)) + ": " + tail.str();
  }
  return ("node '" + node + "': " + text).str();
}

static StringRef severityOf(const Diagnostic &diagnostic) {
  switch (diagnostic.getSeverity()) {
  case DiagnosticSeverity::Error:
    return "error";
  case DiagnosticSeverity::Warning:
    return "warning";
  case DiagnosticSeverity::Remark:
    return "remark";
  case DiagnosticSeverity::Note:
    return "note";
  }
  llvm_unreachable("all severities are listed");
}

/// `file: ` of a model, `file:line:column: ` of text.
static std::string whereOf(Location location, StringRef fallback) {
  FileLineColLoc place = findLocation<FileLineColLoc>(location);
  if (!place)
    return fallback.empty() ? "" : (fallback + ": ").str();
  if (place.getLine() == 0)
    return (place.getFilename().getValue() + ": ").str();
  return llvm::formatv("{0}:{1}:{2}: ", place.getFilename().getValue(), place.getLine(),
                       place.getColumn());
}

static void print(const Diagnostic &diagnostic, raw_ostream &os, StringRef file) {
  os << whereOf(diagnostic.getLocation(), file) << severityOf(diagnostic) << ": "
     << toNodeTerms(diagnostic) << '\n';
  for (Diagnostic &note : const_cast<Diagnostic &>(diagnostic).getNotes()) {
    std::string text = note.str();
    if (StringRef(text).starts_with("see current operation"))
      continue; // the IR means nothing to the user of a tool
    if (StringRef(text).starts_with("help: "))
      os << text << '\n';
    else if (note.getLocation() == diagnostic.getLocation())
      os << "note: " << text << '\n';
    else
      os << "note: " << toNodeTerms(note) << '\n';
  }
}

NodeDiagnosticHandler::NodeDiagnosticHandler(MLIRContext *context, raw_ostream &os,
                                             StringRef file)
    : ScopedDiagnosticHandler(context) {
  setHandler([&os, file = file.str()](Diagnostic &diagnostic) {
    print(diagnostic, os, file);
    return success();
  });
}
