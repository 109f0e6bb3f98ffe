//===- Attention.cpp - Lower attentions to loops over strips of queries ---===//
// weir.attention f q, k, v bias b
//   ==>  for each leading index: t = k^T
//          for each strip of queries: s = f(scale q t + b), result[strip] = s v
// The scores of one strip are all that is ever held: memory is linear in the tokens. Of
// softmax the sums divide the result, which has fewer entries than the scores.

#include "Lowerings.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "weir/Dialect/Weir/Weir.h"
#include <cmath>

using namespace mlir;
using namespace weir;

/// Scores of a strip, about: half a megabyte of f32, which stays in the second cache.
static constexpr int64_t stripScores = 1 << 17;
/// Queries of a strip: enough to fill the registers of a product, no more than helps.
static constexpr int64_t fewestQueries = 8, mostQueries = 64;

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

namespace {
using Kind = utils::IteratorType;
using Body = function_ref<Value(OpBuilder &, Location, ValueRange)>;

class AttentionLoops {
public:
  AttentionLoops(AttentionOp op, OpBuilder &b)
      : op(op), b(b), loc(op.getLoc()), element(typeOf(op.getQ()).getElementType()) {}

  Value build();

private:
  using OnResult = function_ref<Value(Value)>;

  Value overLeading(size_t dim, Value result);
  Value overStrips(Value result);
  Value loop(int64_t count, Value result, function_ref<Value(Value, Value)> body);
  Value strip(Value row, int64_t count, Value result);
  Value scores(Value row, int64_t count);
  Value addBias(Value scores, Value row, int64_t count);
  Value laplace(Value scores);
  Value softmaxOf(Value scores, Value &sums);
  Value divide(Value rows, Value sums);
  Value transposeKeys(Value keys);
  Value matrix(Value operand, Value row, int64_t count);

  // Small linalg ops. The last value that a body sees is the init's.
  Value constant(double value) {
    return arith::ConstantOp::create(b, loc, b.getFloatAttr(element, value));
  }
  Value index(int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }
  Value empty(ArrayRef<int64_t> shape) {
    return tensor::EmptyOp::create(b, loc, shape, element);
  }
  Value filled(ArrayRef<int64_t> shape, double value) {
    return linalg::FillOp::create(b, loc, constant(value), empty(shape)).getResult(0);
  }
  AffineMap map(unsigned numLoops, ArrayRef<int> loops);
  Value generic(ValueRange inputs, ArrayRef<AffineMap> maps, Value init,
                unsigned numLoops, unsigned numReduced, Body body);
  Value contract(Value left, Value right, bool isTransposed);
  Value reduceKeys(Value scores, double init, Body body);

  AttentionOp op;
  OpBuilder &b;
  Location loc;
  Type element;
  SmallVector<Value> leading; ///< indices of the leading dimensions; null for sizes of 1
  Value keys;                 ///< of these indices
  bool isTransposed = false;  ///< are they [features, keys]?
};
} // namespace

/// A map of loops by their numbers; -1 is position 0.
AffineMap AttentionLoops::map(unsigned numLoops, ArrayRef<int> loops) {
  SmallVector<AffineExpr> dims;
  for (int loop : loops)
    dims.push_back(loop < 0 ? b.getAffineConstantExpr(0) : b.getAffineDimExpr(loop));
  return AffineMap::get(numLoops, 0, dims, b.getContext());
}

/// The last `numReduced` loops are folded into `init`.
Value AttentionLoops::generic(ValueRange inputs, ArrayRef<AffineMap> maps, Value init,
                              unsigned numLoops, unsigned numReduced, Body body) {
  SmallVector<Kind> kinds(numLoops - numReduced, Kind::parallel);
  kinds.append(numReduced, Kind::reduction);
  return linalg::GenericOp::create(b, loc, init.getType(), inputs, init, maps, kinds,
                                   [&](OpBuilder &b, Location loc, ValueRange in) {
                                     linalg::YieldOp::create(b, loc, body(b, loc, in));
                                   })
      .getResult(0);
}

/// left[i, c] right[c, j], or right[j, c].
Value AttentionLoops::contract(Value left, Value right, bool isTransposed) {
  int64_t rows = typeOf(left).getDimSize(0);
  int64_t columns = typeOf(right).getDimSize(isTransposed ? 0 : 1);
  auto multiply = [](OpBuilder &b, Location loc, ValueRange in) -> Value {
    Value product = arith::MulFOp::create(b, loc, in[0], in[1]);
    return arith::AddFOp::create(b, loc, in[2], product);
  };
  AffineMap rightMap = isTransposed ? map(3, {1, 2}) : map(3, {2, 1});
  return generic({left, right}, {map(3, {0, 2}), rightMap, map(3, {0, 1})},
                 filled({rows, columns}, 0), 3, 1, multiply);
}

