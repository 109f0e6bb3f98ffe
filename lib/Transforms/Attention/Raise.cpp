//===- Raise.cpp - One op for each attention of an encoder ----------------===//
// MatMul(Softmax(views, scales and masks of MatMul(q, k^T)), v)
//   ==>  weir.attention softmax q, k, v bias b
// Views of scores become views of queries, keys and bias; factors go into the scale, the
// queries or the keys; what is added, and masks, into the bias. Legal where that says
// all (Match.cpp). Where(mask, s, low) becomes s + Where(mask, 0, lower): so low that s
// does not count, and so a row that is all masked weighs its keys alike, as before.

#include "Match.h"
#include "Uniform.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/Remarks.h"
#include "weir/Transforms/Passes.h"
#include "weir/Transforms/RaiseAttention.h"
#include "llvm/ADT/SetVector.h"

namespace weir {
#define GEN_PASS_DEF_RAISEATTENTIONPASS
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;
using namespace weir::onnx;

static Shape shapeOf(Value value) {
  return Shape(cast<RankedTensorType>(value.getType()).getShape());
}

/// The dimensions of `rank` but queries and keys, in their order.
static Shape leadingDims(int64_t rank, ScoreDims dims) {
  Shape leading;
  for (int64_t dim = 0; dim < rank; ++dim)
    if (dim != dims.query && dim != dims.key)
      leading.push_back(dim);
  return leading;
}

/// The sizes of those dimensions.
static Shape leadingShape(Value scores, ScoreDims dims) {
  Shape shape = shapeOf(scores), leading;
  for (int64_t dim : leadingDims(shape.size(), dims))
    leading.push_back(shape[dim]);
  return leading;
}

/// Transposes what may be a transpose already.
static Value transposeOnce(OnnxBuilder &make, Value value, ArrayRef<int64_t> perm) {
  auto inner = value.getDefiningOp<TransposeOp>();
  if (!inner)
    return make.transpose(value, perm);
  Shape first = getPermutation(inner), both;
  for (int64_t dim : perm)
    both.push_back(first[dim]);
  return make.transpose(inner.getData(), both);
}

/// Reshapes what may be a reshape already.
static Value reshapeOnce(OnnxBuilder &make, Value value, ArrayRef<int64_t> shape) {
  auto inner = value.getDefiningOp<ReshapeOp>();
  return make.reshape(inner ? inner.getData() : value, shape);
}

static Value swapLast(OnnxBuilder &make, Value value) {
  auto perm = llvm::to_vector(llvm::seq<int64_t>(0, shapeOf(value).size()));
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return transposeOnce(make, value, perm);
}

namespace {
/// Queries, keys and bias while they take over, step by step, what was done to scores.
/// All are [leading.., rows, columns] with the leading dimensions of the scores, which
/// they may lack or have of size 1.
class Raiser {
public:
  Raiser(OpBuilder &builder, const AttentionMatch &match)
      : make(builder, match.softmax->getLoc()), builder(builder), match(match) {}
  /// Replaces the result of the match.
  weir::AttentionOp replace();

private:
  Value toLeading(Value value, Value scores, ScoreDims dims);
  void takeProduct();
  void takeLink(const Link &link);
  void takeView(const Link &link);
  void takeSum(const Link &link);
  void takeMask(const Link &link);
  void takeScale(const Link &link);
  void forEach(function_ref<Value(Value)> change);
  RankedTensorType resultType(Value values);
  Type element() { return getElementType(q); }

