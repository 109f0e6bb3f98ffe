//===- HostTensor.cpp - A dense tensor's bytes in host memory -------------===//

#include "weir/Support/HostTensor.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/Support/MathExtras.h"
#include <cstring>

using namespace mlir;
using namespace weir;

/// Attributes up to this size are printed inline, larger ones are resources.
static constexpr int64_t inlineBytes = 256;

/// A splat is a few bytes that stand for any number: expand no more than that.
static constexpr int64_t maxExpandedBytes = int64_t(1) << 30;

int64_t HostTensor::elementBytes(Type elementType) {
  if (auto complex = dyn_cast<ComplexType>(elementType))
    return 2 * elementBytes(complex.getElementType());
  if (!elementType.isIntOrIndexOrFloat())
    return 0;
  return elementType.isIndex() ? 8
                               : llvm::divideCeil(elementType.getIntOrFloatBitWidth(), 8);
}

HostTensor::HostTensor(RankedTensorType type) : type(type) {
  owned = std::make_shared<std::vector<char>>(type.getNumElements() *
                                              elementBytes(type.getElementType()));
  bytes = *owned;
}

MutableArrayRef<char> HostTensor::getMutableBytes() {
  assert(owned && "shared bytes are read-only");
  return *owned;
}

FailureOr<HostTensor> HostTensor::get(ElementsAttr attr) {
  auto type = dyn_cast<RankedTensorType>(attr.getType());
  if (!type || !type.hasStaticShape() || elementBytes(type.getElementType()) == 0)
    return failure();
  int64_t width = elementBytes(type.getElementType());
  int64_t size = width;
  for (int64_t extent : type.getShape())
    if (llvm::MulOverflow(size, extent, size))
      return failure();
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob || static_cast<int64_t>(blob->getData().size()) != size)
      return failure();
    return HostTensor(type, blob->getData());
  }
  auto dense = dyn_cast<DenseElementsAttr>(attr);
  if (!dense)
    return failure();
  bool packedBits = type.getElementType().isInteger(1);
  if (!packedBits && !dense.isSplat())
    return HostTensor(type, dense.getRawData());
  if (size > maxExpandedBytes)
    return failure();
  HostTensor tensor(type);
  if (packedBits) {
    for (auto [index, value] : llvm::enumerate(dense.getValues<bool>()))
      (*tensor.owned)[index] = value;
    return tensor;
  }
  for (int64_t i = 0, e = type.getNumElements(); i < e; ++i)
    std::memcpy(tensor.owned->data() + i * width, dense.getRawData().data(), width);
  return tensor;
}

static const llvm::fltSemantics &semanticsOf(Type type) {
  return cast<FloatType>(type).getFloatSemantics();
}

/// `value` without its fraction; what no 64-bit integer holds is the least one, as the
/// processor has it.
static int64_t truncate(double value) {
  return value >= -0x1p63 && value < 0x1p63 ? static_cast<int64_t>(value) : INT64_MIN;
}

int64_t HostTensor::getInt(int64_t index) const {
  Type element = type.getElementType();
  if (isa<FloatType>(element))
    return truncate(getFloat(index));
  int64_t width = getElementBytes();
  uint64_t raw = 0;
  std::memcpy(&raw, bytes.data() + index * width, width);
  if (element.isUnsignedInteger() || element.isInteger(1) || width == 8)
    return raw;
  return llvm::SignExtend64(raw,
                            element.isIndex() ? 64 : element.getIntOrFloatBitWidth());
}

double HostTensor::getFloat(int64_t index) const {
  Type element = type.getElementType();
  if (!isa<FloatType>(element))
    return static_cast<double>(getInt(index));
  int64_t width = getElementBytes();
  const char *at = bytes.data() + index * width;
  if (element.isF32()) {
    float value;
    std::memcpy(&value, at, sizeof value);
    return value;
  }
  if (element.isF64()) {
    double value;
    std::memcpy(&value, at, sizeof value);
    return value;
  }
  uint64_t raw = 0;
  std::memcpy(&raw, at, width);
  llvm::APFloat value(semanticsOf(element),
                      llvm::APInt(element.getIntOrFloatBitWidth(), raw));
  bool losesInfo;
  value.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven,
                &losesInfo);
  return value.convertToDouble();
}

void HostTensor::setInt(int64_t index, int64_t value) {
  Type element = type.getElementType();
  if (isa<FloatType>(element))
    return setFloat(index, static_cast<double>(value));
  int64_t width = getElementBytes();
  if (element.isInteger(1))
    value = value != 0;
  std::memcpy(getMutableBytes().data() + index * width, &value, width);
}

