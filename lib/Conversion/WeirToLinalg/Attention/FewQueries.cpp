//===- FewQueries.cpp - Lower attentions of few queries, all heads at once -===//
// s = scale q k^T + b,  p = e^(s - max s),  result = (p v) / sum p
// Each is one op of all heads, so that keys and values are read once, in the order in
// which they lie: of rows [features, heads], vectors run along the heads and the scores
// are [queries, keys, heads]; else they are [heads, queries, keys].

#include "Attention.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "weir/Support/TensorTypes.h"

using namespace mlir;
using namespace weir;
using namespace weir::attention;

namespace {
/// A tensor and the loop that each of its dimensions follows; none where it has one
/// entry for all.
struct Access {
  Value tensor;
  SmallVector<std::optional<int64_t>> loops;
};

/// Loops are numbered: first the leading dimensions of the result, then those below.
class FewQueries {
public:
  FewQueries(AttentionOp op, OpBuilder &b);
  Value build(ArrayRef<int64_t> order);

private:
  using Loops = SmallVector<int64_t>;
  int64_t query() const { return numLeading; }
  int64_t key() const { return numLeading + 1; }
  int64_t feature() const { return numLeading + 2; }
  int64_t valueFeature() const { return numLeading + 3; }

  Access access(Value value, int64_t row, int64_t column);
  /// Memory that follows `loops`.
  Access make(ArrayRef<int64_t> loops, std::optional<double> start = std::nullopt);
  /// The leading loops and `others`, heads last where rows of keys have them last.
  Loops order(ArrayRef<int64_t> others);
  /// Reduces along `reduced`; computes `into` from what it holds and `inputs`.
  Access compute(ArrayRef<Access> inputs, Access into, std::optional<int64_t> reduced,
                 Ops::Body body);
  Access contract(ArrayRef<Access> inputs, Access into, int64_t reduced);

  std::optional<int64_t> findInnermostHeads();
  Access scaleQueries();
  Access addBias(Access scores);
  Access takePowers(Access scores);
  Access sum(Access powers);
  Value finish(Access rows, std::optional<Access> sums, ArrayRef<int64_t> order);

  AttentionOp op;
  Ops ops;
  int64_t numLeading;
  SmallVector<int64_t> extents;
  std::optional<int64_t> heads; ///< the leading loop that moves along memory
};
} // namespace

FewQueries::FewQueries(AttentionOp op, OpBuilder &b)
    : op(op), ops(b, op.getLoc(), typeOf(op.getQ()).getElementType()),
      numLeading(typeOf(op.getResult()).getRank() - 2),
      extents(shapeOf(op.getResult()).take_front(numLeading)) {
  extents.append(
      {op.numQueries(), op.numKeys(), op.numFeatures(), op.numValueFeatures()});
  heads = findInnermostHeads();
}

/// The leading loop that is the last dimension of keys and values both.
std::optional<int64_t> FewQueries::findInnermostHeads() {
  std::optional<int64_t> keys = access(op.getK(), key(), feature()).loops.back();
  std::optional<int64_t> values = access(op.getV(), key(), valueFeature()).loops.back();
  return keys && *keys < numLeading && keys == values ? keys : std::nullopt;
}

Access FewQueries::access(Value value, int64_t row, int64_t column) {
  Operand operand(value);
  int64_t rank = operand.rank();
  Access made{operand.tensor, SmallVector<std::optional<int64_t>>(rank)};
  for (int64_t dim = 0; dim < rank; ++dim) {
    int64_t fromEnd = rank - dim;
    int64_t loop = fromEnd == 1 ? column : fromEnd == 2 ? row : numLeading + 2 - fromEnd;
    if (operand.size(dim) == extents[loop])
      made.loops[operand.dims[dim]] = loop;
  }
  return made;
}

Access FewQueries::make(ArrayRef<int64_t> loops, std::optional<double> start) {
  SmallVector<int64_t> shape;
  for (int64_t loop : loops)
    shape.push_back(extents[loop]);
  Value tensor = ops.empty(shape);
  if (start)
    tensor = ops.fill(tensor, *start);
  return {tensor, SmallVector<std::optional<int64_t>>(loops.begin(), loops.end())};
}

FewQueries::Loops FewQueries::order(ArrayRef<int64_t> others) {
  Loops all = llvm::to_vector(llvm::seq<int64_t>(0, numLeading));
  llvm::append_range(all, others);
  if (heads) {
    llvm::erase(all, *heads);
    all.push_back(*heads);
  }
  return all;
}

Access FewQueries::compute(ArrayRef<Access> inputs, Access into,
                           std::optional<int64_t> reduced, Ops::Body body) {
  Loops loops;
  for (std::optional<int64_t> loop : into.loops)
    loops.push_back(*loop);
  SmallVector<bool> reduces(loops.size(), false);
  if (reduced) {
    loops.push_back(*reduced);
    reduces.push_back(true);
  }
  auto mapOf = [&](const Access &of) {
    SmallVector<AffineExpr> at;
    for (std::optional<int64_t> loop : of.loops)
      at.push_back(loop ? ops.dim(llvm::find(loops, *loop) - loops.begin())
                        : ops.b.getAffineConstantExpr(0));
    return ops.map(loops.size(), at);
  };
  SmallVector<Value> values;
  SmallVector<AffineMap> maps;
  for (const Access &input : inputs) {
    values.push_back(input.tensor);
    maps.push_back(mapOf(input));
  }
  maps.push_back(mapOf(into));
  into.tensor = ops.generic(values, maps, into.tensor, reduces, body);
  return into;
}

