//===- Bench.cpp - Time a call --------------------------------------------===//

#include "Bench.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include <chrono>
#include <vector>

using namespace weir;
using Clock = std::chrono::steady_clock;

static double microseconds(Clock::duration span) {
  return std::chrono::duration<double, std::micro>(span).count();
}

void weir::printTiming(llvm::raw_ostream &os, llvm::StringRef name,
                       llvm::function_ref<void()> work) {
  constexpr double enough = 5e5;
  constexpr size_t fewest = 5, most = 1000;
  work(); // the first call meets cold caches
  std::vector<double> times;
  Clock::time_point start = Clock::now();
  while (times.size() < fewest ||
         (times.size() < most && microseconds(Clock::now() - start) < enough)) {
    Clock::time_point before = Clock::now();
    work();
    times.push_back(microseconds(Clock::now() - before));
  }
  llvm::sort(times);
  os << name
     << llvm::format(" %.1f us min, %.1f us median\n", times.front(),
                     times[times.size() / 2]);
}
