//===- CpuTarget.h - The processor that code is made for -------------------===//

#ifndef WEIR_TARGET_OBJECT_CPUTARGET_H
#define WEIR_TARGET_OBJECT_CPUTARGET_H

#include "weir/Support/VectorUnit.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

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

/// `native`, a level of x86-64, an architecture, or a processor as LLVM calls it, with
/// any features behind it, to compile for on any machine. Says what is wrong with other
/// names.
///
///   native   x86-64-v3   aarch64+dotprod   znver4   neoverse-v1
llvm::Expected<CpuTarget> getCpuTarget(llvm::StringRef name);

} // namespace weir

#endif // WEIR_TARGET_OBJECT_CPUTARGET_H
