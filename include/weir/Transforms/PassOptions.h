//===- PassOptions.h - Options of a pass, where it is not run -------------===//

#ifndef WEIR_TRANSFORMS_PASSOPTIONS_H
#define WEIR_TRANSFORMS_PASSOPTIONS_H

#include "mlir/Pass/Pass.h"
#include "llvm/Support/Error.h"

namespace weir {

/// Gives `pass` the options that `text` spells as a pipeline does: "variant=x keep=16".
llvm::Error readPassOptions(mlir::Pass &pass, llvm::StringRef text);

} // namespace weir

#endif // WEIR_TRANSFORMS_PASSOPTIONS_H
