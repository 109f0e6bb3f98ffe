//===- SlidingDct.h - Frequencies of a window by standard operators -------===//

#ifndef WEIR_LIB_CONVERSION_WEIRTOONNX_SLIDINGDCT_H
#define WEIR_LIB_CONVERSION_WEIRTOONNX_SLIDINGDCT_H

#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Dialect/Weir/Weir.h"

namespace weir {

/// The four sums that the op gives; `step` is a tensor of rank 0.
llvm::SmallVector<mlir::Value> lowerSlidingDct(SlidingDctOp op, mlir::Value step,
                                               onnx::OnnxBuilder &b);
mlir::Value lowerDctRead(DctReadOp op, mlir::Value step, onnx::OnnxBuilder &b);

} // namespace weir

#endif // WEIR_LIB_CONVERSION_WEIRTOONNX_SLIDINGDCT_H