Value AttentionLoops::reduceKeys(Value scores, double init, Body body) {
  return generic(scores, {map(2, {0, 1}), map(2, {0})},
                 filled(typeOf(scores).getDimSize(0), init), 2, 1, body);
}

/// Rows [row, row + count) of an operand [.., rows, columns] at the leading indices; all
/// of them for no row.
Value AttentionLoops::matrix(Value operand, Value row, int64_t count) {
  RankedTensorType type = typeOf(operand);
  int64_t rank = type.getRank(), numLeading = std::max<int64_t>(rank - 2, 0);
  SmallVector<OpFoldResult> offsets(rank, b.getIndexAttr(0)), sizes, ones;
  for (int64_t dim = 0; dim < rank; ++dim) {
    bool isLeading = dim < numLeading;
    sizes.push_back(b.getIndexAttr(isLeading ? 1 : type.getDimSize(dim)));
    ones.push_back(b.getIndexAttr(1));
    Value at = isLeading ? leading[leading.size() - numLeading + dim] : Value();
    if (at && type.getDimSize(dim) != 1)
      offsets[dim] = at;
  }
  if (row && rank >= 2 && type.getDimSize(rank - 2) != 1) {
    offsets[rank - 2] = getAsOpFoldResult(row);
    sizes[rank - 2] = b.getIndexAttr(count);
  }
  SmallVector<int64_t> shape;
  for (OpFoldResult size : ArrayRef(sizes).drop_front(numLeading))
    shape.push_back(*getConstantIntValue(size));
  return tensor::ExtractSliceOp::create(b, loc, type.clone(shape), operand, offsets,
                                        sizes, ones);
}

Value AttentionLoops::scores(Value row, int64_t count) {
  Value queries = matrix(op.getQ(), row, count);
  double scale = op.getScale().convertToDouble();
  if (scale != 1) {
    AffineMap all = map(2, {0, 1});
    queries = generic(queries, {all, all}, empty(typeOf(queries).getShape()), 2, 0,
                      [&](OpBuilder &b, Location loc, ValueRange in) -> Value {
                        auto factor = b.getFloatAttr(element, scale);
                        Value number = arith::ConstantOp::create(b, loc, factor);
                        return arith::MulFOp::create(b, loc, in[0], number);
                      });
  }
  Value scores = contract(queries, keys, !isTransposed);
  return op.getBias() ? addBias(scores, row, count) : scores;
}

Value AttentionLoops::addBias(Value scores, Value row, int64_t count) {
  Value bias = matrix(op.getBias(), row, count);
  SmallVector<int> loops;
  ArrayRef<int64_t> shape = typeOf(bias).getShape();
  for (auto [dim, size] : llvm::enumerate(shape))
    loops.push_back(size == 1 ? -1 : static_cast<int>(2 - shape.size() + dim));
  AffineMap all = map(2, {0, 1});
  return generic({scores, bias}, {all, map(2, loops), all}, scores, 2, 0,
                 [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                   return arith::AddFOp::create(b, loc, in[0], in[1]);
                 });
}

/// (1 + erf((a - sqrt(1/2)) sqrt(2 pi))) / 2
Value AttentionLoops::laplace(Value scores) {
  AffineMap all = map(2, {0, 1});
  return generic(scores, {all, all}, scores, 2, 0,
                 [&](OpBuilder &b, Location loc, ValueRange in) -> Value {
                   auto number = [&](double value) {
                     auto attr = b.getFloatAttr(element, value);
                     return arith::ConstantOp::create(b, loc, attr).getResult();
                   };
                   Value x = arith::SubFOp::create(b, loc, in[0], number(std::sqrt(0.5)));
                   x = arith::MulFOp::create(b, loc, x, number(std::sqrt(2 * M_PI)));
                   x = math::ErfOp::create(b, loc, x);
                   x = arith::AddFOp::create(b, loc, x, number(1));
                   return arith::MulFOp::create(b, loc, x, number(0.5));
                 });
}

/// e^(s - max s), and its sums.
Value AttentionLoops::softmaxOf(Value scores, Value &sums) {
  double lowest = -std::numeric_limits<double>::infinity();
  Value largest =
      reduceKeys(scores, lowest, [](OpBuilder &b, Location loc, ValueRange in) -> Value {
        return arith::MaximumFOp::create(b, loc, in[1], in[0]);
      });
  AffineMap all = map(2, {0, 1});
  Value powers = generic({scores, largest}, {all, map(2, {0}), all}, scores, 2, 0,
                         [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                           Value x = arith::SubFOp::create(b, loc, in[0], in[1]);
                           return math::ExpOp::create(b, loc, x);
                         });
  sums = reduceKeys(powers, 0, [](OpBuilder &b, Location loc, ValueRange in) -> Value {
    return arith::AddFOp::create(b, loc, in[1], in[0]);
  });
  return powers;
}

