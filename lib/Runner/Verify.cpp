//===- Verify.cpp - Is the step what the window is? -----------------------===//

#include "Verify.h"
#include "llvm/ADT/APFloat.h"
#include <cmath>
#include <cstring>

using namespace llvm;
using namespace weir;

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

static double readElement(const NpyArray &array, int64_t index) {
  const char *at = array.bytes.data() + index * array.elementBytes();
  StringRef type = array.dtype;
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

static void compare(const NpyArray &step, const NpyArray &window,
                    Difference &difference) {
  double infinity = std::numeric_limits<double>::infinity();
  for (int64_t i = 0, e = window.numElements(); i < e; ++i) {
    double x = readElement(step, i), y = readElement(window, i);
    if (std::isfinite(y))
      difference.scale = std::max(difference.scale, std::abs(y));
    bool same = x == y || (std::isnan(x) && std::isnan(y));
    double distance = std::abs(x - y);
    if (!same)
      difference.largest =
          std::max(difference.largest, std::isnan(distance) ? infinity : distance);
  }
}

Difference weir::compareOutputs(Outputs steps, Outputs windows) {
  Difference difference;
  for (const auto &[step, window] : zip_equal(steps, windows))
    compare(step.second, window.second, difference);
  return difference;
}
