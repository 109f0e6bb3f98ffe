//===- Npy.cpp - NumPy's array files --------------------------------------===//
// The header is a Python dict literal:
//   {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }

#include "weir/Support/Npy.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;
using namespace weir;

static constexpr StringLiteral magic = "\x93NUMPY";

int64_t NpyArray::numElements() const {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

int64_t NpyArray::elementBytes() const {
  int64_t width = 0;
  (void)StringRef(dtype).drop_front().getAsInteger(10, width);
  return width;
}

template <typename T>
static double readAs(const char *at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return static_cast<double>(value);
}

static double readHalf(const char *at, const fltSemantics &semantics) {
  uint16_t bits;
  std::memcpy(&bits, at, sizeof bits);
  APFloat value(semantics, APInt(16, bits));
  bool losesInfo;
  value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &losesInfo);
  return value.convertToDouble();
}

double NpyArray::getElement(int64_t index) const {
  const char *at = bytes.data() + index * elementBytes();
  StringRef type = dtype;
  if (type == "f4")
    return readAs<float>(at);
  if (type == "f8")
    return readAs<double>(at);
  if (type == "f2")
    return readHalf(at, APFloat::IEEEhalf());
  if (type == "V2")
    return readHalf(at, APFloat::BFloat());
  if (type == "i8" || type == "u8")
    return readAs<int64_t>(at);
  if (type == "i4")
    return readAs<int32_t>(at);
  if (type == "u4")
    return readAs<uint32_t>(at);
  if (type == "i2")
    return readAs<int16_t>(at);
  if (type == "u2")
    return readAs<uint16_t>(at);
  return type == "i1" ? readAs<int8_t>(at) : readAs<uint8_t>(at);
}

std::string weir::getNpyType(mlir::Type element) {
  if (element.isInteger(1))
    return "b1";
  if (element.isBF16())
    return "V2";
  if (!element.isIntOrFloat())
    return "";
  unsigned width = element.getIntOrFloatBitWidth();
  if (width % 8 != 0)
    return "";
  const char *kind = isa<mlir::FloatType>(element) ? "f"
                     : element.isUnsignedInteger() ? "u"
                                                   : "i";
  return kind + std::to_string(width / 8);
}

std::string weir::getNpyName(StringRef dtype) {
  StringRef kind = StringSwitch<StringRef>(dtype.take_front())
                       .Case("f", "float")
                       .Case("i", "int")
                       .Case("u", "uint")
                       .Case("c", "complex")
                       .Default("");
  unsigned bytes;
  if (dtype == "b1")
    return "bool";
  if (dtype == "V2")
    return "bfloat16";
  if (kind.empty() || dtype.drop_front().getAsInteger(10, bytes))
    return dtype.str();
  return (kind + Twine(8 * bytes)).str();
}

static Error malformed(const Twine &why) {
  return createStringError("is no .npy file: " + why);
}

/// The text after `'key':` in the header.
static StringRef findEntry(StringRef header, StringRef key) {
  size_t at = header.find(("'" + key + "'").str());
  if (at == StringRef::npos)
    return "";
  return header.drop_front(at).split(':').second.ltrim();
}

/// Sizes whose elements, of `width` bytes, have a number of bytes.
static Expected<std::vector<int64_t>> parseShape(StringRef text, int64_t width) {
  if (!text.consume_front("("))
    return malformed("no shape in the header");
  SmallVector<StringRef> sizes;
  text.split(')').first.split(sizes, ',', -1, /*KeepEmpty=*/false);
  std::vector<int64_t> shape;
  int64_t bytes = width;
  for (StringRef size : sizes) {
    int64_t value;
    if (size.trim().empty())
      continue;
    if (size.trim().getAsInteger(10, value) || value < 0)
      return malformed("a size in the header is no number");
    if (MulOverflow(bytes, std::max<int64_t>(value, 1), bytes))
      return malformed("the shape in the header overflows");
    shape.push_back(value);
  }
  return shape;
}

