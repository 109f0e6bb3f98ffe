//===- Strip.cpp - What some queries take from all keys -------------------===//
// s = f(scale q k^T + bias), result[strip] = s v

#include "Attention.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "weir/Support/TensorTypes.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::attention;

/// Rows [row, row + count) of an operand at the leading indices; all of them for no row.
Matrix Loops::matrix(const Operand &operand, Value row, int64_t count) {
  OpBuilder &b = ops.b;
  int64_t rank = operand.rank(), numLeading = rank - 2;
  SmallVector<OpFoldResult> offsets(rank, b.getIndexAttr(0)),
      ones(rank, b.getIndexAttr(1)), sizes(rank, b.getIndexAttr(1));
  for (int64_t dim = 0; dim < rank; ++dim) {
    int64_t at = operand.dims[dim], size = operand.size(dim);
    if (dim < numLeading) {
      Value index = leading[leading.size() - numLeading + dim];
      if (index && size != 1)
        offsets[at] = index;
      continue;
    }
    bool isPart = row && dim == numLeading;
    if (isPart)
      offsets[at] = getAsOpFoldResult(row);
    sizes[at] = b.getIndexAttr(isPart ? count : size);
  }
  bool isSwapped = operand.dims[rank - 2] > operand.dims[rank - 1];
  SmallVector<int64_t> shape = {count ? count : operand.size(rank - 2),
                                operand.size(rank - 1)};
  if (isSwapped)
    std::swap(shape[0], shape[1]);
  auto type = RankedTensorType::get(shape, ops.element);
  Value part = tensor::ExtractSliceOp::create(b, ops.loc, type, operand.tensor, offsets,
                                              sizes, ones);
  return {part, isSwapped};
}

/// scale q, rows one after the other: those of a head may lie far apart.
static Value copyQueries(Ops &ops, const Matrix &queries, double scale) {
  Value into = ops.empty({queries.numRows(), queries.numColumns()});
  if (scale == 1 && !queries.isSwapped) // a generic op that only copies folds away
    return linalg::CopyOp::create(ops.b, ops.loc, queries.tensor, into).getResult(0);
  AffineExpr row = ops.dim(0), column = ops.dim(1);
  return ops.generic(queries.tensor,
                     {ops.map(2, queries, row, column), ops.map(2, {row, column})}, into,
                     {false, false}, [&](OpBuilder &b, Location loc, ValueRange in) {
                       auto factor = b.getFloatAttr(ops.element, scale);
                       Value number = arith::ConstantOp::create(b, loc, factor);
                       return arith::MulFOp::create(b, loc, in[0], number).getResult();
                     });
}

/// Adds products of queries and keys to the rows of `init`.
Value Loops::productWithKeys(const Matrix &queries, Value init) {
  AffineExpr row = ops.dim(0), column = ops.dim(1), feature = ops.dim(2);
  AffineExpr lane = ops.dim(3);
  Value sums =
      ops.contract({queries.tensor, keyPanels},
                   {ops.map(4, queries, row, feature),
                    ops.map(4, {column, feature, lane}), ops.map(4, {row, column, lane})},
                   ops.splitColumns(init), {false, false, true, false});
  return ops.joinColumns(sums);
}

/// [queries, keys] with places up to a whole panel, which hold the lowest score: they
/// weigh nothing. Rows are an odd number of cache lines apart; of a power of two they
/// would all fall into the same places of a cache.
Value Loops::scores(Value row, int64_t count) {
  Value queries =
      copyQueries(ops, matrix(q, row, count), op.getScale().convertToDouble());
  int64_t numKeys = op.numKeys(), columns = countPanels(numKeys) * panel;
  Value rows = ops.empty({count, (countPanels(numKeys) | 1) * panel});
  rows = ops.slice(rows, {0, 0}, {count, columns});
  rows = productWithKeys({queries}, ops.fill(rows, 0));
  if (columns > numKeys) {
    Value rest = ops.slice(rows, {0, numKeys}, {count, columns - numKeys});
    rest = ops.fill(rest, -std::numeric_limits<double>::infinity());
    rows = ops.insert(rest, rows, {0, numKeys});
  }
  return op.getBias() ? addBias(rows, row, count) : rows;
}

Value Loops::addBias(Value scores, Value row, int64_t count) {
  int64_t numKeys = op.numKeys();
  Value bias = op.getBias();
  int64_t rank = typeOf(bias).getRank();
  SmallVector<AffineExpr> at;
  bool isSwapped = false;
  if (rank >= 2) {
    Operand operand(bias);
    bool hasRows = operand.size(rank - 2) != 1;
    Matrix part = matrix(operand, hasRows ? row : Value(), hasRows ? count : 0);
    bias = part.tensor;
    isSwapped = part.isSwapped;
    at.push_back(hasRows ? ops.dim(0) : ops.b.getAffineConstantExpr(0));
  }
  if (rank >= 1) {
    bool hasColumns = typeOf(op.getBias()).getShape().back() != 1;
    at.push_back(hasColumns ? ops.dim(1) : ops.b.getAffineConstantExpr(0));
  }
  if (isSwapped)
    std::swap(at[0], at[1]);
  AffineMap all = ops.map(2, {ops.dim(0), ops.dim(1)});
  Value part = ops.slice(scores, {0, 0}, {count, numKeys});
  part = ops.generic({part, bias}, {all, ops.map(2, at), all}, part, {false, false},
                     [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                       return arith::AddFOp::create(b, loc, in[0], in[1]);
                     });
  return ops.insert(part, scores, {0, 0});
}

