//===- WeightProbe.h - A window whose weights can be changed --------------===//

#ifndef WEIR_LIB_RUNNER_WEIGHTPROBE_H
#define WEIR_LIB_RUNNER_WEIGHTPROBE_H

#include "Session.h"
#include "weir/Transforms/NarrowWeights.h"
#include "llvm/ADT/DenseMap.h"

namespace weir {

/// Weights that one product or several read, as inputs of the probe.
struct ProbedWeights {
  WeightProduct product; ///< the first of them
  std::string node;      ///< of the ONNX file
  uint64_t digest;
  size_t port;
  llvm::SmallVector<size_t> sums; ///< ports of sums of rows, each before that of squares
  int64_t numRows = 0;            ///< of a window, in all products
};

/// `@window` in f32, compiled so that its weights are inputs, and that it returns what
/// there is to know of the rows that they are multiplied with.
class WeightProbe {
public:
  static mlir::FailureOr<std::unique_ptr<WeightProbe>> make(mlir::ModuleOp module);

  const CompiledFunction &getWindow() const { return *compiled->lookup("window"); }
  llvm::ArrayRef<ProbedWeights> getWeights() const { return weights; }
  /// Of the window's last results, which are sums.
  size_t getNumSums() const;
  /// Bytes of all constants.
  int64_t getWeightBytes() const;
  /// Gives the window one of its weights, as it is or rounded.
  void fill(BoundFunction &window, size_t index, WeightKind kind = WeightKind::F32,
            mlir::DenseElementsAttr rows = nullptr) const;
  /// Means and variances of the elements of rows, [2, depth] for each of the weights, on
  /// the first `numWindows` of the samples. Null where nobody can tell.
  std::vector<mlir::DenseElementsAttr> observeRows(llvm::ArrayRef<Streams> samples,
                                                   int64_t numWindows) const;

private:
  void exposeWeights(mlir::func::FuncOp window, mlir::IRMapping &mapping);

  mlir::OwningOpRef<mlir::ModuleOp> lowered; // with its weights
  std::unique_ptr<CompiledModule> compiled;
  std::vector<ProbedWeights> weights;
};

} // namespace weir

#endif // WEIR_LIB_RUNNER_WEIGHTPROBE_H
