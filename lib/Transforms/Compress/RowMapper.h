//===- RowMapper.h - Push a map along tokens through projections ----------===//
// D (x W + 1 b^T) = (D x) W + (D 1) b^T: a map along the rows of a value can be applied
// to what its rows are made of, where that is done linearly, row by row. Fewer rows are
// projected then, and what is projected several ways is mapped once:
//
//   D Reshape(Add(MatMul(x, W), b))  ==>  Reshape(Add(MatMul(D x, W), (D 1) b^T))

#ifndef WEIR_LIB_TRANSFORMS_COMPRESS_ROWMAPPER_H
#define WEIR_LIB_TRANSFORMS_COMPRESS_ROWMAPPER_H

#include "KeyPlaces.h"
#include "weir/Support/HostTensor.h"

namespace weir {

/// What is done to rows.
struct TokenMap {
  enum class Kind { Dct, Resample, Pool };
  Kind kind;
  int64_t kept;
  /// Is it pushed up to the input of the projections?
  bool isPushed = true;
  /// Do biases meet the map? Not in the variant `x` of DCT-Former, where they are added
  /// to each row that is kept.
  bool mapsBiases = true;
};

class RowMapper {
public:
  /// With `weights`, each row is multiplied by its own before it is mapped.
  RowMapper(mlir::OpBuilder &builder, const TokenFlowAnalysis &flows, TokenMap map,
            std::optional<KeyWeights> weights = std::nullopt)
      : builder(builder), flows(flows), tokenMap(map), weights(std::move(weights)) {}

  /// The mapped rows, in the place of `rows`.
  mlir::Value map(const RowsOf &rows);

private:
  mlir::Value mapRows(const RowsOf &rows, bool isProjected);
  mlir::Value mapHere(const RowsOf &rows, bool isWeighed);
  mlir::Value mapAdded(const LinearOp &linear, mlir::OpOperand &constant);
  mlir::Value weighAdded(const LinearOp &linear, mlir::OpOperand &constant);
  LinearOp getPassed(const RowsOf &rows, bool isProjected);
  bool place(const RowsOf &keys);
  void collect(const RowsOf &rows, bool isProjected,
               llvm::SmallVectorImpl<RowsOf> &sources,
               llvm::SmallVectorImpl<LinearOp> &made);

  mlir::OpBuilder &builder;
  const TokenFlowAnalysis &flows;
  TokenMap tokenMap;
  std::optional<KeyWeights> weights;
  mlir::Value mappedWeights; ///< [batch, kept]
  llvm::DenseMap<std::pair<mlir::Value, int64_t>, mlir::Value> known;
};

/// The map of dimension `dim`.
mlir::Value makeTokenMap(mlir::OpBuilder &builder, mlir::Location location,
                         mlir::Value value, int64_t dim, const TokenMap &map);

/// The tokens that have the lowest frequencies `few`, which stand where those rows do.
mlir::Value invertDct(mlir::OpBuilder &builder, const RowsOf &tokens, mlir::Value few);

/// The map of the rows along `axis` of a constant that is added to a value, whose
/// dimension there has `size`. Where that of the constant is 1, it holds one row for all.
mlir::ElementsAttr mapConstantRows(const HostTensor &constant, const TokenAxis &axis,
                                   int64_t size, const TokenMap &map);

} // namespace weir

#endif // WEIR_LIB_TRANSFORMS_COMPRESS_ROWMAPPER_H
