//===- Object.h - LLVM dialect to machine code ----------------------------===//

#ifndef WEIR_TARGET_OBJECT_OBJECT_H
#define WEIR_TARGET_OBJECT_OBJECT_H

#include "mlir/IR/BuiltinOps.h"
#include "weir/Support/VectorUnit.h"
#include "llvm/ADT/SmallVector.h"
#include <string>

namespace llvm {
class Module;
} // namespace llvm

namespace weir {

/// What code is made for.
struct CpuTarget {
  std::string triple;
  std::string cpu;
  /// `+avx2,-avx512f,...`. The list, not the name alone: virtual machines mask some.
  std::string features;
  VectorUnit vectors;
};

CpuTarget getHostTarget();

/// `native`, or a processor to compile for on any machine; none for other names.
std::optional<CpuTarget> getCpuTarget(llvm::StringRef name);
/// All names that `getCpuTarget` knows.
llvm::ArrayRef<llvm::StringRef> getCpuTargetNames();

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
