//===- Npz.cpp - Zips of arrays -------------------------------------------===//

#include "weir/Support/Npy.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include <zip.h>

using namespace llvm;
using namespace weir;

using Archive = std::unique_ptr<zip_t, decltype(&zip_discard)>;

static Error unreadable(StringRef path, const Twine &why) {
  return createStringError("'" + path + "' cannot be read: " + why);
}

/// The content of an entry. What the archive says of its size is not believed: a damaged
/// one may ask for more than there is.
static Expected<std::string> readEntry(zip_t *archive, zip_uint64_t index) {
  std::unique_ptr<zip_file_t, decltype(&zip_fclose)> file(
      zip_fopen_index(archive, index, 0), &zip_fclose);
  if (!file)
    return createStringError(zip_strerror(archive));
  std::string content;
  std::vector<char> block(1 << 16);
  while (true) {
    zip_int64_t count = zip_fread(file.get(), block.data(), block.size());
    if (count < 0) // the checksum, too
      return createStringError(zip_error_strerror(zip_file_get_error(file.get())));
    if (count == 0)
      return content;
    content.append(block.data(), count);
  }
}

Expected<NamedArrays> weir::readNpz(StringRef path) {
  int code = 0;
  Archive archive(zip_open(path.str().c_str(), ZIP_RDONLY, &code), &zip_discard);
  if (!archive) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    std::string why = zip_error_strerror(&error);
    zip_error_fini(&error);
    return unreadable(path, why);
  }
  NamedArrays arrays;
  StringSet<> names;
  for (zip_int64_t i = 0; i < zip_get_num_entries(archive.get(), 0); ++i) {
    const char *entry = zip_get_name(archive.get(), i, 0);
    StringRef name = entry ? entry : "";
    if (!name.consume_back(".npy"))
      continue;
    if (!names.insert(name).second)
      return unreadable(path, "it holds two arrays '" + name + "'");
    Expected<std::string> content = readEntry(archive.get(), i);
    if (!content)
      return unreadable(path, "'" + name + "': " + toString(content.takeError()));
    Expected<NpyArray> array = parseNpy(*content);
    if (!array)
      return unreadable(path, "'" + name + "' " + toString(array.takeError()));
    arrays.emplace_back(name, std::move(*array));
  }
  return arrays;
}

/// Adds `name`.npy; the content must live until the archive is closed.
static bool addEntry(zip_t *archive, const std::string &name,
                     const std::string &content) {
  zip_source_t *source = zip_source_buffer(archive, content.data(), content.size(), 0);
  if (!source)
    return false;
  zip_int64_t index =
      zip_file_add(archive, (name + ".npy").c_str(), source, ZIP_FL_ENC_UTF_8);
  if (index < 0) {
    zip_source_free(source);
    return false;
  }
  return zip_set_file_compression(archive, index, ZIP_CM_STORE, 0) == 0;
}

/// An archive without entries, which libzip does not write.
static Error writeEmpty(StringRef path) {
  std::error_code code;
  raw_fd_ostream os(path, code);
  if (code)
    return createStringError(code.message());
  os << StringRef("PK\5\6", 4) << std::string(18, '\0');
  return Error::success();
}

static Error writeArchive(StringRef path,
                          ArrayRef<std::pair<std::string, NpyArray>> arrays) {
  if (arrays.empty())
    return writeEmpty(path);
  int code = 0;
  zip_t *archive = zip_open(path.str().c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  if (!archive)
    return createStringError("error " + Twine(code) + " of libzip");
  std::vector<std::string> contents;
  for (const auto &[name, array] : arrays)
    contents.push_back(formatNpy(array));
  bool added = true;
  for (size_t i = 0; i < arrays.size(); ++i)
    added = added && addEntry(archive, arrays[i].first, contents[i]);
  if (added && zip_close(archive) == 0)
    return Error::success();
  std::string why = zip_strerror(archive);
  zip_discard(archive);
  return createStringError(why);
}

Error weir::writeNpz(StringRef path, ArrayRef<std::pair<std::string, NpyArray>> arrays) {
  SmallString<128> temporary;
  if (std::error_code code = sys::fs::createUniqueFile(path + ".%%%%%%%%", temporary))
    return createStringError("'" + path + "' cannot be written: " + code.message());
  Error error = writeArchive(temporary, arrays);
  if (!error)
    if (std::error_code code = sys::fs::rename(temporary, path))
      error = createStringError(code.message());
  if (!error)
    return error;
  sys::fs::remove(temporary);
  return createStringError("'" + path +
                           "' cannot be written: " + toString(std::move(error)));
}
