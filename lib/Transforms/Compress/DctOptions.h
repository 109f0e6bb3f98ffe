//===- DctOptions.h - Read what a DCT rewrite is asked for ----------------===//

#ifndef WEIR_LIB_TRANSFORMS_COMPRESS_DCTOPTIONS_H
#define WEIR_LIB_TRANSFORMS_COMPRESS_DCTOPTIONS_H

#include "weir/Transforms/DctAttention.h"

namespace weir {

mlir::FailureOr<DctVariant> parseVariant(mlir::func::FuncOp window,
                                         const DctOptions &options);
/// One number for all layers, one for each, or none: keep=auto.
mlir::FailureOr<llvm::SmallVector<int64_t>> parseKeep(mlir::func::FuncOp window,
                                                      const DctOptions &options);

} // namespace weir

#endif // WEIR_LIB_TRANSFORMS_COMPRESS_DCTOPTIONS_H
