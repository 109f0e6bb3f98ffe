//===- Artifact.h - Files that a program links ----------------------------===//

#ifndef WEIR_TARGET_NATIVE_ARTIFACT_H
#define WEIR_TARGET_NATIVE_ARTIFACT_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace weir {

/// An archive of one member.
llvm::Expected<std::string> makeArchive(llvm::StringRef member, llvm::StringRef object);

/// Links `object` to a shared library with LLVM's linker.
llvm::Error linkSharedLibrary(llvm::StringRef object, llvm::StringRef name,
                              llvm::StringRef output);

} // namespace weir

#endif // WEIR_TARGET_NATIVE_ARTIFACT_H
