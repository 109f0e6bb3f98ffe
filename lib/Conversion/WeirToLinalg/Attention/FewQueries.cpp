//===- FewQueries.cpp - Lower attentions of few queries, all heads at once -===//
// s = scale q k^T + b,  p = e^(s - max s),  result = (p v) / sum p
// Each is one op of all heads, so that keys and values are read once, in the order in
// which they lie: of rows [features, heads], vectors run along the heads and the scores
// are [queries, keys, heads]; else they are [heads, queries, keys].
//
// Many keys are read in a few places at a time, key i of each part beside key i of the
// others: several streams keep memory busier than one, half as much again. Scores lie as
// they are computed, [.., keys of a part, parts].

#include "Attention.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "weir/Support/TensorTypes.h"

using namespace mlir;
using namespace weir;
using namespace weir::attention;

/// Bytes of keys from which on they are read in parts: less is in the first cache.
static constexpr int64_t fewestBytes = 64 << 10;
static constexpr int64_t mostParts = 4;

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
  using LoopList = SmallVector<int64_t>;
  int64_t query() const { return numLeading; }
  int64_t key() const { return numLeading + 1; }
  int64_t feature() const { return numLeading + 2; }
  int64_t valueFeature() const { return numLeading + 3; }
  int64_t part() const { return numLeading + 4; }
  int64_t keyOfPart() const { return numLeading + 5; }

  void cutKeys();
  Access splitKeys(Access whole);
  /// The entries at `index` of `loop`, which the result does not follow.
  Access at(const Access &whole, int64_t loop, Value index);
  Access access(Value value, int64_t row, int64_t column);
  /// Memory that follows `loops`.
  Access make(ArrayRef<int64_t> loops, std::optional<double> start = std::nullopt);
  /// The leading loops and `others`, heads last where rows of keys have them last.
  LoopList order(ArrayRef<int64_t> others);
  /// `others`, then what keys run along.
  LoopList withKeys(ArrayRef<int64_t> others) {
    LoopList all(others);
    llvm::append_range(all, keyLoops);
    return all;
  }
  /// Reduces along `reduced`; computes `into` from what it holds and `inputs`.
  Access compute(ArrayRef<Access> inputs, Access into, ArrayRef<int64_t> reduced,
                 Ops::Body body);
  Access contract(ArrayRef<Access> inputs, Access into, ArrayRef<int64_t> reduced);

  std::optional<int64_t> findInnermostHeads();
  Access scaleQueries();
  Access addBias(Access scores);
  Access takePowers(Access scores);
  Access sum(Access powers);
  Access weigh(Access weights, Access values);
  Value finish(Access rows, std::optional<Access> sums, ArrayRef<int64_t> order);

  AttentionOp op;
  Ops ops;
  int64_t numLeading;
  SmallVector<int64_t> extents;
  LoopList keyLoops;            ///< outermost first
  std::optional<int64_t> heads; ///< the leading loop that moves along memory
};
} // namespace

FewQueries::FewQueries(AttentionOp op, OpBuilder &b)
    : op(op), ops(b, op.getLoc(), typeOf(op.getQ()).getElementType()),
      numLeading(typeOf(op.getResult()).getRank() - 2),
      extents(shapeOf(op.getResult()).take_front(numLeading)) {
  extents.append(
      {op.numQueries(), op.numKeys(), op.numFeatures(), op.numValueFeatures()});
  keyLoops = {key()};
  heads = findInnermostHeads();
  cutKeys();
}

/// Parts decide in which order is summed: the first of several leading dimensions, which
/// counts the sequences of a batch, has no part in it.
void FewQueries::cutKeys() {
  ArrayRef<int64_t> shape = shapeOf(op.getK());
  if (numLeading > 1 && static_cast<int64_t>(shape.size()) == numLeading + 2)
    shape = shape.drop_front();
  int64_t bits = ShapedType::getNumElements(shape) * ops.element.getIntOrFloatBitWidth();
  if (bits / 8 < fewestBytes)
    return;
  int64_t parts = std::clamp<int64_t>(op.numKeys() / 2, 1, mostParts);
  while (op.numKeys() % parts != 0)
    --parts;
  extents.append({parts, op.numKeys() / parts});
  if (parts > 1)
    keyLoops = {keyOfPart(), part()};
}

Access FewQueries::splitKeys(Access whole) {
  auto found = llvm::find(whole.loops, std::optional(key()));
  if (keyLoops.size() == 1 || found == whole.loops.end())
    return whole;
  int64_t dim = found - whole.loops.begin();
  SmallVector<int64_t> shape(shapeOf(whole.tensor));
  SmallVector<ReassociationIndices> groups;
  for (int64_t i = 0; i < static_cast<int64_t>(shape.size()); ++i)
    groups.push_back({i + (i > dim)});
  groups[dim].push_back(dim + 1);
  shape[dim] = extents[keyOfPart()];
  shape.insert(shape.begin() + dim, extents[part()]);
  *found = keyOfPart();
  whole.loops.insert(whole.loops.begin() + dim, part());
  whole.tensor = tensor::ExpandShapeOp::create(
      ops.b, ops.loc, RankedTensorType::get(shape, ops.element), whole.tensor, groups);
  return whole;
}

