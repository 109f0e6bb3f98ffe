//===- NativeFiles.h - What a compiled model consists of ------------------===//

#ifndef WEIR_LIB_PIPELINES_NATIVEFILES_H
#define WEIR_LIB_PIPELINES_NATIVEFILES_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include <string>

namespace weir {

/// The code of a model and the files beside it. On disk, in a cache, one archive.
struct NativeFiles {
  llvm::SmallVector<char, 0> object;
  std::string header, manifest;
  std::string notes; ///< what the user was told of the model

  /// Fails where the file was damaged.
  static llvm::Expected<NativeFiles> read(llvm::StringRef path);
  llvm::Error write(llvm::StringRef path) const;
};

} // namespace weir

#endif // WEIR_LIB_PIPELINES_NATIVEFILES_H
