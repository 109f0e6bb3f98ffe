//===- CompressedAttention.h - What a rewrite made of an attention --------===//

#ifndef WEIR_TRANSFORMS_COMPRESSEDATTENTION_H
#define WEIR_TRANSFORMS_COMPRESSEDATTENTION_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <cstdint>
#include <string>

namespace weir {

/// What `compressWithDct` and `compressWithCast` tell of each attention of a model:
///
///   {"/layers.1/self_attn/Softmax", 1, "dct resample", 64, 16, 0, 1310720, 720896, ""}
struct CompressedAttention {
  std::string node; ///< of its softmax
  /// Its number among the softmaxes over tokens, in program order.
  int64_t layer = 0;
  std::string form;       ///< what it became: "dct qkv", "cast topk"; "" left alone
  int64_t tokens = 0;     ///< that were keys
  int64_t kept = 0;       ///< rows of keys that each query meets now, of one cluster
  int64_t clusters = 0;   ///< of CAST; else 0
  int64_t macsBefore = 0; ///< multiply-accumulates, with those of its projections
  int64_t macsAfter = 0;
  std::string reason; ///< why it was left alone
};

/// Was something done, and all that `layers` asks for by number? Reports what was not.
llvm::LogicalResult checkCompressed(mlir::func::FuncOp window,
                                    llvm::ArrayRef<CompressedAttention> outcome,
                                    llvm::StringRef layers);

} // namespace weir

#endif // WEIR_TRANSFORMS_COMPRESSEDATTENTION_H
