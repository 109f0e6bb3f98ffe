//===- Verify.cpp - Is the step what the window is? -----------------------===//

#include "Verify.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace llvm;
using namespace weir;

/// The last place of a number of 16 bits, in units of the number.
static double getUnit(StringRef dtype) {
  return dtype == "f2" ? 0x1p-10 : dtype == "V2" ? 0x1p-7 : 0;
}

static void compare(const NpyArray &step, const NpyArray &window,
                    Difference &difference) {
  double infinity = std::numeric_limits<double>::infinity();
  difference.unit = std::max(difference.unit, getUnit(window.dtype));
  for (int64_t i = 0, e = window.numElements(); i < e; ++i) {
    double x = step.getElement(i), y = window.getElement(i);
    if (std::isfinite(y))
      difference.scale = std::max(difference.scale, std::abs(y));
    bool same = x == y || (std::isnan(x) && std::isnan(y));
    double distance = std::abs(x - y);
    if (!same)
      difference.largest =
          std::max(difference.largest, std::isnan(distance) ? infinity : distance);
  }
}

void weir::print(raw_ostream &os, const Difference &difference) {
  os << "largest difference "
     << format("%.3g (%.3g", difference.largest, difference.relative())
     << " of the largest output " << format("%.4g)", difference.scale) << '\n';
}

std::vector<std::pair<std::string, NpyArray>> weir::dropSteps(Outputs outputs,
                                                              int64_t count) {
  std::vector<std::pair<std::string, NpyArray>> rest(outputs.begin(), outputs.end());
  for (auto &[name, array] : rest) {
    int64_t steps = array.shape.front();
    size_t stepBytes = steps ? array.bytes.size() / steps : 0;
    array.bytes.erase(array.bytes.begin(), array.bytes.begin() + count * stepBytes);
    array.shape.front() -= count;
  }
  return rest;
}

Difference weir::compareOutputs(Outputs steps, Outputs windows) {
  Difference difference;
  for (const auto &[step, window] : zip_equal(steps, windows))
    compare(step.second, window.second, difference);
  return difference;
}