  OnnxBuilder make;
  OpBuilder &builder;
  const AttentionMatch &match;
  Value q, k, bias;
  double scale = 1;
};
} // namespace

/// An operand that broadcasts to `scores`, with queries and keys last.
Value Raiser::toLeading(Value value, Value scores, ScoreDims dims) {
  int64_t rank = shapeOf(scores).size();
  if (dims.query == rank - 2 && dims.key == rank - 1)
    return value;
  Shape shape = shapeOf(value);
  shape.insert(shape.begin(), rank - shape.size(), 1);
  Shape perm = leadingDims(rank, dims);
  perm.append({dims.query, dims.key});
  return transposeOnce(make, make.reshape(value, shape), perm);
}

void Raiser::takeProduct() {
  Value a = match.product->getOperand(0), b = match.product->getOperand(1);
  bool queriesFirst = match.productDims.query < match.productDims.key;
  q = queriesFirst ? a : swapLast(make, b);
  k = queriesFirst ? swapLast(make, b) : a;
}

void Raiser::forEach(function_ref<Value(Value)> change) {
  q = change(q);
  k = change(k);
  if (bias)
    bias = change(bias);
}

/// Leading dimensions change places, or are cut and merged in their order.
void Raiser::takeView(const Link &link) {
  Operation *op = link.data->getOwner();
  Shape before = leadingShape(link.data->get(), link.before);
  Shape after = leadingShape(op->getResult(0), link.after);
  auto fill = [&](Value value) { // missing dimensions
    Shape shape = shapeOf(value);
    size_t rank = before.size() + 2;
    if (shape.size() < rank)
      shape.insert(shape.begin(), rank - shape.size(), 1);
    return reshapeOnce(make, value, shape);
  };
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    Shape old = leadingDims(before.size() + 2, link.before), perm;
    Shape whole = getPermutation(transpose);
    for (int64_t dim : leadingDims(after.size() + 2, link.after))
      perm.push_back(llvm::find(old, whole[dim]) - old.begin());
    int64_t rows = before.size();
    perm.append({rows, rows + 1});
    if (!llvm::is_sorted(perm))
      forEach([&](Value value) { return transposeOnce(make, fill(value), perm); });
    return;
  }
  if (!isa<ReshapeOp>(op) || before == after)
    return;
  forEach([&](Value value) {
    value = fill(value);
    Shape shape = shapeOf(value);
    ArrayRef<int64_t> rows = ArrayRef(shape).take_back(2);
    Shape full(before), wanted(after);
    full.append(rows.begin(), rows.end());
    wanted.append(rows.begin(), rows.end());
    if (llvm::all_of(ArrayRef(shape).drop_back(2), [](int64_t n) { return n == 1; }))
      std::fill(wanted.begin(), wanted.end() - 2, 1);
    else if (shape != full)
      value = make.make<ExpandOp>(value, make.ints(full));
    return reshapeOnce(make, value, wanted);
  });
}

void Raiser::takeSum(const Link &link) {
  Operation *op = link.data->getOwner();
  Value other = toLeading(op->getOperand(1 - link.data->getOperandNumber()),
                          op->getResult(0), link.after);
  if (isa<SubOp>(op))
    bias = bias ? make.sub(bias, other) : make.make<NegOp>(other);
  else
    bias = bias ? make.add(bias, other) : other;
}

void Raiser::takeMask(const Link &link) {
  Operation *op = link.data->getOwner();
  unsigned number = link.data->getOperandNumber();
  Value condition = toLeading(op->getOperand(0), op->getResult(0), link.after);
  double low = std::min(*getSplatNumber(op->getOperand(3 - number)), swampingScore);
  Value fill = make.scalar(low, element());
  Value kept = bias ? bias : make.scalar(0, element());
  bias = number == 1 ? make.make<WhereOp>(condition, kept, fill)
                     : make.make<WhereOp>(condition, fill, kept);
}

void Raiser::takeScale(const Link &link) {
  Operation *op = link.data->getOwner();
  bool divides = isa<DivOp>(op);
  Value factor = op->getOperand(1 - link.data->getOperandNumber());
  auto apply = [&](Value value, Value by) {
    return divides ? make.div(value, by) : make.mul(value, by);
  };
  std::optional<double> number = getSplatNumber(factor);
  if (number && link.data->get().getType() == op->getResult(0).getType()) {
    scale = divides ? scale / *number : scale * *number;
    if (bias)
      bias = apply(bias, make.scalar(*number, element()));
    return;
  }
  factor = toLeading(factor, op->getResult(0), link.after);
  if (bias)
    bias = apply(bias, factor);
  Shape shape = shapeOf(factor);
  if (shape.size() < 2)
    factor = make.reshape(factor, {1, shape.empty() ? 1 : shape.front()});
  if (shapeOf(factor).back() == 1)
    q = apply(q, factor);
  else
    k = apply(k, swapLast(make, factor));
}

void Raiser::takeLink(const Link &link) {
  Operation *op = link.data->getOwner();
  if (isa<WhereOp>(op))
    takeMask(link);
  else if (isa<AddOp, SubOp>(op))
    takeSum(link);
  else if (isa<MulOp, DivOp>(op))
    takeScale(link);
  else
    takeView(link);
}

/// What the operands give: at most, dimensions of size 1 are missing in front.
RankedTensorType Raiser::resultType(Value values) {
  Shape leading;
  for (Value operand : {q, k, values, bias})
    if (operand) {
      Shape shape = shapeOf(operand);
      shape.pop_back_n(std::min<size_t>(2, shape.size()));
      leading = *broadcastShapes(leading, shape);
    }
  leading.append({*std::next(shapeOf(q).rbegin()), shapeOf(values).back()});
  return RankedTensorType::get(leading, element());
}

