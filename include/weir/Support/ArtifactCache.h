//===- ArtifactCache.h - Compiled files, by what they were made of --------===//

#ifndef WEIR_SUPPORT_ARTIFACTCACHE_H
#define WEIR_SUPPORT_ARTIFACTCACHE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <optional>
#include <string>

namespace weir {

/// A folder of files that were made by this very build of Weir. A key is a hash of all
/// that a file was made of. Processes may share a folder; what nobody has read for a
/// week, or what leaves the disk too little room, goes.
class ArtifactCache {
public:
  explicit ArtifactCache(llvm::StringRef folder) : folder(folder) {}

  /// The file of `key`, where there is one.
  std::optional<std::string> find(llvm::StringRef key) const;
  /// Where `find` looks. Files must appear there all at once, as OutputFiles writes them.
  std::string getPath(llvm::StringRef key) const;
  /// Makes the folder, and room in it; to be called before a file is written.
  llvm::Error prepare() const;

private:
  std::string folder;
};

/// Tells one build of the running program from another: part of keys.
std::string getBuildIdentity();

} // namespace weir

#endif // WEIR_SUPPORT_ARTIFACTCACHE_H
