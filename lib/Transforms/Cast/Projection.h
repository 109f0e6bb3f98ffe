//===- Projection.h - How an attention's tokens come from the model's -----===//

#ifndef WEIR_LIB_TRANSFORMS_CAST_PROJECTION_H
#define WEIR_LIB_TRANSFORMS_CAST_PROJECTION_H

#include "weir/Dialect/Onnx/OnnxBuilder.h"

namespace weir::cast_attention {

/// Part of a dimension: its entries i * stride for i < size, repeated for what is below.
/// 32 features in 4 heads of 8 are {dim, 8, 4} and {dim, 1, 8}.
struct DimPart {
  int64_t dim, stride, size;
};
using DimParts = llvm::SmallVector<DimPart, 2>;

/// A value that is X W for a constant W, but for views, for constants that are added and
/// for numbers that multiply; or X itself, but for views and such numbers.
struct Projection {
  mlir::Value input; ///< X
  double factor = 1; ///< the product of those numbers
  onnx::Shape shape; ///< of X W, or of X
  bool isProduct = true;
  /// For each dimension of the value the parts of that shape's dimensions; none for 1.
  llvm::SmallVector<DimParts> parts;
};

/// How `value` is made of a product; fails where it is not so.
mlir::FailureOr<Projection> findProjection(mlir::Value value);
/// How `value` shows the tokens that it is a view of.
mlir::FailureOr<Projection> findTokens(mlir::Value value);

/// How the heads of all sequences lie in the leading dimensions of an attention:
/// [batch, heads], [batch * heads], [heads, batch] ..
class HeadLayout {
public:
  /// Reads it off the projection of the queries, of which `lead` are the leading
  /// dimensions. Fails where features lie elsewhere than in heads.
  static mlir::FailureOr<HeadLayout> get(const Projection &queries,
                                         llvm::ArrayRef<int64_t> lead);
  int64_t numSequences() const { return sequences; }
  int64_t numHeads() const { return heads; }

  /// [leading.., rows, columns] as [sequences or 1, heads or 1, rows, columns].
  mlir::Value split(onnx::OnnxBuilder &make, mlir::Value value) const;
  /// The inverse of `split`.
  mlir::Value merge(onnx::OnnxBuilder &make, mlir::Value value) const;
  /// X w, one number a token: [.., 1] of the projection's dimensions, as
  /// [sequences, 1, tokens, 1].
  mlir::Value tokensOf(onnx::OnnxBuilder &make, mlir::Value numbers) const;

private:
  /// Are the leading dimensions [sequences, heads]?
  bool isSplit() const;

  onnx::Shape lead;       ///< leading dimensions of the attention
  DimParts parts, tokens; ///< of the leading dimensions, and of the tokens'
  size_t head = 0;        ///< which of `parts` the heads are
  int64_t sequences = 1, heads = 1;
};

} // namespace weir::cast_attention

#endif // WEIR_LIB_TRANSFORMS_CAST_PROJECTION_H
