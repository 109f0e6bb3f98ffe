//===- KeyPlaces.h - Weights of keys beside what keys are made of ---------===//
// An attention knows which of its keys are padding, batch by batch: weights [B, .., n, 1]
// beside keys [B, heads, n, d]. Where the keys' tokens are to be weighed instead, say
// x [n, B, E], the weights have to stand as [n, B, 1]. Which dimension of x is the batch
// is found by running candidates through the ops between, as token axes are.

#ifndef WEIR_LIB_TRANSFORMS_COMPRESS_KEYPLACES_H
#define WEIR_LIB_TRANSFORMS_COMPRESS_KEYPLACES_H

#include "LinearRows.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"

namespace weir {

/// A value as it is read for a map along its rows: they fill the dimension `rows`, and
/// `batch`, where it is asked for, another one.
struct RowView {
  llvm::SmallVector<int64_t> shape;
  int64_t rows;
  std::optional<int64_t> batch;

  /// None where a batch is asked for that fills no dimension by itself.
  static std::optional<RowView> get(llvm::ArrayRef<int64_t> shape, const TokenAxis &axis,
                                    std::optional<TokenAxis> batch = std::nullopt);
};

/// Weights [.., keys, 1] that broadcast to keys, and where they vary but along the keys.
class KeyWeights {
public:
  /// `keys` are the rows that the weights belong to.
  KeyWeights(mlir::Value weights, const RowsOf &keys);

  mlir::Value get() const { return weights; }
  /// Finds where the batch stands in each of the values `made`, which are made of the
  /// `sources` and end with the keys. False where that cannot be said.
  bool place(llvm::ArrayRef<RowsOf> sources, llvm::ArrayRef<LinearOp> made,
             const RowsOf &keys);
  /// A view of `value`, one of those, in which weights can stand, if there is one.
  std::optional<RowView> getView(mlir::Value value, const TokenAxis &axis,
                                 llvm::ArrayRef<int64_t> shape) const;
  /// Weights [batch, rows], as many as the view has, as a factor of it.
  static mlir::Value fit(onnx::OnnxBuilder &make, mlir::Value weights,
                         const RowView &view);
  /// As [batch, rows].
  mlir::Value asMatrix(onnx::OnnxBuilder &make) const;

private:
  std::optional<llvm::DenseMap<mlir::Value, TokenAxis>>
  tryPlace(const RowsOf &source, const TokenAxis &batch, llvm::ArrayRef<LinearOp> made,
           const RowsOf &keys) const;

  mlir::Value weights;
  int64_t numBatches = 1, numKeys;
  int64_t batchDim = -1; ///< in the keys; -1 where all batches are weighed alike
  bool isPlaceable = true;
  llvm::DenseMap<mlir::Value, TokenAxis> batches;
};

} // namespace weir

#endif // WEIR_LIB_TRANSFORMS_COMPRESS_KEYPLACES_H
