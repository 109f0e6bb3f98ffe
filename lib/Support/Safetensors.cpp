//===- Safetensors.cpp - Files of named tensors ---------------------------===//
// Eight bytes with the header's length, the header as JSON, then the elements:
//   {"w": {"dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48]}}
// in row-major order and little-endian. Offsets count from the end of the header.

#include "weir/Support/Safetensors.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;
using namespace weir;

static Error malformed(const Twine &why) {
  return createStringError("is no .safetensors file: " + why);
}

/// NumPy's kind and size, "" for what NpyArray does not hold.
static StringRef toNpyType(StringRef dtype) {
  return StringSwitch<StringRef>(dtype)
      .Case("F64", "f8")
      .Case("F32", "f4")
      .Case("F16", "f2")
      .Case("BF16", "V2")
      .Case("I64", "i8")
      .Case("I32", "i4")
      .Case("I16", "i2")
      .Case("I8", "i1")
      .Case("U64", "u8")
      .Case("U32", "u4")
      .Case("U16", "u2")
      .Case("U8", "u1")
      .Case("BOOL", "b1")
      .Default("");
}

/// Numbers that are sizes or offsets; none where the entry is anything else.
static std::optional<std::vector<int64_t>> getSizes(const json::Object &entry,
                                                    StringRef key) {
  const json::Array *array = entry.getArray(key);
  if (!array)
    return std::nullopt;
  std::vector<int64_t> sizes;
  for (const json::Value &value : *array) {
    std::optional<int64_t> size = value.getAsInteger();
    if (!size || *size < 0)
      return std::nullopt;
    sizes.push_back(*size);
  }
  return sizes;
}

static Expected<NpyArray> parseTensor(const json::Value &value, StringRef elements) {
  const json::Object *entry = value.getAsObject();
  if (!entry)
    return createStringError("is no object");
  std::optional<StringRef> dtype = entry->getString("dtype");
  auto shape = getSizes(*entry, "shape"), offsets = getSizes(*entry, "data_offsets");
  if (!dtype || !shape || !offsets || offsets->size() != 2)
    return createStringError("lacks a dtype, a shape or two data_offsets");
  NpyArray array;
  array.dtype = toNpyType(*dtype).str();
  if (array.dtype.empty())
    return createStringError("holds " + *dtype + ", which is not supported");
  int64_t bytes = array.elementBytes();
  for (int64_t size : *shape)
    if (MulOverflow(bytes, size, bytes))
      return createStringError("has a shape that overflows");
  auto [begin, end] = std::pair((*offsets)[0], (*offsets)[1]);
  if (begin > end || end > static_cast<int64_t>(elements.size()))
    return createStringError("ends at byte " + Twine(end) + " of " +
                             Twine(elements.size()));
  if (end - begin != bytes)
    return createStringError("has " + Twine(end - begin) + " bytes for a shape of " +
                             Twine(bytes));
  array.shape = std::move(*shape);
  array.bytes.assign(elements.begin() + begin, elements.begin() + end);
  return array;
}

Expected<NamedArrays> weir::parseSafetensors(StringRef content) {
  if (content.size() < 8)
    return malformed("it is cut short");
  uint64_t length = support::endian::read64le(content.data());
  content = content.drop_front(8);
  if (length > content.size())
    return malformed("its header is cut short");
  Expected<json::Value> header = json::parse(content.take_front(length));
  if (!header)
    return malformed(toString(header.takeError()));
  const json::Object *entries = header->getAsObject();
  if (!entries)
    return malformed("its header is no object");
  NamedArrays arrays;
  for (const auto &[key, value] : *entries) {
    StringRef name = key;
    if (name == "__metadata__")
      continue;
    Expected<NpyArray> array = parseTensor(value, content.drop_front(length));
    if (!array)
      return malformed("'" + name + "' " + toString(array.takeError()));
    arrays.emplace_back(name, std::move(*array));
  }
  sort(arrays, less_first());
  return arrays;
}

Expected<NamedArrays> weir::readNamedArrays(StringRef path) {
  if (path.ends_with(".npz"))
    return readNpz(path);
  if (!path.ends_with(".safetensors"))
    return createStringError("'" + path + "' is neither .npz nor .safetensors");
  auto buffer = MemoryBuffer::getFile(path, /*IsText=*/false,
                                      /*RequiresNullTerminator=*/false);
  if (!buffer)
    return createStringError("'" + path +
                             "' cannot be read: " + buffer.getError().message());
  Expected<NamedArrays> arrays = parseSafetensors((*buffer)->getBuffer());
  if (!arrays)
    return createStringError("'" + path + "' " + toString(arrays.takeError()));
  return arrays;
}
