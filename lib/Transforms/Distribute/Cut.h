//===- Cut.h - Cut an op into pieces for threads ---------------------------===//

#ifndef WEIR_LIB_TRANSFORMS_DISTRIBUTE_CUT_H
#define WEIR_LIB_TRANSFORMS_DISTRIBUTE_CUT_H

#include "Access.h"

namespace weir {

/// Iterations of an op, one that calls a function of mathematics as several.
int64_t getWork(mlir::linalg::LinalgOp op);

/// Ways to cut `op` for teams of up to `threads`, the best first: along the outermost
/// parallel loop, or where few rows meet many weights, along their columns. Those that
/// follow the pieces of `recent` accesses come too.
llvm::SmallVector<Cut> findCuts(mlir::linalg::LinalgOp op, int64_t threads,
                                llvm::ArrayRef<Access> recent);

/// The iterations [first, first + size) of the loop that was cut.
void emitPiece(mlir::OpBuilder &b, mlir::linalg::LinalgOp op, const Cut &cut,
               mlir::OpFoldResult first, int64_t size);

} // namespace weir

#endif // WEIR_LIB_TRANSFORMS_DISTRIBUTE_CUT_H
