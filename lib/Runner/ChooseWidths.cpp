//===- ChooseWidths.cpp - Which weights are stored in how many bits -------===//
// Roundings of different weights are independent: squares of their errors in the outputs
// add up, and the largest error follows their root. So a run with each of the weights
// narrow alone tells which of them to widen, and how many; runs with all of them verify
// it.
//
//   int8  ->  bf16  ->  f32        as many of the weights as it takes, then the next

#include "ChooseWidths.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>
#include <numeric>

using namespace mlir;
using namespace weir;

double weir::findLargest(ArrayRef<MeasuredError> errors) {
  double largest = 0;
  for (const MeasuredError &error : errors)
    largest = std::max(largest, error.largestOfSpread);
  return largest;
}

static int64_t bytesOf(WeightKind kind) {
  return kind == WeightKind::F32 ? 4 : kind == WeightKind::Int8 ? 1 : 2;
}

/// The largest error of all windows.
double WidthChooser::measure(ArrayRef<WeightKind> kinds) {
  auto fill = [&](bool isNarrow) {
    return [&, isNarrow](BoundFunction &window) {
      for (size_t i = 0; i < kinds.size(); ++i)
        probe.fill(window, i, isNarrow ? kinds[i] : WeightKind::F32, rows[i]);
    };
  };
  std::vector<MeasuredError> errors = measureErrors(
      {probe.getWindow(), fill(false)}, {probe.getWindow(), fill(true)}, samples, range);
  errors.resize(errors.size() - probe.getNumSums());
  return findLargest(errors);
}

/// For each of the weights, the mean square of the error that it makes alone, on one
/// window; of several outputs, the largest.
std::vector<double> WidthChooser::measureAlone(WeightKind kind) {
  WindowLocation place = locateWindow(samples, range.first);
  WindowSession session(probe.getWindow(), *place.sample, 0);
  size_t numWeights = probe.getWeights().size();
  for (size_t i = 0; i < numWeights; ++i)
    probe.fill(session.bound, i);
  session.run(place.index);
  std::vector<std::vector<double>> exact = readOutputs(session.bound);
  exact.resize(exact.size() - probe.getNumSums());
  std::vector<double> squares(numWeights);
  for (size_t i = 0; i < numWeights; ++i) {
    probe.fill(session.bound, i, kind, rows[i]);
    session.run(place.index);
    for (auto [before, after] : llvm::zip(exact, readOutputs(session.bound))) {
      double rms = compareNumbers(before, after).rmsOfSpread;
      squares[i] = std::max(squares[i], rms * rms);
    }
    probe.fill(session.bound, i);
  }
  return squares;
}

/// Stores weights as `to` until errors are within the bound, or none is left.
bool WidthChooser::widen(std::vector<WeightKind> &kinds, WeightKind to,
                         double mostError) {
  double largest = measure(kinds);
  if (largest <= mostError)
    return true;
  std::vector<double> squares = measureAlone(kinds.front());
  std::vector<size_t> order(kinds.size());
  std::iota(order.begin(), order.end(), 0);
  auto gain = [&](size_t i) {
    double added = bytesOf(to) - bytesOf(kinds.front());
    return squares[i] / (added * probe.getWeights()[i].product.type().getNumElements());
  };
  llvm::stable_sort(order, [&](size_t a, size_t b) { return gain(a) > gain(b); });
  double left = 0;
  for (double square : squares)
    left += square;
  size_t next = 0;
  while (largest > mostError && next < order.size()) {
    double wanted = left * std::pow(mostError / largest, 2);
    do { // at least one, and those that no sum needs are not asked for
      left -= squares[order[next]];
      kinds[order[next++]] = to;
    } while (next < order.size() && !(left <= wanted));
    largest = measure(kinds);
  }
  return largest <= mostError;
}

std::vector<WeightKind> WidthChooser::choose(WeightKind kind, double mostError) {
  std::vector<WeightKind> kinds(probe.getWeights().size(), kind);
  if (kind == WeightKind::Int8 && widen(kinds, WeightKind::BF16, mostError))
    return kinds;
  (void)widen(kinds, WeightKind::F32, mostError);
  return kinds;
}
