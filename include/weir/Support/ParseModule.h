//===- ParseModule.h - Read IR, as text or bytecode -----------------------===//

#ifndef WEIR_SUPPORT_PARSEMODULE_H
#define WEIR_SUPPORT_PARSEMODULE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace weir {

/// The module in the file `path`; null after an error.
mlir::OwningOpRef<mlir::ModuleOp> parseModule(llvm::StringRef path,
                                              mlir::MLIRContext &context);

} // namespace weir

#endif // WEIR_SUPPORT_PARSEMODULE_H
