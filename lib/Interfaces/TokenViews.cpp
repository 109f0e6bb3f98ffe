//===- TokenViews.cpp - Token axes through changes of shape ---------------===//

#include "weir/Interfaces/TokenViews.h"

using namespace mlir;
using namespace weir;

int64_t weir::strideIn(ArrayRef<int64_t> shape, ArrayRef<int64_t> group, int64_t dim) {
  int64_t stride = 1;
  for (int64_t other : group)
    stride *= other > dim ? shape[other] : 1;
  return stride;
}

std::optional<TokenAxis> weir::placeAxis(const TokenAxis &axis, int64_t stride,
                                         ArrayRef<int64_t> shape,
                                         ArrayRef<int64_t> group) {
  for (int64_t dim : llvm::reverse(group)) {
    int64_t suffix = strideIn(shape, group, dim);
    if (shape[dim] == 1 || stride % suffix != 0 || suffix * shape[dim] <= stride)
      continue;
    if (suffix * shape[dim] % (stride * axis.numRows()) != 0)
      return std::nullopt;
    TokenAxis placed = axis.inDim(dim);
    placed.inner = stride / suffix;
    return placed;
  }
  return std::nullopt;
}

std::optional<TokenAxis> weir::groupAxis(const TokenAxis &axis, int64_t stride,
                                         ArrayRef<int64_t> shape, ArrayRef<int64_t> group,
                                         int64_t &factor) {
  if (axis.lead || axis.tail)
    return std::nullopt;
  for (int64_t dim : llvm::reverse(group)) {
    int64_t suffix = strideIn(shape, group, dim);
    if (shape[dim] == 1 || suffix <= stride || suffix % stride != 0)
      continue;
    factor = suffix / stride;
    if (shape[dim] * factor != axis.tokens || axis.chunk % factor != 0)
      return std::nullopt;
    return TokenAxis{dim, 1, 0, axis.tokens / factor, 0, axis.chunk / factor};
  }
  return std::nullopt;
}

FlowTransfer weir::groupTokens(Operation *op, const TokenAxis &from, const TokenAxis &to,
                               int64_t factor) {
  FlowTransfer transfer;
  transfer.axes.push_back(to);
  transfer.uses.resize(op->getNumOperands());
  transfer.uses[0].push_back({from, RowMap::group(0, factor)});
  transfer.reason = "groups tokens across the new ones";
  return transfer;
}

FlowTransfer weir::followAxes(Operation *op, const TokenFlow &operand,
                              ArrayRef<TokenAxis> axes) {
  FlowTransfer transfer;
  transfer.axes.assign(axes.begin(), axes.end());
  llvm::sort(transfer.axes);
  transfer.uses.resize(op->getNumOperands());
  for (auto [from, to] : llvm::zip_equal(operand.axes, axes)) {
    unsigned index = llvm::find(transfer.axes, to) - transfer.axes.begin();
    transfer.uses[0].push_back({from, RowMap::same(index)});
  }
  return transfer;
}
