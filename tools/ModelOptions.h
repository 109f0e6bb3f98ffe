//===- ModelOptions.h - Options of every tool that takes a model ----------===//

#ifndef WEIR_TOOLS_MODELOPTIONS_H
#define WEIR_TOOLS_MODELOPTIONS_H

#include "weir/Pipelines/LoadModel.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Error.h"

namespace weir {

/// The category under which `--help` shows a tool's options.
extern llvm::cl::OptionCategory toolOptions;

/// Parses the command line; false after a message. Options of LLVM stay hidden.
bool parseToolOptions(int argc, char **argv, llvm::StringRef overview);

/// What the command line says about the model, which has `usualEntries` when it says
/// nothing of them; an error is a misuse.
llvm::Expected<ModelOptions> getModelOptions(Entries usualEntries);

} // namespace weir

#endif // WEIR_TOOLS_MODELOPTIONS_H