/// Rows by their sums; of a guarded attention 0 where there is no sum.
Value AttentionLoops::divide(Value rows, Value sums) {
  AffineMap all = map(2, {0, 1});
  return generic({rows, sums}, {all, map(2, {0}), all}, rows, 2, 0,
                 [&](OpBuilder &b, Location loc, ValueRange in) -> Value {
                   Value mean = arith::DivFOp::create(b, loc, in[0], in[1]);
                   if (!op.getGuarded())
                     return mean;
                   Value zero =
                       arith::ConstantOp::create(b, loc, b.getFloatAttr(element, 0));
                   Value isNan = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO,
                                                       in[1], in[1]);
                   return arith::SelectOp::create(b, loc, isNan, zero, mean);
                 });
}

Value AttentionLoops::strip(Value row, int64_t count, Value result) {
  Value weights = scores(row, count), sums;
  if (op.getFunction() == AttentionFunction::Softmax)
    weights = softmaxOf(weights, sums);
  else
    weights = laplace(weights);
  Value rows = contract(weights, matrix(op.getV(), nullptr, 0), /*isTransposed=*/false);
  if (sums)
    rows = divide(rows, sums);
  int64_t rank = typeOf(result).getRank();
  SmallVector<OpFoldResult> offsets(rank, b.getIndexAttr(0)),
      sizes(rank, b.getIndexAttr(1)), ones(rank, b.getIndexAttr(1));
  for (auto [dim, at] : llvm::enumerate(leading))
    if (at)
      offsets[dim] = at;
  offsets[rank - 2] = getAsOpFoldResult(row);
  sizes[rank - 2] = b.getIndexAttr(count);
  sizes[rank - 1] = b.getIndexAttr(op.numValueFeatures());
  return tensor::InsertSliceOp::create(b, loc, rows, result, offsets, sizes, ones);
}

/// Runs `body` `count` times on a value that it replaces.
Value AttentionLoops::loop(int64_t count, Value result,
                           function_ref<Value(Value, Value)> body) {
  if (count == 1)
    return body(index(0), result);
  auto each = scf::ForOp::create(b, loc, index(0), index(count), index(1), result);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(each.getBody());
  Value next = body(each.getInductionVar(), each.getRegionIterArg(0));
  scf::YieldOp::create(b, loc, next);
  return each.getResult(0);
}

/// Rows of [features, keys] that are an odd number of cache lines apart: of a power of
/// two they would all fall into the same places of a cache.
Value AttentionLoops::transposeKeys(Value keys) {
  constexpr int64_t line = 16;
  int64_t features = op.numFeatures(), count = op.numKeys();
  int64_t lines = llvm::divideCeil(count, line) | 1;
  SmallVector<OpFoldResult> zeros(2, b.getIndexAttr(0)), ones(2, b.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes = {b.getIndexAttr(features), b.getIndexAttr(count)};
  Value rows = tensor::ExtractSliceOp::create(b, loc, empty({features, lines * line}),
                                              zeros, sizes, ones);
  return linalg::TransposeOp::create(b, loc, keys, rows, ArrayRef<int64_t>{1, 0})
      ->getResult(0);
}

Value AttentionLoops::overStrips(Value result) {
  int64_t queries = op.numQueries();
  int64_t most = std::clamp(stripScores / op.numKeys(), fewestQueries, mostQueries);
  int64_t size = llvm::divideCeil(queries, llvm::divideCeil(queries, most));
  keys = matrix(op.getK(), nullptr, 0);
  isTransposed = queries >= fewestQueries; // fewer do not pay for it
  if (isTransposed)
    keys = transposeKeys(keys);
  if (int64_t count = queries / size)
    result = loop(count, result, [&](Value i, Value result) {
      Value row = b.createOrFold<arith::MulIOp>(loc, i, index(size));
      return strip(row, size, result);
    });
  int64_t rest = queries % size;
  return rest ? strip(index(queries - rest), rest, result) : result;
}

Value AttentionLoops::overLeading(size_t dim, Value result) {
  RankedTensorType type = typeOf(result);
  if (dim + 2 == static_cast<size_t>(type.getRank()))
    return overStrips(result);
  leading.resize(type.getRank() - 2);
  return loop(type.getDimSize(dim), result, [&](Value i, Value result) {
    leading[dim] = type.getDimSize(dim) == 1 ? Value() : i;
    return overLeading(dim + 1, result);
  });
}

Value AttentionLoops::build() {
  return overLeading(0, empty(typeOf(op.getResult()).getShape()));
}

namespace {
struct LowerAttention : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AttentionOp op, PatternRewriter &rw) const override {
    rw.replaceOp(op, AttentionLoops(op, rw).build());
    return success();
  }
};
} // namespace

void weir::populateEncoderLowerings(RewritePatternSet &patterns) {
  patterns.add<LowerAttention>(patterns.getContext());
}
