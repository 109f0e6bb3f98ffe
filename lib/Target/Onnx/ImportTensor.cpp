//===- ImportTensor.cpp - Tensors of a file become attributes -------------===//
// Weights are never copied: a large constant is a resource that keeps the parsed
// string, or the mapped external file, alive. Nothing in a file is believed: sizes are
// computed without overflow and compared with the bytes that are there, and external
// data must be a regular file inside the model's folder, also behind symbolic links.

#include "ImportTensor.h"
#include "ElementTypes.h"
#include "weir/Dialect/Onnx/Limits.h"
#include "weir/Support/HostTensor.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace weir;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

template <typename... Ts>
static llvm::Error error(const char *format, Ts &&...ts) {
  return llvm::createStringError(llvm::formatv(format, std::forward<Ts>(ts)...).str());
}

/// Elements of a shape; nothing when a dimension is negative or the number overflows.
/// Zero dimensions do not excuse the others: later arithmetic multiplies those, too.
static std::optional<int64_t> countElements(ArrayRef<int64_t> dims) {
  int64_t nonZero = 1;
  for (int64_t dim : dims)
    if (dim < 0 || (dim > 0 && llvm::MulOverflow(nonZero, dim, nonZero)))
      return std::nullopt;
  return llvm::is_contained(dims, 0) ? 0 : nonZero;
}

/// One byte an element from elements of 2 or 4 bits, the first in the low bits; the
/// other bits of a byte are zero. Example: 4 bits, 0xf1 -> 0x01, 0x0f.
static std::string unpack(ArrayRef<char> packed, int64_t count, unsigned bits) {
  std::string bytes(count, 0);
  unsigned perByte = 8 / bits;
  for (int64_t i = 0; i < count; ++i) {
    unsigned shifted = static_cast<uint8_t>(packed[i / perByte]) >> (i % perByte * bits);
    bytes[i] = static_cast<char>(shifted & ((1u << bits) - 1));
  }
  return bytes;
}

llvm::Expected<ElementsAttr> TensorImporter::import(const source::Tensor &tensor,
                                                    StringRef name) {
  std::optional<ElementType> element = toElementType(tensor.type, context);
  if (!element)
    return error("has elements of type {0}, which Weir does not read",
                 nameOf(tensor.type));
  std::optional<int64_t> count = countElements(tensor.dims);
  int64_t bits = 0;
  if (!count || llvm::MulOverflow<int64_t>(*count, element->storedBits, bits))
    return error("has the impossible shape [{0}]",
                 llvm::make_range(tensor.dims.begin(), tensor.dims.end()));
  if (std::string why = onnx::whyUnbearable(tensor.dims); !why.empty())
    return error("has {0}", why);
  int64_t size = llvm::divideCeil(bits, 8);

  Bytes bytes;
  if (tensor.external) {
    llvm::Expected<Bytes> external = readExternal(*tensor.external, size);
    if (!external)
      return external.takeError();
    bytes = std::move(*external);
  } else {
    bytes = {ArrayRef<char>(tensor.bytes->data(), tensor.bytes->size()), tensor.bytes};
  }
  if (static_cast<int64_t>(bytes.data.size()) != size)
    return error("of shape [{0}] and type {1} needs {2} bytes, but the file holds {3}",
                 llvm::make_range(tensor.dims.begin(), tensor.dims.end()),
                 nameOf(tensor.type), size, bytes.data.size());
  if (element->storedBits < 8) {
    auto unpacked =
        std::make_shared<std::string>(unpack(bytes.data, *count, element->storedBits));
    bytes = {ArrayRef<char>(unpacked->data(), unpacked->size()), unpacked};
  }
  return makeElements(RankedTensorType::get(tensor.dims, element->type), bytes.data,
                      bytes.owner, name);
}

llvm::Expected<TensorImporter::Bytes>
TensorImporter::readExternal(const source::ExternalData &external, int64_t size) {
  uint64_t offset = 0, length = size;
  if (!external.offset.empty() && StringRef(external.offset).getAsInteger(10, offset))
    return error("starts at '{0}' of its data file, which is no number", external.offset);
  if (!external.length.empty() && StringRef(external.length).getAsInteger(10, length))
    return error("takes '{0}' bytes of its data file, which is no number",
                 external.length);
  llvm::Expected<Bytes> file = mapFile(external.location);
  if (!file)
    return file.takeError();
  if (offset > file->data.size() || length > file->data.size() - offset)
    return error("takes bytes {0} to {0} + {1} of '{2}', which has {3}", offset, length,
                 external.location, file->data.size());
  return Bytes{file->data.slice(offset, length), file->owner};
}

/// Where `location` leads, if that is inside the folder.
static llvm::Expected<std::string> resolveInside(StringRef modelPath,
                                                 StringRef location) {
  SmallString<128> folder, file;
  StringRef parent = path::parent_path(modelPath);
  if (std::error_code code = fs::real_path(parent.empty() ? "." : parent, folder))
    return error("lies in a folder that cannot be read: {0}", code.message());
  if (location.empty() || location.contains('\0') || path::is_absolute(location) ||
      llvm::is_contained(llvm::make_range(path::begin(location), path::end(location)),
                         ".."))
    return error("keeps its data in '{0}', which is not inside the model's folder",
                 location);
  SmallString<128> joined(folder);
  path::append(joined, location);
  if (std::error_code code = fs::real_path(joined, file))
    return error("keeps its data in '{0}', which cannot be read: {1}", location,
                 code.message());
  SmallString<128> inside(folder);
  if (!inside.ends_with(path::get_separator()))
    inside += path::get_separator();
  if (!file.starts_with(inside))
    return error("keeps its data in '{0}', which is not inside the model's folder",
                 location);
  return std::string(file);
}

llvm::Expected<TensorImporter::Bytes> TensorImporter::mapFile(StringRef location) {
  auto known = mappedFiles.find(location);
  if (known != mappedFiles.end())
    return known->second;
  llvm::Expected<std::string> file = resolveInside(modelPath, location);
  if (!file)
    return file.takeError();
  fs::file_status status;
  if (fs::status(*file, status) || status.type() != fs::file_type::regular_file)
    return error("keeps its data in '{0}', which is not a regular file", location);
  Bytes bytes;
  if (status.getSize() > 0) {
    llvm::Expected<fs::file_t> handle = fs::openNativeFileForRead(*file);
    if (!handle)
      return handle.takeError();
    std::error_code code;
    auto region = std::make_shared<fs::mapped_file_region>(
        *handle, fs::mapped_file_region::readonly, status.getSize(), 0, code);
    fs::closeFile(*handle);
    if (code)
      return error("keeps its data in '{0}', which cannot be read: {1}", location,
                   code.message());
    bytes = {ArrayRef<char>(region->const_data(), region->size()), region};
  }
  mappedFiles[location] = bytes;
  return bytes;
}
