//===- Artifact.cpp - Files that a program links --------------------------===//

#include "weir/Target/Native/Artifact.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace weir;

namespace fs = llvm::sys::fs;

static Error cannotWrite(StringRef path, std::error_code code) {
  return createStringError("'" + path + "' cannot be written: " + code.message());
}

OutputFiles::~OutputFiles() {
  for (const Pending &one : pending) {
    fs::remove(one.temporary);
    sys::DontRemoveFileOnSignal(one.temporary);
  }
}

Expected<std::string> OutputFiles::reserve(StringRef path) {
  if (fs::is_directory(path))
    return cannotWrite(path, std::make_error_code(std::errc::is_a_directory));
  std::string temporary = (path + "." + Twine(sys::Process::getProcessId())).str();
  sys::RemoveFileOnSignal(temporary);
  pending.push_back({path.str(), temporary});
  return temporary;
}

Error OutputFiles::add(StringRef path, StringRef bytes) {
  Expected<std::string> temporary = reserve(path);
  if (!temporary)
    return temporary.takeError();
  std::error_code code;
  raw_fd_ostream os(*temporary, code);
  if (code)
    return cannotWrite(path, code);
  os << bytes;
  os.close();
  code = os.error();
  os.clear_error();
  return code ? cannotWrite(path, code) : Error::success();
}

Error OutputFiles::commit() {
  while (!pending.empty()) {
    const Pending &one = pending.back();
    if (std::error_code code = fs::rename(one.temporary, one.path))
      return cannotWrite(one.path, code);
    sys::DontRemoveFileOnSignal(one.temporary);
    pending.pop_back();
  }
  return Error::success();
}

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
