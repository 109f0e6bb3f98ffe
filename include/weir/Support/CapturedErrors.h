//===- CapturedErrors.h - Try something, and tell why it failed -----------===//

#ifndef WEIR_SUPPORT_CAPTUREDERRORS_H
#define WEIR_SUPPORT_CAPTUREDERRORS_H

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Location.h"
#include <string>

namespace weir {

/// While it lives no message reaches the user; the first error is kept.
class CapturedErrors : public mlir::ScopedDiagnosticHandler {
public:
  explicit CapturedErrors(mlir::MLIRContext *context) : ScopedDiagnosticHandler(context) {
    setHandler([this](mlir::Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error && text.empty()) {
        if (auto name = diagnostic.getLocation()->findInstanceOf<mlir::NameLoc>())
          text = ("node '" + name.getName().getValue() + "': ").str();
        text += diagnostic.str();
      }
      return mlir::success();
    });
  }
  /// The first error; "" where there was none.
  const std::string &getFirst() const { return text; }

private:
  std::string text;
};

} // namespace weir

#endif // WEIR_SUPPORT_CAPTUREDERRORS_H
