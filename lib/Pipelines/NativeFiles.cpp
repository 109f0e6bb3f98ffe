//===- NativeFiles.cpp - What a compiled model consists of ----------------===//

#include "NativeFiles.h"
#include "weir/Support/OutputFiles.h"
#include "llvm/Object/Archive.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;
using namespace weir;

static constexpr StringLiteral objectName = "object", headerName = "header",
                               manifestName = "manifest", notesName = "notes";

Expected<NativeFiles> NativeFiles::read(StringRef path) {
  auto buffer = MemoryBuffer::getFile(path);
  if (!buffer)
    return errorCodeToError(buffer.getError());
  auto archive = object::Archive::create((*buffer)->getMemBufferRef());
  if (!archive)
    return archive.takeError();
  NativeFiles files;
  Error error = Error::success();
  for (const object::Archive::Child &member : (*archive)->children(error)) {
    auto name = member.getName();
    auto bytes = member.getBuffer();
    if (!name || !bytes)
      return joinErrors(name.takeError(), bytes.takeError());
    if (*name == objectName)
      files.object.assign(bytes->begin(), bytes->end());
    else if (*name == headerName)
      files.header = bytes->str();
    else if (*name == manifestName)
      files.manifest = bytes->str();
    else if (*name == notesName)
      files.notes = bytes->str();
  }
  if (error)
    return std::move(error);
  if (files.object.empty() || files.header.empty() || files.manifest.empty())
    return createStringError("'" + path + "' holds no compiled model");
  return files;
}

Error NativeFiles::write(StringRef path) const {
  std::vector<NewArchiveMember> members;
  auto add = [&](StringRef name, StringRef bytes) {
    members.emplace_back(MemoryBufferRef(bytes, name));
  };
  add(objectName, StringRef(object.data(), object.size()));
  add(headerName, header);
  add(manifestName, manifest);
  add(notesName, notes);
  auto archive = writeArchiveToBuffer(members, SymtabWritingMode::NoSymtab,
                                      object::Archive::K_GNU, /*Deterministic=*/true,
                                      /*Thin=*/false);
  if (!archive)
    return archive.takeError();
  OutputFiles output;
  if (Error error = output.add(path, (*archive)->getBuffer()))
    return error;
  return output.commit();
}
