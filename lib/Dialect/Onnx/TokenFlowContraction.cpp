//===- TokenFlowContraction.cpp - Token flow of matrix products -----------===//
// Queries times keys make a value of two token axes; weights times values contract one,
// which is the only place where history becomes full.

#include "TokenFlow.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

namespace {
/// The two operands of a product: where the result's axes and the contracted one stand.
struct Factor {
  Value value;
  const TokenFlow &flow;
  int64_t rank;          ///< of the operand
  int64_t contractedDim; ///< in the operand
  int64_t foreignDim;    ///< the result's dimension that comes from the other operand
};
} // namespace

/// Adds the axes of `factor` to those of the result, or notes the contracted one.
static bool collectAxes(const Factor &factor, int64_t resultRank,
                        SmallVectorImpl<TokenAxis> &axes,
                        std::optional<TokenAxis> &contracted) {
  for (const TokenAxis &axis : factor.flow.axes) {
    if (axis.dim != factor.contractedDim) {
      if (!addAxis(axes, axis.inDim(axis.dim + resultRank - factor.rank)))
        return false;
      continue;
    }
    TokenAxis here = axis.inDim(0);
    contracted = finerAxis(contracted.value_or(here), here);
    if (!contracted)
      return false;
  }
  return true;
}

/// Band of the weights, seen from the rows of the axis that is not contracted.
static std::optional<RowMap::QueryBand>
weightBand(const Factor &factor, int64_t resultRank, ArrayRef<TokenAxis> axes) {
  const TokenFlow &flow = factor.flow;
  if (!flow.band || flow.band->outside != Band::Outside::Zero || flow.axes.size() != 2)
    return std::nullopt;
  std::optional<unsigned> key = flow.axisInDim(factor.contractedDim);
  if (!key)
    return std::nullopt;
  TokenAxis query = flow.axes[1 - *key];
  const auto *found = llvm::find(axes, query.inDim(query.dim + resultRank - factor.rank));
  if (found == axes.end())
    return std::nullopt;
  Band band = *key == 1 ? *flow.band : flow.band->transposed();
  return RowMap::QueryBand{static_cast<unsigned>(found - axes.begin()), band};
}

static FlowTransfer matMulFlow(MatMulOp op, Flows operands) {
  if (!hasStaticShapes(op))
    return FlowTransfer::whole("its shape is not fixed");
  int64_t rankA = shapeOf(op.getA()).size(), rankB = shapeOf(op.getB()).size();
  if (rankA < 2 || rankB < 2)
    return FlowTransfer::whole("multiplies vectors");
  int64_t rank = shapeOf(op.getY()).size();
  Factor factors[2] = {{op.getA(), operands[0], rankA, rankA - 1, rank - 1},
                       {op.getB(), operands[1], rankB, rankB - 2, rank - 2}};
  FlowTransfer transfer;
  transfer.isMatrixProduct = true;
  transfer.absent = AbsentToken::Zero;
  std::optional<TokenAxis> contracted;
  for (const Factor &factor : factors)
    if (!collectAxes(factor, rank, transfer.axes, contracted))
      return FlowTransfer::whole("the token axes of the operands do not line up");
  if (transfer.axes.size() == 2)
    for (TokenAxis &axis : transfer.axes) // queries and keys one by one
      if (axis.numOuter(shapeOf(op.getY())[axis.dim]) == 1)
        axis = axis.refined();
  std::optional<RowMap::QueryBand> band = weightBand(factors[0], rank, transfer.axes);
  if (!band)
    band = weightBand(factors[1], rank, transfer.axes);
  if (contracted && (contracted->lead || contracted->tail))
    band = std::nullopt;
  for (const Factor &factor : factors) {
    auto &uses = transfer.uses.emplace_back();
    for (auto [index, axis] : llvm::enumerate(transfer.axes)) {
      int64_t dim = axis.dim - (rank - factor.rank);
      if (axis.dim != factor.foreignDim && dim >= 0 && shapeOf(factor.value)[dim] != 1)
        uses.push_back({axis.inDim(dim), RowMap::same(index)});
    }
    if (contracted)
      uses.push_back({contracted->inDim(factor.contractedDim), RowMap::all(band)});
  }
  if (contracted)
    transfer.reason = "contracts the token axis";
  return transfer;
}

namespace {
template <typename OpT>
struct MatMulFlow : TokenFlowOpInterface::ExternalModel<MatMulFlow<OpT>, OpT> {
  FlowTransfer transferTokenFlow(Operation *op, Flows operands) const {
    return matMulFlow(cast<MatMulOp>(op), operands);
  }
  int64_t countMacs(Operation *, ArrayRef<Type> operands, Type result) const {
    return cast<RankedTensorType>(result).getNumElements() *
           cast<RankedTensorType>(operands[0]).getShape().back();
  }
};
} // namespace

void onnx::attachContractionFlow(MLIRContext *context) {
  attachAll<MatMulFlow, MatMulOp>(context);
}