void HostTensor::setFloat(int64_t index, double value) {
  Type element = type.getElementType();
  if (!isa<FloatType>(element))
    return setInt(index, truncate(value));
  int64_t width = getElementBytes();
  char *at = getMutableBytes().data() + index * width;
  if (element.isF32()) {
    float narrow = static_cast<float>(value);
    std::memcpy(at, &narrow, sizeof narrow);
    return;
  }
  if (element.isF64()) {
    std::memcpy(at, &value, sizeof value);
    return;
  }
  llvm::APFloat narrow(value);
  bool losesInfo;
  narrow.convert(semanticsOf(element), llvm::APFloat::rmNearestTiesToEven, &losesInfo);
  uint64_t raw = narrow.bitcastToAPInt().getZExtValue();
  std::memcpy(at, &raw, width);
}

/// Element `index` of `bytes`, which nothing aligns.
template <typename Storage>
static Storage load(ArrayRef<char> bytes, size_t index) {
  Storage value;
  std::memcpy(&value, bytes.data() + index * sizeof(Storage), sizeof(Storage));
  return value;
}

template <typename Storage, typename T>
static void loadAll(ArrayRef<char> bytes, std::vector<T> &values) {
  for (size_t i = 0, e = values.size(); i < e; ++i)
    values[i] = static_cast<T>(load<Storage>(bytes, i));
}

template <typename T>
static bool loadIntegers(Type type, ArrayRef<char> bytes, std::vector<T> &values) {
  bool isUnsigned = type.isUnsignedInteger();
  if (type.isIndex() || type.isInteger(64))
    return loadAll<int64_t>(bytes, values), true;
  if (type.isInteger(1))
    return loadAll<uint8_t>(bytes, values), true;
  if (type.isInteger(32))
    return isUnsigned ? loadAll<uint32_t>(bytes, values)
                      : loadAll<int32_t>(bytes, values),
           true;
  if (type.isInteger(16))
    return isUnsigned ? loadAll<uint16_t>(bytes, values)
                      : loadAll<int16_t>(bytes, values),
           true;
  if (type.isInteger(8))
    return isUnsigned ? loadAll<uint8_t>(bytes, values) : loadAll<int8_t>(bytes, values),
           true;
  return false;
}

/// The values of all floats of 16 bits, by their bits.
static std::vector<float> tabulate(const llvm::fltSemantics &semantics) {
  std::vector<float> values(1 << 16);
  for (auto [bits, value] : llvm::enumerate(values)) {
    llvm::APFloat narrow(semantics, llvm::APInt(16, bits));
    bool losesInfo;
    narrow.convert(llvm::APFloat::IEEEsingle(), llvm::APFloat::rmNearestTiesToEven,
                   &losesInfo);
    value = narrow.convertToFloat();
  }
  return values;
}

static void loadNarrow(Type element, ArrayRef<char> bytes, std::vector<double> &values) {
  static const std::vector<float> half = tabulate(llvm::APFloat::IEEEhalf()),
                                  brain = tabulate(llvm::APFloat::BFloat());
  const std::vector<float> &table = element.isF16() ? half : brain;
  for (size_t i = 0, e = values.size(); i < e; ++i)
    values[i] = table[load<uint16_t>(bytes, i)];
}

std::vector<double> HostTensor::getFloats() const {
  std::vector<double> values(getNumElements());
  Type element = type.getElementType();
  if (element.isF16() || element.isBF16())
    loadNarrow(element, bytes, values);
  else if (element.isF32())
    loadAll<float>(bytes, values);
  else if (element.isF64())
    loadAll<double>(bytes, values);
  else if (!loadIntegers(element, bytes, values))
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = getFloat(i);
  return values;
}

std::vector<int64_t> HostTensor::getInts() const {
  std::vector<int64_t> values(getNumElements());
  if (!loadIntegers(type.getElementType(), bytes, values))
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = getInt(i);
  return values;
}

/// Narrows all values at once: asking each element for its type takes several times as
/// long.
template <typename Storage, typename T>
static void storeAll(ArrayRef<T> values, char *to) {
  for (auto [index, value] : llvm::enumerate(values)) {
    auto narrow = static_cast<Storage>(value);
    std::memcpy(to + index * sizeof(Storage), &narrow, sizeof(Storage));
  }
}

