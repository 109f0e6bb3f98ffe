//===- RewriteOptions.h - Options of tools that rewrite a model -----------===//

#ifndef WEIR_TOOLS_REWRITEOPTIONS_H
#define WEIR_TOOLS_REWRITEOPTIONS_H

#include "weir/Runner/Compress.h"
#include "llvm/Support/Error.h"

namespace weir {

/// What the command line says of rewrites.
struct RewriteChoice {
  bool continual = true;
  std::optional<CompressOptions> compress; ///< without streams
  std::vector<std::string> statics;        ///< inputs without a token axis
  std::vector<std::string> calibration;    ///< data that errors are measured on
};

/// An error is a misuse. `isNarrow`: weights are stored in fewer bits.
llvm::Expected<RewriteChoice> getRewriteChoice(bool isNarrow);

/// Fails, with a message, on what is not NAME=FILE.npy.
llvm::Error checkPairs(llvm::ArrayRef<std::string> pairs);

} // namespace weir

#endif // WEIR_TOOLS_REWRITEOPTIONS_H