Access FewQueries::at(const Access &whole, int64_t loop, Value index) {
  Access part;
  SmallVector<OpFoldResult> offsets, sizes;
  SmallVector<int64_t> shape;
  for (auto [size, follows] : llvm::zip(shapeOf(whole.tensor), whole.loops)) {
    bool isFixed = follows == loop;
    offsets.push_back(isFixed ? OpFoldResult(index) : ops.b.getIndexAttr(0));
    sizes.push_back(ops.b.getIndexAttr(isFixed ? 1 : size));
    if (isFixed)
      continue;
    shape.push_back(size);
    part.loops.push_back(follows);
  }
  SmallVector<OpFoldResult> ones(sizes.size(), ops.b.getIndexAttr(1));
  part.tensor = tensor::ExtractSliceOp::create(ops.b, ops.loc,
                                               RankedTensorType::get(shape, ops.element),
                                               whole.tensor, offsets, sizes, ones);
  return part;
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
  return splitKeys(made);
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

FewQueries::LoopList FewQueries::order(ArrayRef<int64_t> others) {
  LoopList all = llvm::to_vector(llvm::seq<int64_t>(0, numLeading));
  llvm::append_range(all, others);
  if (heads) {
    llvm::erase(all, *heads);
    all.push_back(*heads);
  }
  return all;
}

Access FewQueries::compute(ArrayRef<Access> inputs, Access into,
                           ArrayRef<int64_t> reduced, Ops::Body body) {
  LoopList loops;
  for (std::optional<int64_t> loop : into.loops)
    loops.push_back(*loop);
  SmallVector<bool> reduces(loops.size(), false);
  llvm::append_range(loops, reduced);
  reduces.append(reduced.size(), true);
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

Access FewQueries::contract(ArrayRef<Access> inputs, Access into,
                            ArrayRef<int64_t> reduced) {
  return compute(inputs, into, reduced, Ops::addProduct);
}

/// scale q, heads last where keys have them last.
Access FewQueries::scaleQueries() {
  Access queries = access(op.getQ(), query(), feature());
  double scale = op.getScale().convertToDouble();
  if (scale == 1 && (!heads || queries.loops.back() == *heads))
    return queries;
  LoopList loops;
  for (std::optional<int64_t> loop : queries.loops)
    if (loop)
      loops.push_back(*loop);
  if (heads && llvm::is_contained(loops, *heads)) {
    llvm::erase(loops, *heads);
    loops.push_back(*heads);
  }
  return compute(queries, make(loops), {},
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
    bias = splitKeys({op.getBias(),
                      {shapeOf(op.getBias())[0] == op.numKeys() ? std::optional(key())
                                                                : std::nullopt}});
  return compute({scores, bias}, scores, {},
                 [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                   return arith::AddFOp::create(b, loc, in[0], in[1]);
                 });
}

/// e^(s - max s). A NaN is left to the powers, which show it.
Access FewQueries::takePowers(Access scores) {
  Access largest =
      compute(scores, make(order({query()}), -std::numeric_limits<double>::infinity()),
              keyLoops, [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                return arith::MaxNumFOp::create(b, loc, in[1], in[0]);
              });
  return compute({scores, largest}, make(order(withKeys(query()))), {},
                 [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                   Value less = arith::SubFOp::create(b, loc, in[0], in[1]);
                   return math::ExpOp::create(b, loc, less);
                 });
}

Access FewQueries::sum(Access powers) {
  return compute(powers, make(order({query()}), 0), keyLoops,
                 [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                   return arith::AddFOp::create(b, loc, in[1], in[0]);
                 });
}

/// Where rows of values are longer than registers hold sums of, one of each part at a
/// time is added to sums in memory.
Access FewQueries::weigh(Access weights, Access values) {
  Access rows = make(order({query(), valueFeature()}), 0);
  if (keyLoops.size() == 1 || heads)
    return contract({weights, values}, rows, keyLoops);
  OpBuilder &b = ops.b;
  auto each =
      scf::ForOp::create(b, ops.loc, ops.index(0), ops.index(extents[keyOfPart()]),
                         ops.index(1), rows.tensor);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(each.getBody());
  Value index = each.getInductionVar();
  rows.tensor = each.getRegionIterArg(0);
  Access sums = contract(
      {at(weights, keyOfPart(), index), at(values, keyOfPart(), index)}, rows, part());
  scf::YieldOp::create(b, ops.loc, sums.tensor);
  return {each.getResult(0), rows.loops};
}

/// Rows over the sums of their weights; of a guarded attention 0 where there is no sum.
Value FewQueries::finish(Access rows, std::optional<Access> sums,
                         ArrayRef<int64_t> order) {
  LoopList loops;
  for (int64_t dim : order) // the last two of the result are queries and features
    loops.push_back(dim <= numLeading ? dim : valueFeature());
  SmallVector<Access> inputs = {rows};
  if (sums)
    inputs.push_back(*sums);
  Access result = compute(inputs, make(loops), {},
                          [&](OpBuilder &b, Location loc, ValueRange in) -> Value {
                            if (!sums)
                              return in[0];
                            Value mean = arith::DivFOp::create(b, loc, in[0], in[1]);
                            return guard(op, b, loc, mean, in[1]);
                          });
  return result.tensor;
}

Value FewQueries::build(ArrayRef<int64_t> resultOrder) {
  Access keys = access(op.getK(), key(), feature());
  Access values = access(op.getV(), key(), valueFeature());
  Access scores =
      contract({scaleQueries(), keys}, make(order(withKeys(query())), 0), feature());
  if (op.getBias())
    scores = addBias(scores);
  std::optional<Access> sums;
  Access weights = scores;
  if (op.getFunction() == AttentionFunction::Softmax) {
    weights = takePowers(scores);
    sums = sum(weights);
  } else {
    weights = compute(scores, scores, {}, [&](OpBuilder &b, Location loc, ValueRange in) {
      return laplace(ops, b, loc, in[0]);
    });
  }
  return finish(weigh(weights, values), sums, resultOrder);
}

Value attention::lowerFewQueries(AttentionOp op, OpBuilder &b, ArrayRef<int64_t> order) {
  return FewQueries(op, b).build(order);
}