/// (1 + erf((a - sqrt(1/2)) sqrt(2 pi))) / 2
Value attention::laplace(Ops &ops, OpBuilder &b, Location loc, Value score) {
  auto number = [&](double value) {
    auto attr = b.getFloatAttr(ops.element, value);
    return arith::ConstantOp::create(b, loc, attr).getResult();
  };
  Value x = arith::SubFOp::create(b, loc, score, number(std::sqrt(0.5)));
  x = arith::MulFOp::create(b, loc, x, number(std::sqrt(2 * M_PI)));
  x = math::ErfOp::create(b, loc, x);
  x = arith::AddFOp::create(b, loc, x, number(1));
  return arith::MulFOp::create(b, loc, x, number(0.5));
}

static Value takeLaplace(Ops &ops, Value scores) {
  AffineMap all = ops.map(2, {ops.dim(0), ops.dim(1)});
  return ops.generic(scores, {all, all}, scores, {false, false},
                     [&](OpBuilder &b, Location loc, ValueRange in) {
                       return laplace(ops, b, loc, in[0]);
                     });
}

/// [queries, value features], perhaps followed by zeros.
Value Loops::productWithValues(Value weights) {
  AffineExpr row = ops.dim(0), column = ops.dim(1), key = ops.dim(2);
  int64_t count = typeOf(weights).getDimSize(0), features = op.numValueFeatures();
  AffineExpr lane = ops.dim(3);
  Value init = ops.fill(ops.empty({count, countPanels(features), panel}), 0);
  Value sums = ops.contract({weights, valuePanels},
                            {ops.map(4, {row, key}), ops.map(4, {column, key, lane}),
                             ops.map(4, {row, column, lane})},
                            init, {false, false, true, false});
  return ops.joinColumns(sums);
}

Value attention::guard(AttentionOp op, OpBuilder &b, Location loc, Value mean,
                       Value sum) {
  if (!op.getGuarded())
    return mean;
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(mean.getType()));
  Value isNan = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, sum, sum);
  return arith::SelectOp::create(b, loc, isNan, zero, mean);
}

/// Writes what the values gave, over the sums of their weights if there are any, to
/// `part` of the result; of a guarded attention 0 where there is no sum.
Value Loops::finish(Value rows, Value inverseSums, Value part) {
  AffineMap all = ops.map(2, {ops.dim(0), ops.dim(1)});
  SmallVector<Value> inputs = {rows};
  SmallVector<AffineMap> maps = {all};
  if (inverseSums) {
    inputs.push_back(inverseSums);
    maps.push_back(ops.map(2, {ops.dim(0)}));
  }
  maps.push_back(all);
  return ops.generic(inputs, maps, part, {false, false},
                     [&](OpBuilder &b, Location loc, ValueRange in) -> Value {
                       if (!inverseSums)
                         return in[0];
                       Value mean = arith::MulFOp::create(b, loc, in[0], in[1]);
                       return guard(op, b, loc, mean, in[1]);
                     });
}

Value Loops::strip(Value row, int64_t count, Value result) {
  Value weights = scores(row, count), inverseSums;
  if (op.getFunction() == AttentionFunction::Softmax) {
    Powers powers = takePowers(ops, weights);
    weights = powers.rows;
    inverseSums = powers.inverseSums;
  }
  weights = ops.slice(weights, {0, 0}, {count, op.numKeys()});
  if (!inverseSums)
    weights = takeLaplace(ops, weights);
  int64_t features = op.numValueFeatures(), rank = typeOf(result).getRank();
  Value rows = ops.slice(productWithValues(weights), {0, 0}, {count, features});

  OpBuilder &b = ops.b;
  SmallVector<OpFoldResult> offsets(rank, b.getIndexAttr(0)),
      sizes(rank, b.getIndexAttr(1)), ones(rank, b.getIndexAttr(1));
  auto place = [&](int64_t dim) { return llvm::find(order, dim) - order.begin(); };
  for (auto [dim, at] : llvm::enumerate(leading))
    if (at)
      offsets[place(dim)] = at;
  offsets[place(rank - 2)] = getAsOpFoldResult(row);
  sizes[place(rank - 2)] = b.getIndexAttr(count);
  sizes[place(rank - 1)] = b.getIndexAttr(features);
  Value part = tensor::ExtractSliceOp::create(
      b, ops.loc, RankedTensorType::get({count, features}, ops.element), result, offsets,
      sizes, ones);
  part = finish(rows, inverseSums, part);
  return tensor::InsertSliceOp::create(b, ops.loc, part, result, offsets, sizes, ones);
}
