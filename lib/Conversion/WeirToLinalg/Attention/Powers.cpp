//===- Powers.cpp - Softmax of rows of scores, but for the division -------===//
// for each row: m = max s; s = e^(s - m); sum s            two passes over the row
// In vectors: a row is in the first cache, and what one pass makes need not be read by
// another. Sums run in lanes, then in a fixed tree, alike for any number of rows.

#include "Attention.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace weir;
using namespace weir::attention;

namespace {
using Fold = function_ref<Value(Value, Value)>;

class RowEmitter {
public:
  RowEmitter(Ops &ops, Type scoresType)
      : ops(ops), b(ops.b), loc(ops.loc),
        columns(cast<RankedTensorType>(scoresType).getDimSize(1)),
        type(VectorType::get({panel}, ops.element)) {}

  /// The new scores, and the inverse of their sum.
  std::pair<Value, Value> emit(Value scores, Value row);

private:
  Value emitLargest(Value scores, Value row);
  Value load(Value scores, Value row, Value column) {
    return vector::TransferReadOp::create(b, loc, type, scores, ValueRange{row, column},
                                          ops.constant(0), ArrayRef<bool>{true});
  }
  Value join(Value lanes, Fold fold);
  Value splat(Value scalar) { return vector::BroadcastOp::create(b, loc, type, scalar); }
  scf::ForOp loop(int64_t count, int64_t step, ValueRange inits) {
    return scf::ForOp::create(b, loc, ops.index(0), ops.index(count), ops.index(step),
                              inits);
  }
  /// A NaN is left to the powers, which show it.
  Value larger(Value x, Value y) {
    Value isLarger = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x, y);
    return arith::SelectOp::create(b, loc, isLarger, x, y);
  }

  Ops &ops;
  OpBuilder &b;
  Location loc;
  int64_t columns;
  VectorType type;
};
} // namespace

/// ((0+4)+(2+6)) + ((1+5)+(3+7)): halves are folded until one lane is left.
Value RowEmitter::join(Value lanes, Fold fold) {
  for (int64_t half = panel / 2; half >= 1; half /= 2) {
    auto take = [&](int64_t first) -> Value {
      return vector::ExtractStridedSliceOp::create(b, loc, lanes, {first}, {half}, {1});
    };
    Value low = take(0), high = take(half);
    lanes = fold(low, high);
  }
  return vector::ExtractOp::create(b, loc, lanes, ArrayRef<int64_t>{0});
}

Value RowEmitter::emitLargest(Value scores, Value row) {
  constexpr int64_t chains = 4; // hide the latency of comparing
  int64_t block = chains * panel, inBlocks = columns / block * block;
  Value lowest = splat(ops.constant(-std::numeric_limits<double>::infinity()));
  SmallVector<Value> largest(chains, lowest);
  if (inBlocks > 0) {
    scf::ForOp each = loop(inBlocks, block, largest);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(each.getBody());
    SmallVector<Value> next;
    for (auto [chain, so] : llvm::enumerate(each.getRegionIterArgs())) {
      Value column =
          arith::AddIOp::create(b, loc, each.getInductionVar(), ops.index(chain * panel));
      next.push_back(larger(load(scores, row, column), so));
    }
    scf::YieldOp::create(b, loc, next);
    largest.assign(each.result_begin(), each.result_end());
  }
  for (int64_t column = inBlocks; column < columns; column += panel) {
    Value &chain = largest[(column - inBlocks) / panel];
    chain = larger(load(scores, row, ops.index(column)), chain);
  }
  for (size_t half = chains / 2; half >= 1; half /= 2)
    for (size_t i = 0; i < half; ++i)
      largest[i] = larger(largest[i], largest[i + half]);
  return join(largest[0], [&](Value x, Value y) { return larger(x, y); });
}

std::pair<Value, Value> RowEmitter::emit(Value scores, Value row) {
  Value largest = splat(emitLargest(scores, row));
  scf::ForOp each = loop(columns, panel, {scores, splat(ops.constant(0))});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(each.getBody());
    Value rows = each.getRegionIterArg(0), column = each.getInductionVar();
    Value power = math::ExpOp::create(
        b, loc, arith::SubFOp::create(b, loc, load(rows, row, column), largest));
    Value written =
        vector::TransferWriteOp::create(b, loc, power, rows, ValueRange{row, column},
                                        ArrayRef<bool>{true})
            .getResult();
    Value sum = arith::AddFOp::create(b, loc, each.getRegionIterArg(1), power);
    scf::YieldOp::create(b, loc, ValueRange{written, sum});
  }
  Value sum = join(each.getResult(1), [&](Value x, Value y) -> Value {
    return arith::AddFOp::create(b, loc, x, y);
  });
  return {each.getResult(0), arith::DivFOp::create(b, loc, ops.constant(1), sum)};
}

Powers attention::takePowers(Ops &ops, Value scores) {
  OpBuilder &b = ops.b;
  Location loc = ops.loc;
  int64_t numRows = cast<RankedTensorType>(scores.getType()).getDimSize(0);
  Value inits[] = {scores, ops.empty({numRows})};
  auto each =
      scf::ForOp::create(b, loc, ops.index(0), ops.index(numRows), ops.index(1), inits);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(each.getBody());
  Value row = each.getInductionVar();
  auto [rows, inverse] =
      RowEmitter(ops, scores.getType()).emit(each.getRegionIterArg(0), row);
  Value sums = tensor::InsertOp::create(b, loc, inverse, each.getRegionIterArg(1), row);
  scf::YieldOp::create(b, loc, ValueRange{rows, sums});
  return {each.getResult(0), each.getResult(1)};
}