weir::AttentionOp Raiser::replace() {
  takeProduct();
  for (const Link &link : match.scores)
    takeLink(link);
  for (const Link &link : match.weights)
    takeView(link);
  bool isLeft = match.weightsUse->getOperandNumber() == 0;
  Value values = match.result->getOperand(isLeft ? 1 : 0);
  if (!isLeft)
    values = swapLast(make, values);
  if (bias)
    bias = dropUniformQueries(make, builder, bias);
  auto attention = weir::AttentionOp::create(
      builder, match.softmax->getLoc(), resultType(values), AttentionFunction::Softmax, q,
      k, values, bias, APFloat(scale), match.isGuarded);
  Value result = attention.getResult();
  if (!isLeft)
    result = swapLast(make, result);
  match.result->getResult(0).replaceAllUsesWith(
      make.reshape(result, shapeOf(match.result->getResult(0))));
  return attention;
}

/// Erases `op`, which is not used, and of what it used what nobody else does.
static void eraseDead(Operation *op) {
  llvm::SetVector<Operation *> unused;
  unused.insert(op);
  while (!unused.empty()) {
    Operation *next = unused.pop_back_val();
    if (!isOpTriviallyDead(next))
      continue;
    for (Value operand : next->getOperands())
      if (Operation *source = operand.getDefiningOp())
        unused.insert(source);
    next->erase();
  }
}

static weir::AttentionOp raise(const AttentionMatch &match) {
  OpBuilder builder(match.result);
  weir::AttentionOp attention = Raiser(builder, match).replace();
  attention->setDiscardableAttrs(match.softmax->getDiscardableAttrDictionary());
  eraseDead(match.result);
  return attention;
}

FailureOr<weir::AttentionOp> weir::raiseAttention(Operation *softmax,
                                                  const TokenFlowAnalysis &flows,
                                                  std::string *why) {
  if (auto attention = dyn_cast<weir::AttentionOp>(softmax))
    return attention;
  std::string reason;
  FailureOr<AttentionMatch> match = matchAttention(softmax, flows, reason);
  if (failed(match)) {
    if (why)
      *why = reason;
    return missed(softmax, "{0}", reason);
  }
  return raise(*match);
}

void weir::fuseAttentions(func::FuncOp function, int64_t fewestQueries) {
  SmallVector<SoftmaxOp> found;
  function.walk([&](SoftmaxOp softmax) { found.push_back(softmax); });
  for (SoftmaxOp softmax : found) {
    std::string reason;
    FailureOr<AttentionMatch> match = matchAttention(softmax, reason);
    if (failed(match)) {
      (void)missed(softmax, "holds all of its scores: {0}", reason);
      continue;
    }
    Shape product = shapeOf(match->product->getResult(0));
    if (product[match->productDims.query] >= fewestQueries)
      raise(*match);
  }
}

SmallVector<Operation *> weir::findAttentions(func::FuncOp function,
                                              const TokenFlowAnalysis &flows) {
  SmallVector<Operation *> found;
  for (Operation &op : function.getBody().front()) {
    const FlowTransfer *transfer = flows.getTransfer(&op);
    bool isAttention = transfer && (isa<weir::AttentionOp>(op)
                                        ? transfer->meetsKeys
                                        : transfer->isSoftmax && isa<SoftmaxOp>(op) &&
                                              transfer->axes.size() == 2);
    if (isAttention)
      found.push_back(&op);
  }
  return found;
}

FailureOr<SmallVector<RaisedAttention>> weir::raiseAttentions(func::FuncOp function,
                                                              const ArgumentAxes &axes,
                                                              const LayerSet &layers) {
  TokenFlowAnalysis flows(function, axes, {});
  SmallVector<Operation *> found = findAttentions(function, flows);
  if (failed(layers.check(function, found.size())))
    return failure();
  SmallVector<RaisedAttention> raised;
  for (auto [layer, op] : llvm::enumerate(found)) {
    if (!layers.contains(layer))
      continue;
    RaisedAttention &entry = raised.emplace_back();
    entry.layer = layer;
    entry.node = getNodeName(op);
    FailureOr<weir::AttentionOp> attention = raiseAttention(op, flows, &entry.why);
    if (succeeded(attention))
      entry.op = *attention;
  }
  return raised;
}

namespace {
struct RaiseAttentionPass : weir::impl::RaiseAttentionPassBase<RaiseAttentionPass> {
  using RaiseAttentionPassBase::RaiseAttentionPassBase;
  void runOnOperation() override {
    ContinualOptions options;
    options.tokenAxes.assign(tokenAxes.begin(), tokenAxes.end());
    options.chunk = chunk;
    FailureOr<LayerSet> chosen = LayerSet::parse(layers, getOperation().getLoc());
    FailureOr<ArgumentAxes> axes = failure();
    if (succeeded(chosen))
      axes = findTokenAxes(getOperation(), options);
    if (failed(axes) || failed(raiseAttentions(getOperation(), *axes, *chosen)))
      signalPassFailure();
  }
};
} // namespace
