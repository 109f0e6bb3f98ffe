//===- Artifact.h - Files that a program links ----------------------------===//

#ifndef WEIR_TARGET_NATIVE_ARTIFACT_H
#define WEIR_TARGET_NATIVE_ARTIFACT_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace weir {

/// Files that appear all at once, or not at all: each is written beside its place under
/// another name, and `commit` renames them. What was not committed is removed.
class OutputFiles {
public:
  OutputFiles() = default;
  OutputFiles(const OutputFiles &) = delete;
  ~OutputFiles();

  llvm::Error add(llvm::StringRef path, llvm::StringRef bytes);
  /// The same for a file that another program writes: its name until `commit`.
  llvm::Expected<std::string> reserve(llvm::StringRef path);
  llvm::Error commit();

private:
  struct Pending {
    std::string path, temporary;
  };
  std::vector<Pending> pending;
};

/// An archive of one member.
llvm::Expected<std::string> makeArchive(llvm::StringRef member, llvm::StringRef object);

/// Links `object` to a shared library with LLVM's linker.
llvm::Error linkSharedLibrary(llvm::StringRef object, llvm::StringRef name,
                              llvm::StringRef output);

} // namespace weir

#endif // WEIR_TARGET_NATIVE_ARTIFACT_H
