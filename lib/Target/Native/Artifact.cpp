//===- Artifact.cpp - Files that a program links --------------------------===//

#include "weir/Target/Native/Artifact.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"

using namespace llvm;
using namespace weir;

Expected<std::string> weir::makeArchive(StringRef member, StringRef object) {
  std::vector<NewArchiveMember> members;
  members.emplace_back(MemoryBufferRef(object, member));
  auto archive = writeArchiveToBuffer(members, SymtabWritingMode::NormalSymtab,
                                      object::Archive::K_GNU, /*Deterministic=*/true,
                                      /*Thin=*/false);
  if (!archive)
    return archive.takeError();
  return (*archive)->getBuffer().str();
}

/// The linker on the PATH, else the one of the LLVM that Weir was built with.
static Expected<std::string> findLinker() {
  for (StringRef name : {"ld.lld-22", "ld.lld"}) {
    ErrorOr<std::string> found = sys::findProgramByName(name);
    if (!found)
      found = sys::findProgramByName(name, {WEIR_LLVM_TOOLS});
    if (found)
      return *found;
  }
  return createStringError("shared libraries need the linker ld.lld-22, which is not on "
                           "the PATH; install lld-22, or make a .o or .a");
}

Error weir::linkSharedLibrary(StringRef object, StringRef name, StringRef output) {
  Expected<std::string> linker = findLinker();
  if (!linker)
    return linker.takeError();
  std::string message;
  StringRef arguments[] = {*linker,   "-shared", "-z",   "noexecstack",
                           "-soname", name,      object, "--no-dynamic-linker",
                           "-o",      output};
  int code = sys::ExecuteAndWait(*linker, arguments, /*Env=*/std::nullopt,
                                 /*Redirects=*/{}, 0, 0, &message);
  if (code == 0)
    return Error::success();
  return createStringError("the linker " + *linker + " failed" +
                           (message.empty() ? "" : ": " + message));
}
