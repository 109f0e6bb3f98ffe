//===- WeirSlidingDct.cpp - Frequencies of a window that slides -----------===//

#include "mlir/IR/Builders.h"
#include "weir/Dialect/Weir/Weir.h"
#include <cmath>

using namespace mlir;
using namespace weir;

//===----------------------------------------------------------------------===//
// States and what is read of them
//===----------------------------------------------------------------------===//

/// Do sums of type `type` belong to the tokens of `axis`?
static LogicalResult verifySums(Operation *op, RankedTensorType type,
                                const TokenAxis &axis) {
  if (axis.inner != 1 || axis.lead != 0 || axis.tail != 0)
    return op->emitOpError("has an axis that does not fill dimension ")
           << axis.dim << " with tokens";
  if (axis.dim >= type.getRank())
    return op->emitOpError("axis ")
           << axis.dim << " is outside a tensor of rank " << type.getRank();
  int64_t count = type.getDimSize(axis.dim);
  if (count < 1 || count > axis.tokens)
    return op->emitOpError("keeps ")
           << count << " frequencies of " << axis.tokens << " tokens";
  return success();
}

static LogicalResult verifyFloats(Operation *op, RankedTensorType type) {
  if (type.getElementType().isF32() || type.getElementType().isF64())
    return success();
  return op->emitOpError("sums elements of type ")
         << type.getElementType() << ", but only f32 and f64 can be summed";
}

LogicalResult SlidingDctOp::verify() {
  TokenAxis axis = getAxis().toAxis();
  RankedTensorType sums = getReal().getType();
  if (failed(verifySums(*this, sums, axis))) // C1, C2
    return failure();
  SmallVector<int64_t> shape(sums.getShape());
  shape[axis.dim] = getLeaving() ? axis.chunk : axis.tokens;
  RankedTensorType rows = sums.clone(shape);
  for (Value tokens : {Value(getEntering()), Value(getLeaving())})
    if (tokens && tokens.getType() != rows) // C3
      return emitOpError("takes tokens of ") << tokens.getType() << ", expected " << rows;
  return verifyFloats(*this, sums); // C4
}

LogicalResult DctReadOp::verify() {
  RankedTensorType sums = getReal().getType();
  if (failed(verifySums(*this, sums, getAxis().toAxis()))) // C1, C2
    return failure();
  return verifyFloats(*this, sums); // C3
}

//===----------------------------------------------------------------------===//
// What follows from frequencies
//===----------------------------------------------------------------------===//

int64_t DctOp::getTokenDim() { return getDim(); }
int64_t DctOp::getNumFrequencies() { return getType().getDimSize(getDim()); }
double DctOp::getFrequencyScale() { return 1; }
Value DctOp::buildFromFrequencies(OpBuilder &, Value frequencies) { return frequencies; }
int64_t DctOp::countMacsFromFrequencies() { return 0; }

/// R = sqrt(m/n) D_m^T D: an inverse transform of as many tokens as there are
/// frequencies.
int64_t ResampleOp::getTokenDim() { return getDim(); }
int64_t ResampleOp::getNumFrequencies() { return getType().getDimSize(getDim()); }
double ResampleOp::getFrequencyScale() {
  return std::sqrt(static_cast<double>(getNumFrequencies()) /
                   getValue().getType().getDimSize(getDim()));
}
Value ResampleOp::buildFromFrequencies(OpBuilder &builder, Value frequencies) {
  return IdctOp::create(builder, getLoc(), getType(), frequencies, getDim());
}
int64_t ResampleOp::countMacsFromFrequencies() {
  return getType().getNumElements() * getNumFrequencies();
}
