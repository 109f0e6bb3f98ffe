//===- MeasureError.cpp - How far a rewritten model is from its original --===//

#include "MeasureError.h"
#include "weir/Support/HostTensor.h"
#include <cmath>

using namespace mlir;
using namespace weir;

namespace {
/// Sums over all windows of one result.
struct ErrorSums {
  double squares = 0, squaresOfOriginal = 0, sumOfOriginal = 0;
  int64_t count = 0; // of finite numbers of the original
  double largest = 0, largestOfOriginal = 0;

  void add(double original, double rewritten);
  void add(ArrayRef<double> original, ArrayRef<double> rewritten) {
    for (auto [x, y] : llvm::zip_equal(original, rewritten))
      add(x, y);
  }
  MeasuredError finish() const;
};
} // namespace

void ErrorSums::add(double original, double rewritten) {
  bool same = original == rewritten || (std::isnan(original) && std::isnan(rewritten));
  double error = same ? 0 : std::abs(rewritten - original);
  if (std::isnan(error)) // a number and none
    error = HUGE_VAL;
  double size = std::isfinite(original) ? std::abs(original) : 0;
  squares += error * error;
  sumOfOriginal += std::isfinite(original) ? original : 0;
  count += std::isfinite(original);
  squaresOfOriginal += size * size;
  largest = std::max(largest, error);
  largestOfOriginal = std::max(largestOfOriginal, size);
}

MeasuredError ErrorSums::finish() const {
  auto over = [](double error, double size) { return size > 0 ? error / size : error; };
  double number = std::max<int64_t>(count, 1), mean = sumOfOriginal / number;
  double spread = std::sqrt(std::max(0.0, squaresOfOriginal / number - mean * mean));
  return {over(std::sqrt(squares), std::sqrt(squaresOfOriginal)),
          over(largest, largestOfOriginal), over(std::sqrt(squares / number), spread),
          over(largest, spread)};
}

/// What a port holds.
static std::vector<double> readNumbers(const Port &port, const std::vector<char> &bytes) {
  if (isa<FloatType>(port.type.getElementType())) {
    HostTensor tensor(port.type);
    llvm::copy(bytes, tensor.getMutableBytes().begin());
    return tensor.getFloats();
  }
  NpyArray array{getNpyType(port.type.getElementType()), port.type.getShape(), bytes};
  std::vector<double> numbers(array.numElements());
  for (size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = array.getElement(i);
  return numbers;
}

std::vector<std::vector<double>> weir::readOutputs(BoundFunction &window) {
  std::vector<std::vector<double>> outputs;
  for (auto [port, bytes] : llvm::zip_equal(window.getPorts(), window.getBuffers()))
    if (port.kind == Port::Output)
      outputs.push_back(readNumbers(port, bytes));
  return outputs;
}

MeasuredError weir::compareNumbers(ArrayRef<double> original,
                                   ArrayRef<double> rewritten) {
  ErrorSums sums;
  sums.add(original, rewritten);
  return sums.finish();
}

WindowLocation weir::locateWindow(ArrayRef<Streams> samples, int64_t number) {
  for (const Streams &sample : samples) {
    if (number < sample.numWindows)
      return {&sample, number};
    number -= sample.numWindows;
  }
  llvm_unreachable("samples have fewer windows");
}

std::vector<MeasuredError> weir::measureErrors(const ComparedWindow &original,
                                               const ComparedWindow &rewritten,
                                               ArrayRef<Streams> samples,
                                               WindowRange range) {
  std::vector<ErrorSums> sums;
  int64_t number = 0;
  for (const Streams &sample : samples) {
    int64_t begin = number;
    number += sample.numWindows;
    if (number <= range.first || begin >= range.first + range.count)
      continue;
    WindowSession before(original.function, sample, 0);
    WindowSession after(rewritten.function, sample, 0);
    original.prepare(before.bound);
    rewritten.prepare(after.bound);
    for (int64_t window = 0; window < sample.numWindows; ++window) {
      if (!range.contains(begin + window))
        continue;
      before.run(window);
      after.run(window);
      auto exact = readOutputs(before.bound), others = readOutputs(after.bound);
      sums.resize(std::min(exact.size(), others.size()));
      for (auto [sum, x, y] : llvm::zip(sums, exact, others))
        sum.add(x, y);
    }
  }
  std::vector<MeasuredError> errors;
  for (const ErrorSums &sum : sums)
    errors.push_back(sum.finish());
  return errors;
}

int64_t weir::countWindows(ArrayRef<Streams> samples) {
  int64_t count = 0;
  for (const Streams &sample : samples)
    count += sample.numWindows;
  return count;
}

FailureOr<std::vector<MeasuredError>>
weir::measureErrors(ModuleOp original, ModuleOp rewritten, ArrayRef<Streams> samples) {
  auto first = CompiledModule::compile(original);
  if (failed(first))
    return failure();
  auto second = CompiledModule::compile(rewritten);
  if (failed(second))
    return failure();
  return measureErrors({*(*first)->lookup("window")}, {*(*second)->lookup("window")},
                       samples, {0, countWindows(samples)});
}