Access FewQueries::contract(ArrayRef<Access> inputs, Access into, int64_t reduced) {
  return compute(inputs, into, reduced,
                 [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                   Value product = arith::MulFOp::create(b, loc, in[0], in[1]);
                   return arith::AddFOp::create(b, loc, in[2], product);
                 });
}

/// scale q, heads last where keys have them last.
Access FewQueries::scaleQueries() {
  Access queries = access(op.getQ(), query(), feature());
  double scale = op.getScale().convertToDouble();
  if (scale == 1 && (!heads || queries.loops.back() == *heads))
    return queries;
  Loops loops;
  for (std::optional<int64_t> loop : queries.loops)
    if (loop)
      loops.push_back(*loop);
  if (heads && llvm::is_contained(loops, *heads)) {
    llvm::erase(loops, *heads);
    loops.push_back(*heads);
  }
  return compute(queries, make(loops), std::nullopt,
                 [&](OpBuilder &b, Location loc, ValueRange in) -> Value {
                   auto factor = b.getFloatAttr(ops.element, scale);
                   Value number = arith::ConstantOp::create(b, loc, factor);
                   return arith::MulFOp::create(b, loc, in[0], number);
                 });
}

Access FewQueries::addBias(Access scores) {
  Access bias{op.getBias(), {}};
  int64_t rank = typeOf(op.getBias()).getRank();
  if (rank >= 2)
    bias = access(op.getBias(), query(), key());
  else if (rank == 1)
    bias.loops = {shapeOf(op.getBias())[0] == op.numKeys() ? std::optional(key())
                                                           : std::nullopt};
  return compute({scores, bias}, scores, std::nullopt,
                 [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                   return arith::AddFOp::create(b, loc, in[0], in[1]);
                 });
}

/// e^(s - max s). A NaN is left to the powers, which show it.
Access FewQueries::takePowers(Access scores) {
  Access largest =
      compute(scores, make(order({query()}), -std::numeric_limits<double>::infinity()),
              key(), [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                return arith::MaxNumFOp::create(b, loc, in[1], in[0]);
              });
  return compute({scores, largest}, make(order({query(), key()})), std::nullopt,
                 [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                   Value less = arith::SubFOp::create(b, loc, in[0], in[1]);
                   return math::ExpOp::create(b, loc, less);
                 });
}

Access FewQueries::sum(Access powers) {
  return compute(powers, make(order({query()}), 0), key(),
                 [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                   return arith::AddFOp::create(b, loc, in[1], in[0]);
                 });
}

/// Rows over the sums of their weights; of a guarded attention 0 where there is no sum.
Value FewQueries::finish(Access rows, std::optional<Access> sums,
                         ArrayRef<int64_t> order) {
  Loops loops;
  for (int64_t dim : order) // the last two of the result are queries and features
    loops.push_back(dim <= numLeading ? dim : valueFeature());
  SmallVector<Access> inputs = {rows};
  if (sums)
    inputs.push_back(*sums);
  Access result = compute(
      inputs, make(loops), std::nullopt,
      [&](OpBuilder &b, Location loc, ValueRange in) -> Value {
        if (!sums)
          return in[0];
        Value mean = arith::DivFOp::create(b, loc, in[0], in[1]);
        if (!op.getGuarded())
          return mean;
        Value zero = arith::ConstantOp::create(b, loc, b.getFloatAttr(ops.element, 0));
        Value isNan =
            arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, in[1], in[1]);
        return arith::SelectOp::create(b, loc, isNan, zero, mean);
      });
  return result.tensor;
}

Value FewQueries::build(ArrayRef<int64_t> resultOrder) {
  Access keys = access(op.getK(), key(), feature());
  Access values = access(op.getV(), key(), valueFeature());
  Access scores =
      contract({scaleQueries(), keys}, make(order({query(), key()}), 0), feature());
  if (op.getBias())
    scores = addBias(scores);
  std::optional<Access> sums;
  Access weights = scores;
  if (op.getFunction() == AttentionFunction::Softmax) {
    weights = takePowers(scores);
    sums = sum(weights);
  } else {
    weights = compute(scores, scores, std::nullopt,
                      [&](OpBuilder &b, Location loc, ValueRange in) {
                        return laplace(ops, b, loc, in[0]);
                      });
  }
  Access rows =
      contract({weights, values}, make(order({query(), valueFeature()}), 0), key());
  return finish(rows, sums, resultOrder);
}

Value attention::lowerFewQueries(AttentionOp op, OpBuilder &b, ArrayRef<int64_t> order) {
  return FewQueries(op, b).build(order);
}
