//===- OutputFiles.cpp - Files that appear all at once --------------------===//

#include "weir/Support/OutputFiles.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Signals.h"

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

Expected<std::unique_ptr<raw_fd_ostream>> OutputFiles::open(StringRef path) {
  Expected<std::string> temporary = reserve(path);
  if (!temporary)
    return temporary.takeError();
  std::error_code code;
  auto os = std::make_unique<raw_fd_ostream>(*temporary, code);
  if (code)
    return cannotWrite(path, code);
  return os;
}

Error OutputFiles::close(StringRef path, raw_fd_ostream &os) {
  os.close();
  std::error_code code = os.error();
  os.clear_error();
  return code ? cannotWrite(path, code) : Error::success();
}

Error OutputFiles::add(StringRef path, StringRef bytes) {
  auto os = open(path);
  if (!os)
    return os.takeError();
  **os << bytes;
  return close(path, **os);
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
