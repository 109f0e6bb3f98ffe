//===- Surrogates.h - The parameters that CAST adds to a model ------------===//

#ifndef WEIR_LIB_TRANSFORMS_CAST_SURROGATES_H
#define WEIR_LIB_TRANSFORMS_CAST_SURROGATES_H

#include "weir/Support/Npy.h"
#include "weir/Transforms/CastAttention.h"

namespace weir::cast_attention {

/// Of one attention, as 64-bit floats.
struct Surrogates {
  int64_t clusters = 0;
  std::vector<double> tokens;    ///< [clusters, width], row by row
  std::vector<double> phiWeight; ///< [width of the input]; empty: phi is one number
  double phiBias = 0;
};

/// Where the parameters of all layers are.
class SurrogateSet {
public:
  /// Reads what `options` name; reports, at `location`, what cannot be read.
  static mlir::FailureOr<SurrogateSet> load(const CastOptions &options,
                                            mlir::Location location);
  /// Those of attention `op`, `layer` of the model, whose heads fill `width` features and
  /// whose projections read `inputWidth`. Reports what is missing or does not fit.
  mlir::FailureOr<Surrogates> get(mlir::Operation *op, int64_t layer, int64_t width,
                                  int64_t inputWidth) const;

private:
  const NpyArray *find(llvm::StringRef name) const;
  mlir::FailureOr<Surrogates> fromFile(mlir::Operation *op, int64_t layer, int64_t width,
                                       int64_t inputWidth) const;
  mlir::FailureOr<Surrogates> fromAttribute(mlir::Operation *op, int64_t width) const;

  std::string path; ///< "" for those of calibration
  NamedArrays arrays;
  int64_t clusters = 0; ///< that are wanted; 0 for any
};

} // namespace weir::cast_attention

#endif // WEIR_LIB_TRANSFORMS_CAST_SURROGATES_H