HostTensor HostTensor::fromFloats(RankedTensorType type, ArrayRef<double> values) {
  HostTensor tensor(type);
  if (type.getElementType().isF32())
    storeAll<float>(values, tensor.owned->data());
  else if (type.getElementType().isF64())
    storeAll<double>(values, tensor.owned->data());
  else
    for (size_t i = 0, e = values.size(); i < e; ++i)
      tensor.setFloat(i, values[i]);
  return tensor;
}

HostTensor HostTensor::fromInts(RankedTensorType type, ArrayRef<int64_t> values) {
  HostTensor tensor(type);
  Type element = type.getElementType();
  char *to = tensor.owned->data();
  if (element.isInteger(1))
    storeAll<bool>(values, to);
  else if (element.isInteger(8))
    storeAll<uint8_t>(values, to);
  else if (element.isInteger(32))
    storeAll<uint32_t>(values, to);
  else if (element.isInteger(64) || element.isIndex())
    storeAll<int64_t>(values, to);
  else
    for (size_t i = 0, e = values.size(); i < e; ++i)
      tensor.setInt(i, values[i]);
  return tensor;
}

HostTensor HostTensor::reinterpret(RankedTensorType other) const {
  HostTensor tensor = *this;
  tensor.type = other;
  assert(other.getNumElements() * tensor.getElementBytes() ==
             static_cast<int64_t>(bytes.size()) &&
         "the number of bytes stays");
  return tensor;
}

ElementsAttr HostTensor::toAttr(StringRef name) const {
  return makeElements(type, bytes, /*owner=*/nullptr, name);
}

ElementsAttr weir::makeElements(RankedTensorType type, ArrayRef<char> bytes,
                                std::shared_ptr<const void> owner, StringRef name) {
  bool isBool = type.getElementType().isInteger(1);
  if (isBool) {
    SmallVector<bool> values;
    values.reserve(bytes.size());
    for (char byte : bytes)
      values.push_back(byte != 0);
    return DenseElementsAttr::get(type, values);
  }
  int64_t width = HostTensor::elementBytes(type.getElementType());
  bool isSplat = !bytes.empty();
  for (int64_t i = width, e = bytes.size(); i < e && isSplat; i += width)
    isSplat = std::memcmp(bytes.data(), bytes.data() + i, width) == 0;
  if (isSplat)
    return DenseElementsAttr::getFromRawBuffer(type, bytes.take_front(width));
  if (static_cast<int64_t>(bytes.size()) <= inlineBytes)
    return DenseElementsAttr::getFromRawBuffer(type, bytes);
  // Users read elements in place: bytes at an odd address (of an external file) move.
  bool isAligned = llvm::isAddrAligned(llvm::Align(16), bytes.data());
  if (!owner || !isAligned)
    return DenseResourceElementsAttr::get(
        type, name, HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, 64));
  return DenseResourceElementsAttr::get(
      type, name,
      AsmResourceBlob(
          bytes, 16, [owner = std::move(owner)](void *, size_t, size_t) {},
          /*dataIsMutable=*/false));
}

ElementsAttr weir::getConstantElements(Value value) {
  Attribute attr; // a matcher of ElementsAttr would cast what NoValue holds
  if (value && matchPattern(value, m_Constant(&attr)))
    return dyn_cast<ElementsAttr>(attr);
  return nullptr;
}

std::optional<double> weir::getSplatNumber(Value value) {
  ElementsAttr attr = getConstantElements(value);
  if (!attr || attr.getNumElements() == 0 ||
      (attr.getNumElements() != 1 && !attr.isSplat()))
    return std::nullopt;
  FailureOr<HostTensor> tensor = HostTensor::get(attr);
  return succeeded(tensor) ? std::optional(tensor->getFloat(0)) : std::nullopt;
}

std::optional<SmallVector<int64_t>> weir::getConstantInts(Value value) {
  ElementsAttr attr = getConstantElements(value);
  auto type = attr ? dyn_cast<RankedTensorType>(attr.getType()) : nullptr;
  if (!type || type.getRank() > 1 || !type.getElementType().isIntOrIndex())
    return std::nullopt;
  FailureOr<HostTensor> tensor = HostTensor::get(attr);
  if (failed(tensor))
    return std::nullopt;
  SmallVector<int64_t> values;
  for (int64_t i = 0, e = tensor->getNumElements(); i < e; ++i)
    values.push_back(tensor->getInt(i));
  return values;
}
