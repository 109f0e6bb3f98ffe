//===- WeirAttention.cpp - Attentions that a step updates -----------------===//

#include "mlir/IR/Builders.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/TensorTypes.h"

using namespace mlir;
using namespace weir;

RankedTensorType RetroactiveAttentionOp::getRowType() {
  return cast<RankedTensorType>(
      getBody().front().getTerminator()->getOperand(0).getType());
}

int64_t RetroactiveAttentionOp::numColumns() {
  if (getLeaving().empty())
    return 0;
  return cast<RankedTensorType>(getLeaving().front().getType()).getShape().back();
}

Margins RetroactiveAttentionOp::getNewQueries() {
  if (std::optional<ArrayRef<int64_t>> built = getBuilt())
    return {(*built)[0], (*built)[1]};
  return {0, getQueries().toAxis().chunk};
}

/// Does `axis` fill dimension `dim`?
static bool fills(const TokenAxis &axis, int64_t dim, int64_t size) {
  return axis.dim == dim && axis.inner == 1 && axis.numRows() == size;
}

/// Checks the types of the states: [.., queries] and [.., queries, features].
static LogicalResult verifyStates(RetroactiveAttentionOp op, RankedTensorType rows,
                                  RankedTensorType weighted) {
  MLIRContext *context = op.getContext();
  Type integer = IntegerType::get(context, 64);
  SmallVector<RankedTensorType> expected = {rows, rows, rows, weighted,
                                            RankedTensorType::get(2, integer)};
  if (op.getForm() == RetroactiveForm::Shadow)
    expected.append({rows.clone(integer), rows, rows, weighted});
  if (op.getStates().size() != expected.size())
    return op.emitOpError("has ")
           << op.getStates().size() << " states, but the form '"
           << stringifyRetroactiveForm(op.getForm()) << "' keeps " << expected.size();
  if (op.getNumResults() != expected.size())
    return op.emitOpError("gives ")
           << op.getNumResults() << " new states for " << expected.size();
  for (auto [index, type] : llvm::enumerate(expected)) {
    if (op.getStates()[index].getType() != type)
      return op.emitOpError("state ")
             << index << " is " << op.getStates()[index].getType() << ", expected "
             << type;
    if (op.getResult(index).getType() != type)
      return op.emitOpError("gives no new value of state ") << index;
  }
  return success();
}

LogicalResult RetroactiveAttentionOp::verify() {
  Block &body = getBody().front();
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (body.getNumArguments() != 1 || !body.getArgument(0).getType().isIndex() || !yield)
    return emitOpError("has a body that does not take a slot and yield scores"); // C4
  RankedTensorType row = getRowType(), values = typeOf(getValues());
  int64_t rank = row.getRank();
  TokenAxis queries = getQueries().toAxis(), keys = getKeys().toAxis();
  if (rank < 2 || values.getRank() < 2 || row.getDimSize(rank - 2) != 1)
    return emitOpError("has a body that yields no row of scores: ") << row; // C4
  if (!fills(keys, rank - 1, row.getDimSize(rank - 1)) || queries.dim != rank - 2 ||
      queries.inner != 1)
    return emitOpError("queries and keys do not fill the last dimensions of ")
           << row; // C1
  SmallVector<int64_t> shape(row.getShape().drop_back());
  shape.back() = queries.numRows();
  RankedTensorType rows = row.clone(shape);
  shape.push_back(values.getShape().back());
  RankedTensorType weighted = row.clone(shape);
  if (failed(verifyStates(*this, rows, weighted))) // C2
    return failure();
  std::optional<ArrayRef<int64_t>> built = getBuilt();
  if (built && (built->size() != 2 || (*built)[0] < 0 || (*built)[1] < 0 ||
                (*built)[0] + (*built)[1] > queries.tokens))
    return emitOpError("builds queries of two counts which are not among ") // C5
           << queries.tokens;
  if (getLeaving().empty() && getEntering().empty())
    return success();
  if (getLeaving().size() != 2 || getEntering().size() != 2)
    return emitOpError("takes a column of scores and the values with it"); // C3
  shape.back() = numColumns();
  SmallVector<int64_t> some(values.getShape());
  some[values.getRank() - 2] = numColumns();
  for (OperandRange columns : {getLeaving(), getEntering()})
    if (columns[0].getType() != row.clone(shape) ||
        columns[1].getType() != values.clone(some))
      return emitOpError("has columns of ") // C3
             << columns[0].getType() << " and " << columns[1].getType() << ", expected "
             << row.clone(shape) << " and " << values.clone(some);
  if (getForm() == RetroactiveForm::Shadow &&
      (numColumns() != keys.chunk || keys.numRows() != keys.tokens))
    return emitOpError("replaces ") // C6
           << numColumns() << " keys of " << keys.numRows()
           << ", but the form 'shadow' counts on the oldest " << keys.chunk << " of "
           << keys.tokens << " to leave";
  return success();
}

LogicalResult WeightedMeanOp::verify() {
  RankedTensorType weighted = getWeighted().getType();
  if (weighted.getRank() == 0 ||
      getNormalizer().getType() != weighted.clone(weighted.getShape().drop_back()))
    return emitOpError("has a normalizer of ") // C1
           << getNormalizer().getType() << " for " << weighted;
  return success();
}
