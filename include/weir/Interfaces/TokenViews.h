//===- TokenViews.h - Token axes through changes of shape -----------------===//
// What reshapes of any dialect have in common: the same elements in the same order, so
// that an axis is known by how many elements its rows stand apart.

#ifndef WEIR_INTERFACES_TOKENVIEWS_H
#define WEIR_INTERFACES_TOKENVIEWS_H

#include "weir/Interfaces/TokenFlow.h"

namespace weir {

/// Elements of the dimensions `group` from one index of `dim` to the next.
int64_t strideIn(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> group,
                 int64_t dim);

/// The dimension of `group` that holds, whole, the rows of `axis`, which stand `stride`
/// elements apart; none where the shape cuts through them.
///
/// Example: 64 rows 8 elements apart, in [2, 64, 2, 4]: dimension 1; in [2, 512]:
/// dimension 1, inner 8; in [16, 64]: none.
std::optional<TokenAxis> placeAxis(const TokenAxis &axis, int64_t stride,
                                   llvm::ArrayRef<int64_t> shape,
                                   llvm::ArrayRef<int64_t> group);

/// [.., n, ..] cut into [.., n / p, p, ..]: p tokens become one. Sets `factor` to p.
std::optional<TokenAxis> groupAxis(const TokenAxis &axis, int64_t stride,
                                   llvm::ArrayRef<int64_t> shape,
                                   llvm::ArrayRef<int64_t> group, int64_t &factor);

/// A transfer that reads each `factor` tokens of axis `from` of operand 0 as one of `to`.
FlowTransfer groupTokens(mlir::Operation *op, const TokenAxis &from, const TokenAxis &to,
                         int64_t factor);

/// A transfer that reads every axis of `operand`, which is operand 0, as the axis of the
/// same index of `axes`: where it stands in the result.
FlowTransfer followAxes(mlir::Operation *op, const TokenFlow &operand,
                        llvm::ArrayRef<TokenAxis> axes);

} // namespace weir

#endif // WEIR_INTERFACES_TOKENVIEWS_H
