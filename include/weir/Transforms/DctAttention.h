//===- DctAttention.h - Attention between a few frequencies of the tokens -===//
// DCT-Former (Scribano, Franchini, Prato, Bertogna, J. Sci. Comput. 94, 2023) and two
// forms for models that were trained with full attention. D takes the m lowest
// frequencies of n tokens, R resamples n tokens to m:
//
//   qkv       D^T softmax(scale (D q) (D M k)^T) (D M v)    M: 0 for padding, else 1
//   x         D^T softmax(scale q' k'^T) v'                 q', k', v' projected from D x
//   resample  softmax(scale q (R k)^T) (R v)                full attention at m = n
//   pool      the same with means of m blocks for R v and R k

#ifndef WEIR_TRANSFORMS_DCTATTENTION_H
#define WEIR_TRANSFORMS_DCTATTENTION_H

#include "weir/Transforms/CompressedAttention.h"
#include "weir/Transforms/MakeContinual.h"
#include "llvm/Support/Error.h"

namespace weir {

enum class DctVariant { Qkv, X, Resample, Pool };
std::optional<DctVariant> symbolizeDctVariant(llvm::StringRef name);
llvm::StringRef stringifyDctVariant(DctVariant variant);

/// As they are written in text.
struct DctOptions {
  /// Rows that are kept: one number for all layers, one for each of them, or
  /// "auto:ENERGY", which reads what calibration wrote as `weir.keep`.
  llvm::SmallVector<std::string> keep;
  /// qkv, x, resample or pool: there is no default.
  std::string variant;
  /// Layers, as in "0,2-3"; all where it is empty.
  std::string layers;
  /// Are projections computed on the kept rows, which changes nothing but the work?
  bool fold = true;
  /// The user wants the numbers to change, or measures by how much.
  bool approximate = false;
};

/// Reads what the pass takes, in its notation: "variant=resample keep=16".
llvm::Expected<DctOptions> parseDctOptions(llvm::StringRef text);

/// The share of the energy of keys and values that keep=auto:ENERGY shall keep; none for
/// numbers of rows, and for what cannot be read.
std::optional<double> getKeptEnergy(const DctOptions &options);

/// Compresses the attentions of `window`, whose streamed arguments have the axes `axes`.
/// Reports, with an error, options that mean nothing, a layer that was asked for by its
/// number and cannot be compressed, and models without any layer that can. Others are
/// left alone for the reason that their entry tells.
mlir::FailureOr<llvm::SmallVector<CompressedAttention>>
compressWithDct(mlir::func::FuncOp window, const ArgumentAxes &axes,
                const DctOptions &options);

} // namespace weir

#endif // WEIR_TRANSFORMS_DCTATTENTION_H
