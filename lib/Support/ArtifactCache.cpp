//===- ArtifactCache.cpp - Compiled files, by what they were made of ------===//

#include "weir/Support/ArtifactCache.h"
#include "llvm/Support/CachePruning.h"
#include "llvm/Support/Chrono.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace weir;

namespace fs = llvm::sys::fs;

std::string ArtifactCache::getPath(StringRef key) const {
  SmallString<128> path(folder);
  // LLVM prunes files of such names only.
  sys::path::append(path, "llvmcache-" + key);
  return path.str().str();
}

std::optional<std::string> ArtifactCache::find(StringRef key) const {
  std::string path = getPath(key);
  if (!fs::exists(path))
    return std::nullopt;
  return path;
}

Error ArtifactCache::prepare() const {
  if (std::error_code code = fs::create_directories(folder))
    return createStringError("the cache '" + folder +
                             "' cannot be made: " + code.message());
  pruneCache(folder, CachePruningPolicy());
  return Error::success();
}

/// As compiler caches do it: a program that was built again is another file.
std::string weir::getBuildIdentity() {
  static int here;
  std::string program = fs::getMainExecutable(nullptr, &here);
  fs::file_status status;
  (void)fs::status(program, status); // unknown: all zero
  uint64_t time = status.getLastModificationTime().time_since_epoch().count();
  return program + " " + std::to_string(status.getSize()) + " " + std::to_string(time);
}
