//===- OutputFiles.h - Files that appear all at once ----------------------===//

#ifndef WEIR_SUPPORT_OUTPUTFILES_H
#define WEIR_SUPPORT_OUTPUTFILES_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"
#include <memory>
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
  /// The same piece by piece: `close` says whether all of it was written.
  llvm::Expected<std::unique_ptr<llvm::raw_fd_ostream>> open(llvm::StringRef path);
  static llvm::Error close(llvm::StringRef path, llvm::raw_fd_ostream &os);
  /// The same for a file that another program writes: its name until `commit`.
  llvm::Expected<std::string> reserve(llvm::StringRef path);
  llvm::Error commit();

private:
  struct Pending {
    std::string path, temporary;
  };
  std::vector<Pending> pending;
};

} // namespace weir

#endif // WEIR_SUPPORT_OUTPUTFILES_H
