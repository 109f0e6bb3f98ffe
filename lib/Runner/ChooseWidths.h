//===- ChooseWidths.h - Which weights are stored in how many bits ---------===//

#ifndef WEIR_LIB_RUNNER_CHOOSEWIDTHS_H
#define WEIR_LIB_RUNNER_CHOOSEWIDTHS_H

#include "MeasureError.h"
#include "WeightProbe.h"

namespace weir {

/// Finds the kinds in which weights are stored, each as narrow as was asked for or wider,
/// such that errors on some windows of the samples stay within a bound.
class WidthChooser {
public:
  /// `rows`: what is known of the rows of each of the probe's weights.
  WidthChooser(const WeightProbe &probe, llvm::ArrayRef<mlir::DenseElementsAttr> rows,
               llvm::ArrayRef<Streams> samples, WindowRange range)
      : probe(probe), rows(rows), samples(samples), range(range) {}

  /// For each of the probe's weights. Wider ones are those that remove most of the
  /// squared error for the bytes that they add.
  std::vector<WeightKind> choose(WeightKind kind, double mostError);

private:
  bool widen(std::vector<WeightKind> &kinds, WeightKind to, double mostError);
  std::vector<double> measureAlone(WeightKind kind);
  double measure(llvm::ArrayRef<WeightKind> kinds);

  const WeightProbe &probe;
  llvm::ArrayRef<mlir::DenseElementsAttr> rows;
  llvm::ArrayRef<Streams> samples;
  WindowRange range;
};

/// The largest error of all outputs, in standard deviations of each.
double findLargest(llvm::ArrayRef<MeasuredError> errors);

} // namespace weir

#endif // WEIR_LIB_RUNNER_CHOOSEWIDTHS_H
