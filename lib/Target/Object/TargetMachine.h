//===- TargetMachine.h - LLVM's code generator for a processor --------------===//

#ifndef WEIR_LIB_TARGET_OBJECT_TARGETMACHINE_H
#define WEIR_LIB_TARGET_OBJECT_TARGETMACHINE_H

#include "weir/Target/Object/CpuTarget.h"
#include "llvm/Target/TargetMachine.h"
#include <memory>

namespace weir {

/// Never null: who made `target` knows that there is one.
std::unique_ptr<llvm::TargetMachine> createMachine(const CpuTarget &target);

} // namespace weir

#endif // WEIR_LIB_TARGET_OBJECT_TARGETMACHINE_H
