//===- FastDct.h - A transform in two short stages ------------------------===//
// With n = n1 n2 tokens, j = n2 a + b, the cosine of frequency k splits:
//
//   cos(pi (2j + 1) k / (2n)) = Re[e^(i pi (2b + 1) k / (2n)) e^(i pi a k / n1)]
//
// and the second factor only depends on k mod 2 n1; two residues r and 2 n1 - r have
// conjugate ones. So a product of n1 columns makes a cosine and a sine sum for each b and
// each r = 0..n1, and a product of 2 n2 columns for each r makes of them the frequencies
// with k = +-r: about 2 (n1 n + n2 m) multiplications a feature instead of n m, and
// tables of 2 (n1^2 + n2 m) numbers. The inverse is the adjoint.

#ifndef WEIR_LIB_CONVERSION_WEIRTOONNX_FASTDCT_H
#define WEIR_LIB_CONVERSION_WEIRTOONNX_FASTDCT_H

#include "weir/Dialect/Onnx/OnnxBuilder.h"

namespace weir {

class FastDct {
public:
  /// n = n1 n2, which n1 divides.
  FastDct(int64_t tokens, int64_t kept, int64_t n1);

  /// The split of the least work, if it beats the direct product.
  static std::optional<FastDct> get(int64_t tokens, int64_t kept);

  /// Multiplications a feature of a direct product that takes as long.
  double getCost() const;
  /// `scale` D x, of [.., tokens, features].
  mlir::Value transform(onnx::OnnxBuilder &make, mlir::Value x, double scale) const;
  /// `scale` D^T x, of [.., kept, features].
  mlir::Value invert(onnx::OnnxBuilder &make, mlir::Value x, double scale) const;

private:
  int64_t countMacs() const {
    return 2 * numResidues() * tokens + 2 * numResidues() * perResidue * n2;
  }
  int64_t numResidues() const { return frequencies.size(); }
  std::vector<double> makeSums() const;
  std::vector<double> makeTurns(double scale) const;

  int64_t tokens, kept, n1, n2;
  /// For each residue r, the frequencies k < kept with k = +-r mod 2 n1.
  llvm::SmallVector<llvm::SmallVector<int64_t>> frequencies;
  int64_t perResidue = 0; ///< the most of them
};

} // namespace weir

#endif // WEIR_LIB_CONVERSION_WEIRTOONNX_FASTDCT_H
