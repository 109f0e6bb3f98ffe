//===- NameSet.h - Names that are given once ------------------------------===//

#ifndef WEIR_SUPPORT_NAMESET_H
#define WEIR_SUPPORT_NAMESET_H

#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/Twine.h"
#include <string>

namespace weir {

/// Gives `wanted`, or where that is taken `wanted` with the first free of the endings
/// .1, .2, ... (or another separator).
class NameSet {
public:
  explicit NameSet(llvm::StringRef separator = ".") : separator(separator) {}

  std::string unique(llvm::StringRef wanted) {
    std::string name = wanted.str();
    for (unsigned suffix = 1; !used.insert(name).second; ++suffix)
      name = (wanted + separator + llvm::Twine(suffix)).str();
    return name;
  }

private:
  llvm::StringRef separator;
  llvm::StringSet<> used;
};

} // namespace weir

#endif // WEIR_SUPPORT_NAMESET_H
