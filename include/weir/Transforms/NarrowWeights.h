//===- NarrowWeights.h - Products with weights, and what weights become ---===//

#ifndef WEIR_TRANSFORMS_NARROWWEIGHTS_H
#define WEIR_TRANSFORMS_NARROWWEIGHTS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "weir/Support/WeightKind.h"
#include <vector>

namespace weir {

/// A constant of fewer weights stays f32.
constexpr int64_t leastNarrowed = 1024;

/// A product of rows with constant weights: the body is `acc + x * w`, and the columns of
/// the weights are those of the result.
struct WeightProduct {
  mlir::linalg::GenericOp op;
  mlir::OpOperand *weights;
  mlir::OpOperand *rows; ///< null where `x` is no operand
  int64_t depthDim;      ///< of the weights
  unsigned depthLoop;

  mlir::ElementsAttr value() const;
  mlir::RankedTensorType type() const;
  int64_t depth() const { return type().getDimSize(depthDim); }
  /// Do 8-bit weights lie in groups of neighbours in depth? In panels of whole groups;
  /// one group alone would be no loop.
  bool isGrouped() const;
};

/// All with `minElements` weights or more.
llvm::SmallVector<WeightProduct> findWeightProducts(mlir::Operation *root,
                                                    int64_t minElements = leastNarrowed);

/// Why a weight cannot be stored; empty where all can.
std::string findObstacle(const WeightProduct &product, WeightKind kind);

/// Whole numbers for the columns of a matrix: column n is about `scales[n]` times them.
/// Of each column, `depth` weights; columns are `scales.size()`.
struct QuantizedColumns {
  std::vector<int8_t> numbers; // column by column
  std::vector<float> scales;
};

/// What rows hold at each depth: mean and variance. Empty where that is unknown.
struct RowStatistics {
  std::vector<float> means, variances;

  static RowStatistics of(mlir::DenseElementsAttr rows);
};

/// The whole numbers in [-127, 127] and scales that make the squared error of each column
/// small, never larger than that of its largest magnitude over 127. Where rows are known,
/// that of the products. Weights are finite.
QuantizedColumns quantizeColumns(llvm::ArrayRef<float> weights, int64_t depth,
                                 const RowStatistics &rows = {});

/// Quantizes the columns of a product.
QuantizedColumns quantizeColumns(const WeightProduct &product, const RowStatistics &rows);

/// What the product multiplies with if its weights are stored so, laid out as they are.
std::vector<float> roundWeights(const WeightProduct &product, WeightKind kind,
                                const RowStatistics &rows);

} // namespace weir

#endif // WEIR_TRANSFORMS_NARROWWEIGHTS_H
