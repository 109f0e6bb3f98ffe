//===- FixedMap.h - Constant matrices along one dimension of a tensor -----===//
// A product with a constant matrix, and the transforms of the weir dialect, are one
// thing: a fixed linear map along a dimension. It commutes with transposes, and with
// products along another dimension.

#ifndef WEIR_LIB_TRANSFORMS_FIXEDMAP_H
#define WEIR_LIB_TRANSFORMS_FIXEDMAP_H

#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Dialect/Weir/Weir.h"

namespace weir {

class FixedMap {
public:
  /// The map that makes `value`, perhaps of a value that is then transposed; none where
  /// others read what it makes, but for `value` itself if it may be shared.
  static std::optional<FixedMap> match(mlir::Value value, bool isShared = false);

  /// Null where it is transposed.
  mlir::Value getSource() const { return perm.empty() ? source : mlir::Value(); }
  /// Counted from the last dimension, which is 1.
  int64_t getDimFromEnd() const { return type.getRank() - dim; }
  int64_t sizeFrom() const {
    return mlir::cast<mlir::RankedTensorType>(source.getType()).getDimSize(sourceDim());
  }
  int64_t sizeTo() const { return type.getDimSize(dim); }

  int64_t countMacs() const {
    return countMacsOn(type.getNumElements() / sizeTo() * sizeFrom());
  }
  /// Of the map on a tensor of so many elements.
  int64_t countMacsOn(int64_t elements) const;
  /// Of its adjoint, which makes `made` elements of `elements`.
  int64_t countAdjointMacsOn(int64_t elements, int64_t made) const;

  /// What it is applied to, transposed as its result is.
  mlir::Value buildSource(onnx::OnnxBuilder &b) const;
  mlir::Value apply(onnx::OnnxBuilder &b, mlir::OpBuilder &builder, mlir::Value value,
                    int64_t dim) const;
  bool hasAdjoint() const;
  mlir::Value applyAdjoint(onnx::OnnxBuilder &b, mlir::OpBuilder &builder,
                           mlir::Value value, int64_t dim) const;

private:
  int64_t sourceDim() const { return perm.empty() ? dim : perm[dim]; }

  mlir::Operation *op = nullptr; ///< a map of the weir dialect, or a MatMul
  mlir::Value matrix;            ///< of a MatMul
  bool isRight = false;          ///< the matrix is its right operand
  SelectRowsOp rows;             ///< of what `op` makes; null for all
  mlir::Value source;
  llvm::SmallVector<int64_t> perm; ///< of the transpose behind it; empty for none
  mlir::RankedTensorType type;     ///< of the result
  int64_t dim = 0;                 ///< in the result
};

} // namespace weir

#endif // WEIR_LIB_TRANSFORMS_FIXEDMAP_H
