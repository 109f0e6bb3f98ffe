//===- Object.h - LLVM dialect to machine code ----------------------------===//

#ifndef WEIR_TARGET_OBJECT_OBJECT_H
#define WEIR_TARGET_OBJECT_OBJECT_H

#include "mlir/IR/BuiltinOps.h"
#include "weir/Target/Object/CpuTarget.h"
#include "llvm/ADT/SmallVector.h"

namespace llvm {
class Module;
} // namespace llvm

namespace weir {

/// May change the LLVM module before and after it is optimised.
struct ObjectHooks {
  llvm::function_ref<void(llvm::Module &)> beforeOptimizing, beforeEmitting;
};

/// Translates a module of the LLVM dialect, optimises it and emits a relocatable object.
llvm::LogicalResult emitObject(mlir::ModuleOp module, const CpuTarget &target,
                               llvm::SmallVectorImpl<char> &object, ObjectHooks hooks);

/// What `emitObject` needs the context to know.
void registerObjectTranslations(mlir::DialectRegistry &registry);

} // namespace weir

#endif // WEIR_TARGET_OBJECT_OBJECT_H
