//===- MeasureError.cpp - How far a rewritten model is from its original --===//

#include "MeasureError.h"
#include "Session.h"
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

/// Numbers of ports that are outputs.
static SmallVector<size_t> outputsOf(BoundFunction &function) {
  SmallVector<size_t> outputs;
  for (auto [index, port] : llvm::enumerate(function.getPorts()))
    if (port.kind == Port::Output)
      outputs.push_back(index);
  return outputs;
}

std::vector<MeasuredError> weir::measureErrors(const CompiledModule &original,
                                               const CompiledModule &rewritten,
                                               ArrayRef<Streams> samples) {
  const CompiledFunction &windowBefore = *original.lookup("window");
  const CompiledFunction &windowAfter = *rewritten.lookup("window");
  std::vector<ErrorSums> sums;
  for (const Streams &sample : samples) {
    WindowSession before(windowBefore, sample, 0), after(windowAfter, sample, 0);
    SmallVector<size_t> from = outputsOf(before.bound), to = outputsOf(after.bound);
    sums.resize(from.size());
    for (int64_t window = 0; window < sample.numWindows; ++window) {
      before.run(window);
      after.run(window);
      for (auto [sum, i, j] : llvm::zip_equal(sums, from, to)) {
        const Port &port = before.bound.getPorts()[i];
        for (auto [x, y] : llvm::zip_equal(readNumbers(port, before.bound.getBuffer(i)),
                                           readNumbers(port, after.bound.getBuffer(j))))
          sum.add(x, y);
      }
    }
  }
  std::vector<MeasuredError> errors;
  for (const ErrorSums &sum : sums)
    errors.push_back(sum.finish());
  return errors;
}

FailureOr<std::vector<MeasuredError>>
weir::measureErrors(ModuleOp original, ModuleOp rewritten, ArrayRef<Streams> samples) {
  auto first = CompiledModule::compile(original);
  if (failed(first))
    return failure();
  auto second = CompiledModule::compile(rewritten);
  if (failed(second))
    return failure();
  return measureErrors(**first, **second, samples);
}