/// Elements of an array in column-major order, in row-major order.
static std::vector<char> toRowMajor(const NpyArray &array) {
  std::vector<char> result(array.bytes.size());
  int64_t width = array.elementBytes(), count = array.numElements();
  std::vector<int64_t> index(array.shape.size(), 0);
  for (int64_t to = 0; to < count; ++to) {
    int64_t from = 0, stride = 1;
    for (size_t dim = 0; dim < index.size(); ++dim) {
      from += index[dim] * stride;
      stride *= array.shape[dim];
    }
    std::memcpy(&result[to * width], &array.bytes[from * width], width);
    for (size_t dim = index.size(); dim-- > 0 && ++index[dim] == array.shape[dim];)
      index[dim] = 0;
  }
  return result;
}

static void swapBytes(NpyArray &array) {
  int64_t width = array.elementBytes();
  for (size_t at = 0; at + width <= array.bytes.size(); at += width)
    std::reverse(array.bytes.begin() + at, array.bytes.begin() + at + width);
}

/// Splits off the header; `content` is left with the elements.
static Expected<StringRef> takeHeader(StringRef &content) {
  if (!content.consume_front(magic) || content.size() < 4)
    return malformed("it does not start with NumPy's magic bytes");
  unsigned major = static_cast<unsigned char>(content[0]);
  size_t width = major == 1 ? 2 : 4;
  if (major < 1 || major > 3 || content.size() < 2 + width)
    return malformed("unknown version " + Twine(major));
  const char *at = content.data() + 2;
  size_t length =
      width == 2 ? support::endian::read16le(at) : support::endian::read32le(at);
  content = content.drop_front(2 + width);
  if (content.size() < length)
    return malformed("the header is cut short");
  StringRef header = content.take_front(length);
  content = content.drop_front(length);
  return header;
}

Expected<NpyArray> weir::parseNpy(StringRef content) {
  Expected<StringRef> header = takeHeader(content);
  if (!header)
    return header.takeError();
  StringRef descr = findEntry(*header, "descr");
  if (!descr.consume_front("'") || descr.size() < 3)
    return malformed("structured or missing dtype");
  descr = descr.split('\'').first;
  if (descr == "bfloat16")
    descr = "<V2";
  char order = descr.front();
  NpyArray array;
  array.dtype = descr.drop_front().str();
  if (!StringRef("<>|=").contains(order) || !StringRef("fiubV").contains(descr[1]) ||
      array.elementBytes() < 1 || array.elementBytes() > 8)
    return createStringError("holds " + getNpyName(array.dtype) +
                             ", which is not supported");
  Expected<std::vector<int64_t>> shape =
      parseShape(findEntry(*header, "shape"), array.elementBytes());
  if (!shape)
    return shape.takeError();
  array.shape = *shape;
  int64_t bytes = array.numElements() * array.elementBytes();
  if (static_cast<int64_t>(content.size()) < bytes)
    return malformed("it holds " + Twine(content.size()) +
                     " bytes of elements instead of " + Twine(bytes));
  array.bytes.assign(content.begin(), content.begin() + bytes);
  if (order == '>')
    swapBytes(array);
  if (findEntry(*header, "fortran_order").starts_with("True"))
    array.bytes = toRowMajor(array);
  return array;
}

Expected<NpyArray> weir::readNpy(StringRef path) {
  auto buffer = MemoryBuffer::getFile(path, /*IsText=*/false,
                                      /*RequiresNullTerminator=*/false);
  if (!buffer)
    return createStringError("'" + path +
                             "' cannot be read: " + buffer.getError().message());
  Expected<NpyArray> array = parseNpy((*buffer)->getBuffer());
  if (!array)
    return createStringError("'" + path + "' " + toString(array.takeError()));
  return array;
}

std::string weir::formatNpy(const NpyArray &array) {
  std::string header = "{'descr': '";
  header += array.elementBytes() == 1 || array.dtype[0] == 'V' ? '|' : '<';
  header += array.dtype + "', 'fortran_order': False, 'shape': (";
  for (int64_t size : array.shape)
    header += std::to_string(size) + ",";
  header += "), }";
  // Magic, version and length take 10 bytes; elements start at a multiple of 64.
  size_t length = alignTo(10 + header.size() + 1, 64) - 10;
  header.resize(length - 1, ' ');
  header += '\n';
  std::string text = magic.str();
  text += {'\1', '\0', static_cast<char>(length & 0xff), static_cast<char>(length >> 8)};
  text += header;
  text.append(array.bytes.begin(), array.bytes.end());
  return text;
}
