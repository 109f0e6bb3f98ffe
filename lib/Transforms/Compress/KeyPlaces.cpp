//===- KeyPlaces.cpp - Weights of keys beside what keys are made of -------===//

#include "KeyPlaces.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

std::optional<RowView> RowView::get(ArrayRef<int64_t> shape, const TokenAxis &axis,
                                    std::optional<TokenAxis> batch) {
  RowView view;
  for (auto [dim, size] : llvm::enumerate(shape)) {
    bool hasBatch = batch && batch->dim == static_cast<int64_t>(dim);
    if (static_cast<int64_t>(dim) != axis.dim) {
      if (hasBatch && (batch->inner != 1 || batch->numRows() != size))
        return std::nullopt;
      if (hasBatch)
        view.batch = view.shape.size();
      view.shape.push_back(size);
      continue;
    }
    int64_t outer = axis.numOuter(size), block = axis.numRows() * axis.inner;
    if (hasBatch && (batch->inner != block || batch->numRows() != outer))
      return std::nullopt;
    if (hasBatch)
      view.batch = view.shape.size();
    if (outer != 1)
      view.shape.push_back(outer);
    view.rows = view.shape.size();
    view.shape.push_back(axis.numRows());
    if (axis.inner != 1)
      view.shape.push_back(axis.inner);
  }
  return view;
}

KeyWeights::KeyWeights(Value weights, const RowsOf &keys) : weights(weights) {
  Shape shape(*getStaticShape(weights));
  numKeys = *std::next(shape.rbegin());
  int64_t shift = getStaticShape(keys.value)->size() - shape.size();
  for (auto [dim, size] : llvm::enumerate(ArrayRef(shape).drop_back(2))) {
    if (size == 1)
      continue;
    isPlaceable &=
        batchDim < 0 && shift >= 0 && (*getStaticShape(keys.value))[dim + shift] == size;
    batchDim = dim + shift;
    numBatches = size;
  }
}

/// Where the batch is found in each value if it stands in `source` as `batch`; none if it
/// is not where the weights have it in the keys.
std::optional<llvm::DenseMap<Value, TokenAxis>>
KeyWeights::tryPlace(const RowsOf &source, const TokenAxis &batch,
                     ArrayRef<LinearOp> made, const RowsOf &keys) const {
  llvm::DenseMap<Value, TokenAxis> found;
  found[source.value] = batch;
  for (const LinearOp &linear : made) {
    SmallVector<TokenFlow> operands(linear.op->getNumOperands());
    bool isReached = false;
    for (auto [flow, operand] : llvm::zip_equal(operands, linear.op->getOperands())) {
      flow.isStill = !found.contains(operand);
      if (flow.isStill)
        continue;
      flow.axes.push_back(found[operand]);
      isReached = true;
    }
    if (!isReached)
      continue;
    FlowTransfer transfer =
        cast<TokenFlowOpInterface>(linear.op).transferTokenFlow(operands);
    if (transfer.isWhole || transfer.axes.size() != 1)
      return std::nullopt;
    found[linear.op->getResult(0)] = transfer.axes[0];
  }
  TokenAxis wanted = withRows(TokenAxis{batchDim}, numBatches);
  auto at = found.find(keys.value);
  if (at == found.end() || withRows(at->second, at->second.numRows()) != wanted)
    return std::nullopt;
  return found;
}

bool KeyWeights::place(ArrayRef<RowsOf> sources, ArrayRef<LinearOp> made,
                       const RowsOf &keys) {
  if (batchDim < 0 || !isPlaceable)
    return isPlaceable;
  for (const RowsOf &source : sources) {
    Shape shape(*getStaticShape(source.value));
    SmallVector<TokenAxis> candidates;
    for (auto [dim, size] : llvm::enumerate(shape)) {
      TokenAxis batch = withRows(TokenAxis{static_cast<int64_t>(dim)}, numBatches);
      if (batch.dim == source.axis.dim)
        batch.inner = source.axis.numRows() * source.axis.inner;
      if (size == numBatches * batch.inner)
        candidates.push_back(batch);
    }
    bool isPlaced = false;
    for (const TokenAxis &batch : candidates) {
      auto found = tryPlace(source, batch, made, keys);
      if (!found)
        continue;
      for (auto [value, axis] : *found)
        batches[value] = axis;
      isPlaced = true;
      break;
    }
    if (!isPlaced)
      return false;
  }
  return true;
}

std::optional<RowView> KeyWeights::getView(Value value, const TokenAxis &axis,
                                           ArrayRef<int64_t> shape) const {
  if (batchDim < 0)
    return RowView::get(shape, axis);
  auto batch = batches.find(value);
  if (batch == batches.end())
    return std::nullopt;
  TokenAxis at = batch->second;
  if (at.dim == axis.dim) // rows may have become fewer
    at.inner = axis.numRows() * axis.inner;
  return RowView::get(shape, axis, at);
}

Value KeyWeights::asMatrix(OnnxBuilder &make) const {
  return make.reshape(weights, {numBatches, numKeys});
}

Value KeyWeights::fit(OnnxBuilder &make, Value weights, const RowView &view) {
  Shape shape(view.shape.size(), 1);
  shape[view.rows] = view.shape[view.rows];
  if (view.batch) {
    shape[*view.batch] = view.shape[*view.batch];
    if (*view.batch > view.rows)
      weights = make.transposeMatrix(weights);
  }
  return make.reshape(weights, shape);
}
